"""Votes, and how they count."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from workbench.sessions.votes import Vote, Votes, counted


def vote(best: int | Literal["tie", "bad"], *settings: str) -> Vote:
    return Vote(at=1.0, model="fox", settings=list(settings), best=best)


def test_votes_are_kept_in_their_order(tmp_path: Path) -> None:
    votes = Votes(tmp_path / "state" / "votes.jsonl")
    assert votes.read() == []
    votes.add(vote(0, "cold", "hot"))
    votes.add(vote("tie", "cold", "hot"))
    assert [each.best for each in Votes(tmp_path / "state" / "votes.jsonl").read()] == [0, "tie"]


def test_a_line_that_broke_off_costs_only_itself(tmp_path: Path) -> None:
    file = tmp_path / "votes.jsonl"
    votes = Votes(file)
    votes.add(vote(0, "cold", "hot"))
    file.write_bytes(file.read_bytes() + b'{"at": 3, "mod')
    votes.add(vote(1, "cold", "hot"))
    file.write_bytes(file.read_bytes() + b'{"at":1,"model":"","settings":["a"],"best":7}\n\xff\n')
    assert [each.best for each in votes.read()] == [0, 1]


def test_a_setting_is_counted_over_all_its_votes() -> None:
    votes = [vote(0, "cold", "hot"), vote(0, "cold", "hot"), vote("tie", "hot", "cold")]
    votes += [vote("bad", "cold", "hot"), vote(0, "hot", "odd")]
    by_name = {count.setting: count for count in counted(votes)}
    cold, hot = by_name["cold"], by_name["hot"]
    assert (cold.best, cold.tied, cold.worse, cold.bad) == (2, 1, 0, 1)
    assert (hot.best, hot.tied, hot.worse, hot.bad) == (1, 1, 2, 1)
    assert cold.share == pytest.approx(5 / 6)
    assert [count.setting for count in counted(votes)] == ["cold", "hot", "odd"]
    # Newcombe (1998), Wilson's interval without correction: 81 of 263.
    lots = [vote(0, "a", "b")] * 81 + [vote(1, "a", "b")] * 182
    between = {count.setting: count for count in counted(lots)}["a"].between
    assert between == pytest.approx((0.2553, 0.3662), abs=1e-4)


def test_chance_makes_one_half_however_many_lanes_there_are() -> None:
    settings = ["a", "b", "c", "d"]
    votes = [vote(number, *settings) for number in range(4)] + [vote("tie", *settings)]
    assert [count.share for count in counted(votes)] == [0.5] * 4


def test_what_is_set_for_all_lanes_parts_the_counts() -> None:
    votes = [
        vote(0, "cold", "hot"),
        Vote(at=2.0, model="fox", common="top_k 1", settings=["cold", "hot"], best=1),
    ]
    found = [(count.common, count.setting, count.share) for count in counted(votes)]
    assert found == [
        ("", "cold", 1.0),
        ("", "hot", 0.0),
        ("top_k 1", "hot", 1.0),
        ("top_k 1", "cold", 0.0),
    ]


def test_draws_of_one_setting_say_nothing_of_it() -> None:
    assert counted([vote(1, "same", "same")]) == []
    [best, _] = counted([vote(1, "same", "same", "other")])
    assert (best.setting, best.best, best.compared) == ("same", 1, 1)
