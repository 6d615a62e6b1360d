"""Only the cells that change are drawn."""

from __future__ import annotations

import pytest
from textual.content import Content
from textual.geometry import Region

from workbench.panes.lines import changes


def dirty(old: str | Content, new: str | Content) -> list[Region]:
    return list(changes([Content.from_text(old)], [Content.from_text(new)], 2, 5))


@pytest.mark.parametrize(
    ("old", "new", "columns"),
    [
        ("", "abc", (2, 3)),
        ("One line", "One line and more", (10, 9)),
        ("tokens/s 120", "tokens/s 125", (13, 1)),
        ("abc", "ab", (4, 1)),
        # A family is one character of several: it is drawn whole, with its word.
        ("see 👩", "see 👩\u200d👧", (6, 2)),
    ],
)
def test_the_cells_from_the_first_difference_on(
    old: str, new: str, columns: tuple[int, int]
) -> None:
    [region] = dirty(old, new)
    assert (region.x, region.width) == columns
    assert (region.y, region.height) == (5, 1)


def test_what_is_the_same_is_not_drawn() -> None:
    assert dirty("same", "same") == []


def test_another_style_draws_the_whole_line() -> None:
    [region] = dirty(Content("a *b"), Content.assemble("a ", ("b", "italic")))
    assert (region.x, region.width) == (4, 2)
    [region] = dirty(Content.styled("ab", "bold"), Content("ab"))
    assert (region.x, region.width) == (2, 2)
