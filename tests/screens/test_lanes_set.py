"""What a lane sets: by the pane, typed, in the middle of an answer, with a model of its own."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from time import perf_counter

import psutil
import pytest
from textual import events

from tests.screens.bench import Bench, bench
from tests.screens.test_lanes import SHORT, done, lanes, opened, said, send
from tests.waiting import wait_until
from workbench.screens.lanes.screen import LanesScreen
from workbench.screens.lanes.typed import LaneScreen
from workbench.screens.palette import Actions
from workbench.screens.presets import PresetScreen
from workbench.sessions.session import Session
from workbench.sessions.store import Store
from workbench.settings import paths


async def type_settings(b: Bench, text: str) -> None:
    await b.pilot.press("ctrl+t")
    await wait_until(lambda: isinstance(b.app.screen, LaneScreen), "the field")
    field = b.app.screen.query_one("Input")
    field.value = text  # type: ignore[attr-defined]
    await b.pilot.press("enter")
    await b.pilot.pause()


def children() -> list[psutil.Process]:
    return psutil.Process().children()


async def test_the_pane_sets_the_lane_that_is_foremost() -> None:
    async with opened() as b:
        screen = lanes(b)
        await b.pilot.press("f7", "f3")
        await b.pilot.pause()
        assert screen.parameters.display
        assert screen.parameters.border_title == "Parameters of B"
        screen.parameters.go_to("top_k")
        await b.pilot.press("enter", "3", "enter")
        await b.pilot.pause()
        first, second = screen.lanes
        assert "top_k" not in first.chosen.values
        assert second.chosen.values["top_k"] == 3
        await wait_until(lambda: second.column.head._lines[0].plain == "top_k 3", "its head")
        # The pane follows, and each lane undoes its own.
        await b.pilot.press("f7")
        await b.pilot.pause()
        assert screen.parameters.border_title == "Parameters of A"
        await b.pilot.press("u")
        assert second.chosen.values["top_k"] == 3
        await b.pilot.press("f7", "u")
        assert "top_k" not in second.chosen.values
        await b.pilot.press("f3")
        await b.pilot.pause()
        assert not screen.parameters.display
        assert screen.prompt.has_focus


async def test_a_lane_is_changed_in_the_middle_of_its_answer(slow_model: Path) -> None:
    async with opened({"ignore_eos": True}, slow_model) as b:
        screen = lanes(b)
        await send(b, "Hello!")
        await wait_until(lambda: all(lane.tokens for lane in screen.lanes), "both to write")
        await b.pilot.press("f7")
        await type_settings(b, "max_tokens=1")
        await wait_until(lambda: not screen.lanes[1].answering, "the end of B")
        assert screen.lanes[0].answering
        assert "max_tokens" in screen.lanes[1].column.status
        # The other one is stopped alone, too.
        await b.pilot.press("f7", "f9", "x")
        await done(b)
        assert "stopped" in screen.lanes[0].column.status


async def test_a_lane_is_kept_as_a_preset() -> None:
    async with opened() as b:
        await type_settings(b, "top_k=7")
        await b.pilot.press("f3", "p")
        await wait_until(lambda: isinstance(b.app.screen, PresetScreen), "the presets")
        await b.pilot.press("tab", *"seven", "enter")
        await b.pilot.pause()
        await b.pilot.press("escape")
        await b.pilot.pause()
        await b.pilot.press("f7")
        screen = await b.opened(PresetScreen, "p")
        names = [
            str(screen.rows.get_option_at_index(n).prompt) for n in range(screen.rows.option_count)
        ]
        assert any("seven" in name for name in names), names


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("model=nowhere", "there is no model 'nowhere'"),
        (f"model={__file__}", "is no GGUF file"),
        ("warmth=3", "no parameter"),
    ],
)
async def test_what_cannot_be_set_is_said_while_it_is_typed(text: str, words: str) -> None:
    async with opened() as b:
        await type_settings(b, text)
        screen = b.app.screen
        assert isinstance(screen, LaneScreen)
        assert words in str(screen.words.content)
        await b.pilot.press("escape")


async def test_another_model_answers_in_an_engine_of_its_own(slow_model: Path) -> None:
    async with opened() as b:
        screen = lanes(b)
        engine = b.engine_pid
        await type_settings(b, f"model={slow_model}")
        assert [lane.column.head._lines[0].plain for lane in screen.lanes] == [
            slow_model.stem,
            "pocket",
        ]
        await send(b, "Hello!")
        assert "2 engines" in screen.status._lines[0].plain
        await done(b)
        assert all("6 tokens" in text for text in said(b)), said(b)
        assert slow_model.stem in said(b)[0]
        assert b.engine_pid == engine
        assert len(children()) == 2
        # Esc on the way to it leaves nothing waiting.
        await b.pilot.press("f2")
        await wait_until(lambda: b.app.screen is b.screen, "the chat")
        await wait_until(lambda: len(children()) == 1, "the other engine's end")
        await b.idle()
        assert b.says(f"{slow_model.stem} loaded")


async def test_a_lane_that_waits_for_another_engine_can_be_stopped(slow_model: Path) -> None:
    async with opened({"ignore_eos": True}, slow_model) as b:
        screen = lanes(b)
        await b.pilot.press("f7")
        await type_settings(b, "n_ctx=256")
        await send(b, "Hello!")
        await wait_until(lambda: screen.lanes[0].tokens, "A to write")
        assert screen.lanes[1].column.status == "waiting"
        await b.pilot.press("f9", "x")
        await b.pilot.pause()
        assert screen.lanes[0].answering
        assert not screen.lanes[1].answering
        await b.pilot.press("escape")
        await done(b)
        assert len(screen.lanes[0].exchange.conversation.path()) == 2


async def test_a_prompt_is_written_anew_in_all_lanes() -> None:
    async with opened(SHORT) as b:
        await send(b, "Hello!")
        await done(b)
        await b.pilot.press("f9", "k", "e")
        await b.pilot.pause()
        assert lanes(b).prompt.text == "Hello!"
        await b.pilot.press("escape")
        assert lanes(b).prompt.text == ""
        await b.pilot.press("f9", "k", "e")
        await b.pilot.pause()
        await send(b, "Good evening!")
        await done(b)
        first = [lane.exchange.conversation.path()[0].text for lane in lanes(b).lanes]
        assert first == ["Good evening!"] * 2
        assert all("2 of 2" in text for text in said(b)), said(b)


async def test_words_are_found_in_a_lane() -> None:
    async with opened(SHORT) as b:
        await send(b, "Hello xyzzy!")
        await done(b)
        await b.pilot.press("f9", "slash", *"xyzzy", "enter")
        await b.pilot.pause()
        column = lanes(b).lanes[0].column
        assert column.transcript.found == (1, 1)
        await b.pilot.press("escape")
        await b.pilot.pause()
        assert not column.transcript.finding
        assert b.app.screen is lanes(b)


async def test_a_lane_is_answered_again_by_another_engine_while_the_others_write(
    slow_model: Path,
) -> None:
    async with opened({"ignore_eos": True}, slow_model) as b:
        screen = lanes(b)
        await send(b, "Hello!")
        await wait_until(lambda: all(lane.tokens for lane in screen.lanes), "both to write")
        await b.pilot.press("f7", "f9", "x")
        await wait_until(lambda: not screen.lanes[1].answering, "the end of B")
        await type_settings(b, "n_ctx=256,max_tokens=3")
        await b.pilot.press("f9", "r")
        await wait_until(lambda: screen.lanes[1].answering, "B to wait")
        # It waits for the other engine, and answers by what it sets then.
        await type_settings(b, "n_ctx=256,max_tokens=4")
        assert screen.lanes[1].waiting
        await b.pilot.press("f7", "f9", "x")
        await done(b)
        assert len(screen.lanes[1].tokens) == 4
        assert len(children()) == 2


async def test_a_lane_that_is_added_meanwhile_begins_before_the_open_prompt(
    slow_model: Path,
) -> None:
    async with opened({"ignore_eos": True}, slow_model) as b:
        screen = lanes(b)
        await send(b, "Hello!")
        await wait_until(lambda: all(lane.tokens for lane in screen.lanes), "both to write")
        await b.pilot.press("f6", "escape")
        await done(b)
        assert screen.lanes[1].exchange.conversation.path() == []


async def test_an_engine_that_hangs_is_ended(slow_model: Path) -> None:
    async with opened({"ignore_eos": True}, slow_model) as b:
        screen = lanes(b)
        await send(b, "Hello!")
        await wait_until(lambda: all(lane.tokens for lane in screen.lanes), "both to write")
        os.kill(b.engine_pid, signal.SIGSTOP)
        await b.pilot.press("escape")
        asked = perf_counter()
        await wait_until(lambda: perf_counter() - asked > 1.1, "patience to end")
        await b.pilot.press("escape")
        await done(b)
        assert all("engine died" in text for text in said(b))
        assert b.app.screen is screen


async def test_what_is_written_in_the_lanes_is_kept() -> None:
    async with opened(SHORT) as b:
        await send(b, "Hello!")
        await done(b)
        lanes(b).prompt.insert("a draft")
        await wait_until(lambda: b.screen.session.id is not None, "it to be kept")
        number = b.screen.session.id
        assert number is not None

        def stored() -> Session:
            with Store(paths.sessions()) as store:
                return store.open(number)

        # Without anybody's asking for it.
        await wait_until(lambda: stored().draft == "a draft", "the draft on the disk")
        kept = stored()
        texts = [message.text for message in kept.conversation.messages]
        assert texts[0] == "Hello!"
        assert texts[1:] == [lane.answer for lane in lanes(b).lanes]


async def test_texts_of_several_lines_stay_when_something_else_is_typed() -> None:
    async with opened(SHORT) as b:
        lane = lanes(b).foremost
        lane.set({"system": "One,\ntop_k=3 two."})
        await type_settings(b, "top_k=9")
        assert lane.chosen.values["system"] == "One,\ntop_k=3 two."
        assert lane.chosen.values["top_k"] == 9
        # What is not named any more is as in all lanes.
        await type_settings(b, "")
        assert "top_k" not in lane.chosen.values
        assert "system" in lane.chosen.values


async def test_a_sweep_alone_is_no_prompt_and_editing_ends_with_it() -> None:
    async with opened(SHORT) as b:
        await send(b, "/sweep")
        assert not lanes(b).answering
        assert any("a sweep is over" in toast for toast in b.toasts())
        await send(b, "Hello!")
        await done(b)
        await b.pilot.press("f9", "k", "e")
        await b.pilot.pause()
        await send(b, "/draws 2")
        await send(b, "Good evening!")
        await done(b)
        # Lanes that are lined up go on from the one that was foremost.
        assert [len(lane.exchange.conversation.path()) for lane in lanes(b).lanes] == [4, 4]


async def test_a_sweep_that_is_written_for_one_leaves_the_prompt() -> None:
    async with opened(SHORT) as b:
        await b.pilot.press(*"Hello")
        await b.pilot.press("ctrl+s")
        assert lanes(b).prompt.text.startswith("/sweep")
        await b.pilot.press("enter")
        await wait_until(lambda: len(lanes(b).lanes) == 4, "the lanes")
        await b.pilot.pause()
        assert lanes(b).prompt.text == "Hello"
        # One that is wrong stays to be mended, and loses nothing either.
        await b.pilot.press("ctrl+s")
        lanes(b).prompt.write("/sweep nonsense 1 2 3")
        await b.pilot.press("enter")
        await b.pilot.pause()
        assert lanes(b).prompt.text == "/sweep nonsense 1 2 3"
        lanes(b).prompt.write("/sweep seed 1 2 2")
        await b.pilot.press("enter")
        await wait_until(lambda: len(lanes(b).lanes) == 2, "the lanes")
        await b.pilot.pause()
        assert lanes(b).prompt.text == "Hello"


async def test_the_palette_names_what_is_done_once_and_does_it() -> None:
    async with opened(SHORT) as b:
        await send(b, "/draws 2")
        await send(b, "Hello!")
        await done(b)
        await b.pilot.press("f9")
        screen = lanes(b)
        lane = screen.lane_with_focus()
        assert lane is not None
        search = Actions(screen)
        found = [binding.id for _, binding in search._found()]
        assert len(found) == len({*found})
        [(node, binding)] = [
            each for each in search._found() if each[1].id == "transcript.regenerate"
        ]
        assert node is lane.column.transcript
        screen.prompt.focus()
        await b.pilot.pause()
        await b.app.run_action(binding.action, node)
        conversation = lane.exchange.conversation
        await wait_until(
            lambda: len(conversation.versions(conversation.path()[-1])) == 2, "another answer"
        )
        await done(b)


async def test_chance_is_shared_or_each_lanes_own() -> None:
    async with opened({"max_tokens": 20, "temperature": 1.5}) as b:
        await send(b, "/draws 2")
        await send(b, "Tell me a story.")
        await done(b)
        assert len({lane.answer for lane in lanes(b).lanes}) == 2
        await b.pilot.press("f9", "S", "escape")
        await send(b, "Tell me another story about a bird.")
        await done(b)
        # They differ by what was said before; the same prompt alone gives the same. Both numbers
        # are more than there are tokens.
        await send(b, "/sweep top_k 10000 10001 2")
        await send(b, "Tell me a story.")
        await done(b)
        # To the last digit lanes of one batch may differ, and part at the edge of a draw: later on.
        assert len({lane.answer[:6] for lane in lanes(b).lanes}) == 1
        # Nothing is pinned: the next prompt is another draw.
        assert all("seed" not in lane.chosen.values for lane in lanes(b).lanes)


async def test_keys_that_come_in_one_piece_reach_the_lane() -> None:
    async with opened(SHORT) as b:
        await send(b, "Hello!")
        await done(b)
        for key in ("f9", "X"):
            b.app.post_message(events.Key(key, key if key == "X" else None))
        await wait_until(lambda: len(lanes(b).columns.children) == 1, "a lane less")
        await b.pilot.pause()
        assert lanes(b).prompt.text == ""


async def test_a_prompt_without_an_answer_comes_back_to_be_edited() -> None:
    async with opened(SHORT) as b:
        # More than the context holds.
        await send(b, "Hello! " * 1500)
        await wait_until(lambda: not lanes(b).answering, "the end")
        lane = lanes(b).foremost
        assert not lane.exchange.conversation.path()
        lanes(b).prompt.clear()
        await b.pilot.press("f9", "k", "e")
        await wait_until(lambda: "Hello!" in lanes(b).prompt.text, "the prompt")
        assert not lanes(b).prompt.editing


async def test_what_is_typed_ahead_of_the_lanes_is_theirs() -> None:
    async with bench(values=SHORT) as b:
        for key in ("f6", "f6", *"Hi"):
            b.app.post_message(events.Key(key, key if len(key) == 1 else None))
        await wait_until(lambda: isinstance(b.app.screen, LanesScreen), "the lanes")
        await wait_until(lambda: lanes(b).is_there, "the lanes to be there")
        await b.pilot.pause()
        assert lanes(b).prompt.text == "Hi"
        assert b.screen.chat.prompt.text == ""


async def test_lanes_that_were_left_are_come_back_to() -> None:
    async with opened(SHORT) as b:
        await type_settings(b, "top_k=9")
        await send(b, "Hello!")
        await done(b)
        before = said(b)
        await b.pilot.press("escape")
        await wait_until(lambda: b.app.screen is b.screen, "the chat")
        await b.pilot.press("f6")
        await wait_until(lambda: isinstance(b.app.screen, LanesScreen), "the lanes")
        await wait_until(lambda: lanes(b).is_there, "the lanes to be there")
        await b.pilot.pause()
        assert said(b) == before
        assert lanes(b).lanes[0].chosen.values["top_k"] == 9
        await send(b, "And then?")
        await done(b)
        assert all("And then?" in text for text in said(b))
        # A new chat has nothing to do with them.
        await b.pilot.press("escape")
        await wait_until(lambda: b.app.screen is b.screen, "the chat")
        await b.pilot.press("ctrl+n", "f6")
        await wait_until(lambda: isinstance(b.app.screen, LanesScreen), "the lanes")
        await b.pilot.pause()
        assert lanes(b).lanes[0].exchange.conversation.path() == []


async def test_changes_in_one_piece_come_one_after_the_other() -> None:
    async with opened(SHORT) as b:
        keys = ["f6", "f6", "f6", "f7", "f9", "X", "X", "f6", "f12", "escape", "f6"]
        for key in keys:
            b.app.post_message(events.Key(key, key if len(key) == 1 else None))
        await wait_until(lambda: len(lanes(b).columns.children) == 5, "the changes")
        await b.pilot.pause()
        assert [lane.column for lane in lanes(b).lanes] == list(lanes(b).columns.children)
        assert len({lane.letter for lane in lanes(b).lanes}) == 5
        await send(b, "Hello!")
        await done(b)
        assert all("6 tok" in lane.column._status for lane in lanes(b).lanes)


async def test_lanes_that_were_left_go_by_what_the_chat_sets_by_now() -> None:
    async with opened(SHORT) as b:
        await b.pilot.press("escape")
        await wait_until(lambda: b.app.screen is b.screen, "the chat")
        b.screen.chat.prompt.insert("/set temperature 0.3")
        await b.pilot.press("enter", "f6")
        await wait_until(lambda: isinstance(b.app.screen, LanesScreen), "the lanes")
        await wait_until(lambda: lanes(b).is_there, "the lanes to be there")
        assert [lane.chosen.values["temperature"] for lane in lanes(b).lanes] == [0.3, 0.3]


async def test_no_engine_is_closed_that_is_at_work(slow_model: Path) -> None:
    async with opened({"ignore_eos": True}) as b:
        screen = lanes(b)
        await b.pilot.press("f7")
        await type_settings(b, f"model={slow_model}")
        await b.pilot.press("f7")
        await type_settings(b, "max_tokens=3")
        await send(b, "Hello!")
        await wait_until(lambda: screen.lanes[1].tokens, "B to write")
        assert not screen.lanes[0].answering
        await type_settings(b, "max_tokens=3,n_ctx=256")
        await b.pilot.press("f9", "r")
        await wait_until(lambda: screen.lanes[0].answering, "A to be asked again")
        so_far = len(screen.lanes[1].tokens)
        await wait_until(lambda: len(screen.lanes[1].tokens) > so_far, "B to go on")
        await b.pilot.press("f7", "f9", "x")
        await done(b)
        assert len(screen.lanes[0].tokens) == 3


async def test_the_kept_lanes_system_prompt_is_the_conversations() -> None:
    async with opened(SHORT) as b:
        await b.pilot.press("escape")
        await wait_until(lambda: b.app.screen is b.screen, "the chat")
        b.screen.use_system("Be brief.")
        await b.pilot.press("f6")
        await wait_until(lambda: isinstance(b.app.screen, LanesScreen), "the lanes")
        await wait_until(lambda: lanes(b).is_there, "the lanes to be there")
        await send(b, "/set system Talk like a pirate.")
        await b.pilot.press("f2")
        await wait_until(lambda: b.app.screen is b.screen, "the chat")
        await b.pilot.pause()
        assert b.screen.session.system == "Talk like a pirate."
        assert b.screen.values["system"] == "Talk like a pirate."


async def test_a_load_that_is_stopped_has_not_failed(slow_model: Path) -> None:
    async with opened(SHORT, slow_model) as b:
        screen = lanes(b)
        os.kill(b.engine_pid, signal.SIGSTOP)
        await type_settings(b, "n_ctx=512")
        await b.pilot.press("f7")
        await type_settings(b, "n_ctx=512")
        await send(b, "Hello!")
        await b.pilot.press("escape")
        os.kill(b.engine_pid, signal.SIGCONT)
        await done(b)
        assert [lane.column.status for lane in screen.lanes] == ["stopped", "stopped"]
        assert screen.prompt.text == "Hello!"


async def test_a_file_that_cannot_be_looked_at_is_none() -> None:
    async with opened() as b:
        # No system has such a name.
        await type_settings(b, f"model=/{'x' * 300}.gguf")
        screen = b.app.screen
        assert isinstance(screen, LaneScreen)
        assert "there is no model" in str(screen.words.content)
