"""Lanes judged: differences, blind votes, and what comes of them."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from textual.widgets import Static

from tests.screens.bench import Bench
from tests.screens.test_lanes import done, lanes, opened, said, send
from tests.waiting import wait_until
from workbench.parameters.kinds import Values
from workbench.parameters.lanes import said as said_of
from workbench.screens.lanes.differences import DifferencesScreen
from workbench.screens.lanes.lane import Lane
from workbench.screens.lanes.votes import VoteScreen, VotesScreen
from workbench.sessions.votes import Votes
from workbench.settings import paths

DRAWN: Values = {"max_tokens": 30, "seed": 5}


async def vote(b: Bench, key: str) -> None:
    await b.pilot.press("f2")
    await wait_until(lambda: isinstance(b.app.screen, VoteScreen), "the ballot")
    await b.pilot.press(key)
    await wait_until(lambda: b.app.screen is lanes(b), "the lanes")
    await b.pilot.pause()


def heads(b: Bench) -> list[str]:
    return [str(lane.column.head._lines[0].plain) for lane in lanes(b).lanes]


async def test_where_two_lanes_part_is_marked() -> None:
    async with opened(DRAWN) as b:
        await send(b, "/sweep temperature 0 1.5 2")
        await send(b, "Tell me a story.")
        await done(b)
        first, second = lanes(b).lanes
        assert first.answer != second.answer
        assert b"".join(token.piece for token in first.tokens).decode().strip() == first.answer
        screen = await b.opened(DifferencesScreen, "f4")
        await wait_until(lambda: str(screen.words.content), "the comparison")
        assert "They part at token" in str(screen.words.content)
        left = str(screen.query_one("#difference-left", Static).content)
        assert left.replace("▶", "", 1) == f"A\n{first.answer}"
        await b.pilot.press("escape")


async def test_the_same_answer_is_said_to_be_the_same() -> None:
    async with opened({"max_tokens": 8, "temperature": 0}) as b:
        await send(b, "Hello!")
        await done(b)
        screen = await b.opened(DifferencesScreen, "f4")
        await wait_until(lambda: "wrote the same" in str(screen.words.content), "the comparison")


async def test_a_blind_vote_hides_and_names_and_counts() -> None:
    async with opened(DRAWN) as b:
        await send(b, "/sweep temperature 0 1.5 3")
        await b.pilot.press("f12")
        await send(b, "Tell me a story.")
        await done(b)
        assert heads(b) == ["hidden until the vote"] * 3
        assert [lane.letter for lane in lanes(b).lanes] == [*"ABC"]
        assert not any("t/s" in text or "pocket" in text for text in said(b)), said(b)
        assert all(lane.column.status == "complete" for lane in lanes(b).lanes)
        # Nothing that tells them apart can be opened, nothing asked, before the vote.
        for key in ("f3", "ctrl+t", "f6", "ctrl+s"):
            await b.pilot.press(key)
            assert b.app.screen is lanes(b)
        await b.pilot.press("f9", "X")
        await b.pilot.pause()
        assert len(lanes(b).lanes) == 3
        assert not lanes(b).parameters.display
        await send(b, "And then?")
        assert not lanes(b).answering
        best = lanes(b).lanes[1]
        await vote(b, "b")
        assert heads(b)[1] == said_of({"temperature": best.chosen.values["temperature"]})
        assert all("t/s" in text and "pocket" in text for text in said(b))
        assert all("t/s" in lane.column.status for lane in lanes(b).lanes)
        [counted] = Votes(paths.votes()).read()
        assert counted.best == 1
        assert sorted(counted.settings) == ["temperature 0", "temperature 0.75", "temperature 1.5"]
        # All go on from the answer that was best.
        leaf = best.exchange.conversation.leaf
        answer = best.answer
        await b.pilot.press("enter")
        await done(b)
        for lane in lanes(b).lanes:
            path = lane.exchange.conversation.path()
            assert [path[1].id, path[1].text] == [leaf, answer]


async def test_all_bad_is_as_if_it_had_not_been_asked() -> None:
    async with opened(DRAWN) as b:
        await b.pilot.press("f12")
        await send(b, "Tell me a story.")
        await done(b)
        await vote(b, "n")
        await send(b, "Hello!")
        await done(b)
        assert all(
            [each.text for each in lane.exchange.conversation.path() if each.role == "user"]
            == ["Hello!"]
            for lane in lanes(b).lanes
        )
        await vote(b, "t")
        assert [each.best for each in Votes(paths.votes()).read()] == ["bad", "tie"]
        # Two draws of one setting say nothing of it.
        screen = await b.opened(VotesScreen, "f9", "V")
        assert "No votes yet" in screen.text


async def test_a_blind_round_begins_with_one_conversation_in_all_lanes() -> None:
    async with opened(DRAWN) as b:
        await send(b, "/sweep temperature 0 1.5 3")
        await send(b, "Tell me a story.")
        await done(b)
        first = lanes(b).foremost.answer
        await b.pilot.press("f12")
        await send(b, "And then?")
        await done(b)
        paths_ = [lane.exchange.conversation.path() for lane in lanes(b).lanes]
        assert [path[1].text for path in paths_] == [first] * 3
        shown = ["".join(text.partition("And then?")[0].split()) for text in said(b)]
        assert shown == [shown[0]] * 3


async def test_lanes_are_shuffled_and_the_pane_knows_which_is_which(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("random.shuffle", lambda lanes: lanes.reverse())
    async with opened(DRAWN) as b:
        await send(b, "/sweep temperature 0 1.5 3")
        before = list(lanes(b).lanes)
        await b.pilot.press("f12")
        await send(b, "Tell me a story.")
        await done(b)
        assert lanes(b).lanes == before[::-1]
        columns = list(lanes(b).columns.children)
        assert columns == [lane.column for lane in before[::-1]]
        await vote(b, "a")
        [counted] = Votes(paths.votes()).read()
        assert counted.settings[0] == "temperature 1.5"
        await b.pilot.press("f3")
        await b.pilot.pause()
        assert lanes(b).parameters.values["temperature"] == 1.5
        # Letters stay apart from each other.
        await b.pilot.press("f3", "f9", "X", "f6")
        await b.pilot.pause()
        assert sorted(lane.letter for lane in lanes(b).lanes) == [*"ABC"]


async def test_what_would_tell_a_lane_waits_for_the_vote(slow_model: Path) -> None:
    async with opened({"max_tokens": 5}) as b:
        screen = lanes(b)
        screen.lanes[0].set({"context_overflow": "stop", "n_ctx": 256, "n_gpu_layers": 4})
        screen.lanes[1].chosen.values["max_tokens"] = 6
        await b.pilot.press("f12")
        await send(b, "Hello!")
        await done(b)
        assert not any("n_gpu_layers" in text for text in said(b)), said(b)
        await vote(b, "a")
        assert any("n_gpu_layers" in text for text in said(b)), said(b)


async def test_blindness_does_not_change_in_mid_answer(slow_model: Path) -> None:
    async with opened({"ignore_eos": True}, slow_model) as b:
        await b.pilot.press("f12")
        await send(b, "Hello!")
        await wait_until(lambda: all(lane.tokens for lane in lanes(b).lanes), "both to write")
        await b.pilot.press("f12")
        assert lanes(b).blind
        await b.pilot.press("escape")
        await done(b)
        assert all(text.count("Answer") == 1 for text in said(b)), said(b)


async def test_tokens_are_those_of_the_answer_that_is_shown() -> None:
    async with opened(DRAWN) as b:
        await send(b, "/sweep temperature 0 1.5 2")
        await send(b, "Tell me a story.")
        await done(b)
        first, second = lanes(b).lanes
        before = first.answer
        first.chosen.values["temperature"] = 1.5
        await b.pilot.press("f9", "r")
        await b.pilot.pause()
        await done(b)
        for lane in (first, second):
            assert b"".join(token.piece for token in lane.tokens).decode().strip() == lane.answer
        await b.pilot.press("h")
        await b.pilot.pause()
        assert first.answer == before
        assert b"".join(token.piece for token in first.tokens).decode().strip() == before
        # A lane that is added knows them, too.
        await b.pilot.press("f6")
        await b.pilot.pause()
        assert lanes(b).lanes[1].tokens == first.tokens


async def test_without_votes_the_table_says_how_to_vote() -> None:
    async with opened() as b:
        screen = await b.opened(VotesScreen, "f9", "V")
        assert "No votes yet" in screen.text


async def test_giving_up_blindness_names_the_lanes_without_a_vote() -> None:
    async with opened(DRAWN) as b:
        await send(b, "/sweep temperature 0 1.5 2")
        await b.pilot.press("f12")
        await send(b, "Hello!")
        await done(b)
        await b.pilot.press("f12")
        await b.pilot.pause()
        assert sorted(heads(b)) == ["temperature 0", "temperature 1.5"]
        assert Votes(paths.votes()).read() == []


async def test_nobody_votes_on_nothing() -> None:
    async with opened({**DRAWN, "grammar": "no grammar"}) as b:
        await b.pilot.press("f12")
        await send(b, "Hello!")
        await done(b)
        assert not lanes(b).hidden
        assert lanes(b).prompt.text == "Hello!"
        assert all("grammar" in text for text in said(b)), said(b)


def rows_down(lane: Lane) -> int:
    return lane.column.transcript.scroll_offset.y


async def test_lanes_scroll_together_if_asked() -> None:
    async with opened({"max_tokens": 150, "seed": 5, "ignore_eos": True}, size=(120, 24)) as b:
        await send(b, "Tell me a story.")
        await done(b)
        first, second = lanes(b).lanes
        await b.pilot.press("f9", "ctrl+u", "ctrl+u")
        await b.pilot.pause()
        assert rows_down(first) < rows_down(second)
        await b.pilot.press("s")
        await b.pilot.pause()
        assert rows_down(second) == rows_down(first)
        await b.pilot.press("g")
        await b.pilot.pause()
        assert rows_down(second) == rows_down(first) == 0
        await b.pilot.press("G")
        await b.pilot.pause()
        assert rows_down(second) == second.column.transcript.max_scroll_y
        await b.pilot.press("s", "g")
        await b.pilot.pause()
        assert rows_down(first) == 0 < rows_down(second)


async def test_nobody_votes_on_older_answers() -> None:
    async with opened(DRAWN) as b:
        await send(b, "Hello!")
        await done(b)
        await b.pilot.press("f12")
        os.kill(b.engine_pid, signal.SIGSTOP)
        await send(b, "And then?")
        await b.pilot.press("escape")
        os.kill(b.engine_pid, signal.SIGCONT)
        await done(b)
        assert not lanes(b).hidden
        assert lanes(b).prompt.text == "And then?"
