"""Which rows there are, and how one looks at any width."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.panes.parameters import row
from workbench.panes.parameters.listing import GROUPS, Heading, Listing
from workbench.parameters.chosen import Chosen, named_preset
from workbench.parameters.kinds import Parameter
from workbench.parameters.table import BY_KEY, TABLE


@pytest.fixture
def chosen(tmp_path: Path) -> Chosen:
    return Chosen(tmp_path, {})


def keys(listing: Listing) -> list[str]:
    return [each.key for each in listing.rows if isinstance(each, Parameter)]


def test_one_group_is_unfolded_at_first_and_all_have_headings(chosen: Chosen) -> None:
    listing = Listing(chosen)
    assert keys(listing) == [each.key for each in GROUPS["sampling"]]
    assert [each.group for each in listing.rows if isinstance(each, Heading)] == list(GROUPS)
    listing.fold(set(GROUPS), folded=False)
    listing.update()
    assert keys(listing) == [each.key for each in TABLE]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("temp", ["temperature", "dynatemp_range", "dynatemp_exponent"]),
        ("--top-k", ["top_k"]),
        ("rope fre", ["rope_freq_base", "rope_freq_scale"]),
        # By what its help says, and by its group.
        ("gbnf", ["grammar"]),
        ("kv cache", ["context_overflow", "flash_attn"]),
        ("zzz", []),
    ],
)
def test_the_filter_ranks_names_before_words(chosen: Chosen, text: str, first: list[str]) -> None:
    listing = Listing(chosen)
    listing.look_for(text)
    listing.update()
    assert keys(listing)[: len(first)] == first
    assert bool(listing.rows) == bool(first)


def test_only_what_differs_is_listed_under_its_headings(chosen: Chosen) -> None:
    chosen.replace({"top_k": 3, "n_ctx": 4096})
    chosen.defaults = {"min_p": 0.2}
    listing = Listing(chosen)
    listing.only_changed = True
    listing.update()
    assert listing.rows == [
        Heading("sampling"),
        BY_KEY["top_k"],
        BY_KEY["min_p"],
        Heading("loading"),
        BY_KEY["n_ctx"],
    ]
    assert listing.shown == 3


@pytest.mark.parametrize("width", range(22, 77))
def test_names_and_values_stand_in_columns_at_every_width(chosen: Chosen, width: int) -> None:
    chosen.replace({"grammar": "root ::= " + "x" * 500, "n_ctx": 131072, "top_k": 3})
    listing = Listing(chosen)
    lines = [row.parameter(chosen, each, width).plain for each in TABLE]
    ends = {len(line) for line in lines}
    assert ends == {min(width, 42)}
    for line, each in zip(lines, TABLE, strict=True):
        assert line[2:7] == each.key[:5].ljust(5)
        assert line[-3] != " ", line
        assert line[-1] == {"live": "~", "answer": " ", "load": "↻"}[each.acts]
    for group in GROUPS:
        heading = row.heading(listing, Heading(group), width).plain
        assert len(heading) == min(width, 42) - 2


def test_a_row_shows_its_source_and_its_unit(chosen: Chosen) -> None:
    chosen.replace({"min_keep": 3}, named_preset("exact"))
    chosen.put(BY_KEY["repeat_last_n"], 128)
    chosen.defaults = {"temperature": 0.3}
    shown = {
        key: row.parameter(chosen, BY_KEY[key], 40).plain.split()
        for key in ("min_keep", "repeat_last_n", "temperature", "top_k", "dry_penalty_last_n")
    }
    assert shown["min_keep"] == ["◆", "min_keep", "3", "tokens", "~"]
    assert shown["repeat_last_n"] == ["•", "repeat_last_n", "128", "tokens", "~"]
    assert shown["temperature"] == ["◇", "temperature", "0.3", "~"]
    assert shown["top_k"] == ["top_k", "40", "~"]
    narrow = row.parameter(chosen, BY_KEY["dry_penalty_last_n"], 27).plain
    assert narrow.split() == ["dry_penalty_last_n", "64", "~"]


def test_a_heading_counts_what_is_set(chosen: Chosen) -> None:
    chosen.replace({"repeat_penalty": 1.1, "dry_base": 2})
    listing = Listing(chosen)
    line = row.heading(listing, Heading("penalties"), 27).plain
    assert line.split() == ["▸", "penalties", "9", "·", "2", "set"]
    assert row.heading(listing, Heading("sampling"), 27).plain.split() == ["▾", "sampling", "13"]


def test_no_control_character_of_a_value_reaches_the_terminal(chosen: Chosen) -> None:
    chosen.replace({"stop": ("\x1b[2J",), "system": "a\x07\x9bb"})
    for key in ("stop", "system"):
        line = row.parameter(chosen, BY_KEY[key], 40).plain
        assert line.isprintable(), line
