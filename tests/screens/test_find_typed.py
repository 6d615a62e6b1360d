from __future__ import annotations

from workbench.models.hub.wanted import SORTS
from workbench.screens.find.typed import SIZES, Choice, wanted


def test_authors_are_told_from_words() -> None:
    search = wanted("  small author:someone coder ", Choice())
    assert (search.text, search.author) == ("small coder", "someone")
    assert (search.sort, search.smallest, search.gated) == ("trending", None, None)
    assert wanted("", Choice()).text == ""


def test_keys_go_round() -> None:
    choice = Choice()
    sorts, sizes, gated = set(), set(), set()
    for _ in range(len(SORTS) * len(SIZES) * 3):
        choice = choice.next_sort().next_sizes().next_gated()
        search = wanted("", choice)
        sorts.add(search.sort)
        sizes.add((search.smallest, search.largest))
        gated.add(search.gated)
    assert choice == Choice()
    assert (len(sorts), len(sizes), len(gated)) == (len(SORTS), len(SIZES), 3)
    assert choice.words == "trending, any size, gated or not"
