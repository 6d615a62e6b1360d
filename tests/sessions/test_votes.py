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
    # Newcombe (1998), Wilson's interval without correction: 81 of 263, 15 of 148.
    lots = [vote(0, "a", "b")] * 81 + [vote(1, "a", "b")] * 182
    assert {c.setting: c for c in counted(lots)}["a"].between == pytest.approx(
        (0.2553, 0.3662), abs=1e-4
    )


def test_one_of_two_lanes_of_a_setting_is_enough_to_be_best() -> None:
    [count] = counted([vote(1, "same", "same")])
    assert (count.best, count.worse) == (1, 0)
