"""One prompt, several settings, side by side."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.screens.bench import Bench, bench
from tests.waiting import wait_until
from workbench.engine.client import EngineDied
from workbench.parameters.kinds import Values
from workbench.screens.lanes.screen import LanesScreen
from workbench.screens.lanes.typed import LaneScreen
from workbench.screens.messages import EngineReported

SHORT: Values = {"max_tokens": 6, "temperature": 0}


def lanes(b: Bench) -> LanesScreen:
    return next(each for each in b.app.screen_stack if isinstance(each, LanesScreen))


def said(b: Bench) -> list[str]:
    return [lane.column.transcript.text for lane in lanes(b).lanes]


async def send(b: Bench, text: str) -> None:
    screen = lanes(b)
    screen.prompt.focus()
    screen.prompt.load_text(text)
    await b.pilot.press("enter")
    await b.pilot.pause()


async def done(b: Bench) -> None:
    await wait_until(lambda: not lanes(b).answering, "the lanes' answers")
    await b.pilot.pause()


@asynccontextmanager
async def opened(
    values: Values = SHORT, model: Path | None = None, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[Bench]:
    async with bench(model or "pocket", values, size) as b:
        await b.pilot.press("f6")
        await wait_until(lambda: isinstance(b.app.screen, LanesScreen), "the lanes")
        await b.pilot.pause()
        yield b


async def test_a_sweep_is_answered_by_every_lane() -> None:
    async with opened() as b:
        await send(b, "/sweep temperature 0 1.2 3")
        heads = [str(lane.column.head._lines[0].plain) for lane in lanes(b).lanes]
        assert heads == ["temperature 0", "temperature 0.6", "temperature 1.2"]
        await send(b, "Tell me a story.")
        await done(b)
        assert len(said(b)) == 3
        assert all("Tell me a story." in text and "6 tokens" in text for text in said(b)), said(b)
        # A second turn goes on in each of them.
        await send(b, "And then?")
        await done(b)
        assert all(text.count(" tokens, ") == 2 for text in said(b)), said(b)


async def test_the_lane_that_is_kept_is_the_conversation() -> None:
    async with opened() as b:
        await b.pilot.press("f7", "ctrl+t")
        await wait_until(lambda: isinstance(b.app.screen, LaneScreen), "the field")
        await b.pilot.press(*"top_k=3", "enter")
        await send(b, "Hello!")
        await done(b)
        kept = said(b)[1]
        await b.pilot.press("f2")
        await wait_until(lambda: b.app.screen is b.screen, "the chat")
        await b.pilot.pause()
        assert b.screen.parameters.values["top_k"] == 3
        assert b.said.split("\n")[3:] == kept.split("\n")[3:]
        # The other lane's answer is another version of it: both answer one prompt.
        assert len(b.screen.exchange.conversation.messages) == 3
        assert "2 of 2" in b.said
        assert "of 2" not in kept


async def test_leaving_keeps_the_chat_as_it_was_and_what_was_written() -> None:
    async with opened() as b:
        await send(b, "Hello!")
        await done(b)
        lanes(b).prompt.load_text("a draft")
        await b.pilot.press("escape")
        await wait_until(lambda: b.app.screen is b.screen, "the chat")
        assert b.screen.exchange.conversation.path() == []
        assert b.screen.chat.prompt.text == "a draft"
        # The engine answers the chat again.
        b.screen.chat.prompt.clear()
        await b.ask("Hello!")
        await b.idle()
        assert b.says("6 tokens")


async def test_lanes_are_added_and_closed() -> None:
    async with opened() as b:
        for _ in range(9):
            await b.pilot.press("f6")
        await b.pilot.pause()
        assert [lane.column.letter for lane in lanes(b).lanes] == [*"ACDEFGHB"]
        assert any("room for 8" in toast for toast in b.toasts())
        await b.pilot.press("f9", "X")
        await b.pilot.pause()
        assert len(lanes(b).lanes) == 7
        await send(b, "Hello!")
        await done(b)
        assert all("6 tokens" in text for text in said(b))


async def test_escape_stops_all_lanes(slow_model: Path) -> None:
    async with opened({"ignore_eos": True}, slow_model) as b:
        await send(b, "Hello!")
        await wait_until(lambda: all(len(text) > 30 for text in said(b)), "both to write")
        await b.pilot.press("escape")
        await done(b)
        assert all("stopped" in text for text in said(b))
        assert isinstance(b.app.screen, LanesScreen)


async def test_one_lane_is_answered_again() -> None:
    async with opened({"max_tokens": 6, "temperature": 1.5}) as b:
        await send(b, "Hello!")
        await done(b)
        await b.pilot.press("f9", "r")
        await b.pilot.pause()
        await done(b)
        assert "of 2" in said(b)[0]


async def test_one_at_a_time_where_there_is_no_room() -> None:
    async with opened(size=(50, 24)) as b:
        await send(b, "/sweep temperature 0 1 4")
        shown = [lane.column.display for lane in lanes(b).lanes]
        assert shown == [True, False, False, False]
        await b.pilot.press("f7")
        await b.pilot.pause()
        assert [lane.column.display for lane in lanes(b).lanes] == [False, True, False, False]
        await send(b, "Hello!")
        await done(b)
        assert all(letter in str(lanes(b).others.content) for letter in "ABCD")


async def test_as_many_lanes_as_can_be_read_are_in_sight() -> None:
    async with opened(size=(80, 24)) as b:
        await b.pilot.resize_terminal(120, 40)
        await send(b, "/draws 8")

        def in_sight() -> str:
            return "".join(
                lane.letter
                for lane in lanes(b).lanes
                if lane.column.display and lane.column.region.width >= 26
            )

        await wait_until(lambda: in_sight() == "ABCD", "four of them")
        for _ in range(4):
            await b.pilot.press("f7")
        await wait_until(lambda: in_sight() == "BCDE", "those beside the fifth")
        # They stay while the foremost is among them.
        await b.pilot.press("shift+f7")
        await b.pilot.pause()
        assert in_sight() == "BCDE"
        await b.pilot.resize_terminal(250, 40)
        await wait_until(lambda: in_sight() == "ABCDEFGH", "all of them")


async def test_draws_differ_also_where_a_seed_is_set() -> None:
    async with opened({"seed": 4}) as b:
        await send(b, "/draws 3")
        assert [lane.chosen.values["seed"] for lane in lanes(b).lanes] == [4, 5, 6]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("/sweep warmth 0 1 3", "no parameter"),
        ("/sweep temperature 0 1 30", "2 to 8"),
        ("/draws many", "2 to 8 draws"),
    ],
)
async def test_a_wrong_command_stays_to_be_mended(command: str, words: str) -> None:
    async with opened() as b:
        await send(b, command)
        assert lanes(b).prompt.text == command
        assert any(words in toast for toast in b.toasts())
        assert len(lanes(b).lanes) == 2


async def test_a_grammar_that_is_wrong_fails_them_all_and_loses_nothing() -> None:
    async with opened({**SHORT, "grammar": "no grammar"}) as b:
        await send(b, "Hello!")
        await done(b)
        assert lanes(b).prompt.text == "Hello!"
        assert all("grammar" in text for text in said(b))


async def test_an_engine_that_dies_leaves_what_was_written(slow_model: Path) -> None:
    async with opened({"ignore_eos": True}, slow_model) as b:
        await send(b, "Hello!")
        await wait_until(lambda: all(len(text) > 30 for text in said(b)), "both to write")
        b.screen.engine.kill()
        await done(b)
        assert all("engine died" in text for text in said(b))


async def test_a_death_that_is_heard_late_ends_no_newer_answers() -> None:
    async with opened(SHORT) as b:
        died = EngineDied(cause="SIGKILL", advice="", log=[], request=b.screen.engine.number())
        os.kill(b.engine_pid, signal.SIGSTOP)
        await send(b, "Hello!")
        b.screen.post_message(EngineReported(died))
        await wait_until(lambda: all("engine died" in text for text in said(b)), "a word on it")
        os.kill(b.engine_pid, signal.SIGCONT)
        await done(b)
        for lane in lanes(b).lanes:
            assert lane.exchange.conversation.path()[-1].finish in ("stop", "length")


async def test_words_act_in_the_lanes_or_are_refused_and_are_never_sent() -> None:
    async with opened() as b:
        screen = lanes(b)
        await send(b, "/set temperature 0.55")
        assert screen.foremost.chosen.values["temperature"] == 0.55
        assert screen.prompt.text == ""
        for word, why in (
            ("/clear", "/clear is for the chat"),
            ("clear", "/clear is for the chat"),
            ("/save talk.md", "/save is for the chat"),
            ("/nothing", "There is no word /nothing"),
            ("/set nothing 1", "no parameter nothing"),
            ("/sweep temperature", "."),
        ):
            b.app.clear_notifications()
            await send(b, word)
            assert why in b.toasts()[-1]
            # It can be put right.
            assert screen.prompt.text == word
            screen.prompt.clear()
        await send(b, "/help")
        assert "/sweep KEY FIRST LAST LANES" in b.toasts()[-1]
        assert not any(lane.exchange.conversation.messages for lane in screen.lanes)
        screen.prompt.load_text("/s")
        await b.pilot.press("tab")
        assert screen.prompt.border_title == "/set  /sweep"


async def test_escape_before_the_first_word_gives_the_prompt_back(slow_model: Path) -> None:
    async with opened({"ignore_eos": True}, slow_model) as b:
        os.kill(b.engine_pid, signal.SIGSTOP)
        await send(b, "Hello!")
        await b.pilot.press("escape")
        lanes(b).prompt.insert("And then")
        os.kill(b.engine_pid, signal.SIGCONT)
        await done(b)
        assert all(lane.exchange.conversation.path() == [] for lane in lanes(b).lanes)
        # Once for both of them.
        assert lanes(b).prompt.text == "Hello!\nAnd then"
