"""Text laid out as it grows is what it would be if it were laid out at once."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.panes.chat.entry import Entry
from workbench.panes.chat.growing import growing
from workbench.panes.chat.line import Line

# None of them changes what block the text before it is: that is seen only when all is there.
_PIECES = st.sampled_from(
    [
        "word ",
        "a much longer word",
        "unbroken" * 6,
        "  ",
        ", and ",
        ".\n\n",
        "\n",
        "**bold** ",
        "漢字 ",
        "```python\n",
        "```\n",
        "``",
        "~~~\n",
        "so - or = so #1 | a+b / {c} @d ",
        "a!b (c) 100% \N{NO-BREAK SPACE}\N{EM DASH} ",
        "x = 1  # one\n",
        "\tindented\n",
        "\n\n# Head\n",
        "\n\n- item\n\n",
    ]
)


def lines(pieces: list[str], width: int, *, at_once: bool) -> list[Line]:
    entry = Entry("assistant", "m", "".join(pieces) if at_once else "")
    entry.fit(width)
    entry.lay_out()
    for piece in () if at_once else pieces:
        entry.append(piece)
    return entry.lines


@settings(max_examples=400, deadline=None)
@given(st.lists(_PIECES, max_size=30), st.integers(10, 60))
def test_pieces_come_out_as_the_whole_does(pieces: list[str], width: int) -> None:
    parts = lines(pieces, width, at_once=False)
    whole = lines(pieces, width, at_once=True)
    assert [(line.plain, line.skip, line.join) for line in parts] == [
        (line.plain, line.skip, line.join) for line in whole
    ]
    assert [line.content.markup for line in parts] == [line.content.markup for line in whole]


def test_what_is_complete_is_not_laid_out_again() -> None:
    for text, more in (
        ("```python\n" + "x = 1\n" * 5, "y = 2\n"),
        ("some words " * 12, "and more words "),
    ):
        block = growing(text, 30)
        assert block is not None
        first = block.rows(text)
        second = block.rows(text + more)
        assert first is not None
        assert second is not None
        assert len(first.complete) >= 4
        assert len(second.complete) <= 1


def test_what_it_was_taken_for_can_turn_out_wrong() -> None:
    block = growing("some words", 30)
    assert block is not None
    assert block.rows("some words") is not None
    assert block.rows("some words *with stress*") is None
    fence = growing("~~~ c\n", 30)
    assert fence is not None
    assert fence.rows("~~~ c\nint x;\n~~~") is None
    assert growing("- a list", 30) is None
    assert growing("  ```\n", 30) is None


def test_a_fence_that_turns_out_to_be_words_belongs_to_the_block_above() -> None:
    for above, rows in (
        ("so:\n", ["so:", "word ```"]),
        ("so:\n\n", ["so:", "", "word ```"]),
        ("- item\n", ["• item", "  word ```"]),
        ("> said\n", ["▌ said", "▌ word ```"]),
        ("```\nx\n```\n", ["│ x", "", "word ```"]),
    ):
        pieces = [above, "````", "word ", "```", " ````"]
        assert [line.plain for line in lines(pieces, 30, at_once=False)] == rows
        assert [line.plain for line in lines(pieces, 30, at_once=True)] == rows


def test_the_space_behind_a_word_of_whole_rows_begins_the_next_one() -> None:
    for pieces in (
        ["unbroken" * 6, "so - or = so "],
        ["unbroken" * 6, "  ", "  "],
        ["unbroken" * 6, "   ", "so"],
    ):
        for width in range(10, 30):
            parts = lines(pieces, width, at_once=False)
            assert [line.plain for line in parts] == [
                line.plain for line in lines(pieces, width, at_once=True)
            ]
