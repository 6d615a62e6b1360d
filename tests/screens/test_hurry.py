"""Keys that come before what they were meant for, and answers that come late."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.kept import kept
from tests.screens.bench import bench
from tests.screens.test_sessions import listed, said_before
from tests.waiting import wait_until
from workbench.engine.client import EngineDied
from workbench.screens.exchange import Exchange
from workbench.screens.lanes.screen import LanesScreen
from workbench.screens.messages import Begun, EngineReported
from workbench.screens.sessions.screen import Wanted
from workbench.screens.text import TextScreen
from workbench.sessions.conversation import Conversation
from workbench.sessions.session import Session


async def test_a_model_that_is_loaded_may_be_chosen_again() -> None:
    async with bench() as b:
        for keys in (["f2", "enter"], ["f2", "enter", "enter"]):
            b.screen.chat.prompt.focus()
            await b.pilot.press(keys[0])
            b.at_once(*keys[1:])
            await wait_until(lambda: b.screen.chat.prompt.has_focus, "the prompt")
            await wait_until(lambda: b.screen.exchange.request is None, "an answer to it")
            await b.idle()


async def test_a_screen_ends_once() -> None:
    async with bench() as b:
        screen = await b.opened(LanesScreen, "f6")
        for _ in range(2):
            screen.dismiss(None)
        await wait_until(lambda: b.app.screen is b.screen, "the workbench")
        await b.pilot.pause()
        assert b.app.screen is b.screen


async def test_a_text_is_written_in_one_place() -> None:
    async with bench() as b:
        await b.go_to("grammar")
        b.at_once("enter", "enter")
        await wait_until(lambda: isinstance(b.app.screen, TextScreen), "the editor")
        await b.pilot.pause()
        assert sum(isinstance(each, TextScreen) for each in b.app.screen_stack) == 1


def test_a_wish_to_stop_ends_with_its_request() -> None:
    exchange = Exchange(Conversation())
    exchange.wait_for(1)
    assert [exchange.stop(), exchange.stop()] == ["ask", "wait"]
    exchange.wait_for(2)
    assert exchange.stop() == "ask"


async def test_nothing_is_said_to_a_conversation_that_is_being_left() -> None:
    number = said_before("Kept before", "Yes")
    async with bench(begin="new") as b:
        b.screen.chat.prompt.insert("For the other one")
        b.screen.open(Wanted(number))
        assert b.screen.refuses()
        await wait_until(lambda: b.says("Kept before"), "the conversation")
        assert not b.screen.refuses()
        assert b.screen.chat.prompt.text == "For the other one"
        # One that is not there any more is not waited for.
        b.screen.open(Wanted(4711))
        await wait_until(lambda: b.says("Not kept"), "a reason")
        assert not b.screen.refuses()


async def test_no_conversation_is_opened_beneath_the_lanes(tmp_path: Path) -> None:
    file = tmp_path / "talk.json"
    file.write_text('[{"messages": [{"role": "user", "content": "Hello from a file"}]}]')
    async with bench() as b:
        before = b.screen.session
        await b.opened(LanesScreen, "f6")
        assert b.screen.load(str(file))
        await wait_until(lambda: any("taken in: F7" in each for each in b.toasts()), "a word on it")
        assert b.screen.session is before
    assert [each.title for each in kept()] == ["Hello from a file"]


async def test_what_the_app_opens_with_is_too_late_for_one_who_has_begun() -> None:
    async with bench(values={"max_tokens": 40, "temperature": 0}) as b:
        await b.ask("Tell me a story about a fox.")
        session = b.screen.session
        b.screen.post_message(Begun(Session()))
        await wait_until(lambda: not b.screen.exchange.answering, "the answer")
        await b.idle()
        assert b.screen.session is session
        assert session.conversation.path()[-1].role == "assistant"
        assert session.conversation.path()[-1].finish in ("stop", "length")


async def test_a_death_that_is_heard_late_ends_nothing_newer() -> None:
    async with bench(values={"max_tokens": 40, "temperature": 0}) as b:
        died = EngineDied(cause="SIGKILL", advice="", log=[], request=b.screen.engine.number())
        # The answer is not to be there before.
        os.kill(b.engine_pid, signal.SIGSTOP)
        await b.ask("Tell me a story about a fox.")
        b.screen.post_message(EngineReported(died))
        await wait_until(lambda: b.says("A new engine is at work."), "a word on it")
        assert b.screen.exchange.answering
        os.kill(b.engine_pid, signal.SIGCONT)
        await wait_until(lambda: not b.screen.exchange.answering, "the answer")
        await b.idle()
        assert b.screen.session.conversation.path()[-1].finish in ("stop", "length")


async def test_a_prompt_that_is_written_anew_goes_along_into_the_lanes() -> None:
    async with bench(values={"max_tokens": 4}) as b:
        await b.ask("Hello!")
        await b.idle()
        b.screen.chat.prompt.insert("a draft")
        await b.pilot.press("f9", "g", "e")
        assert b.screen.chat.edited is not None
        screen = await b.opened(LanesScreen, "f6")
        await wait_until(lambda: screen.prompt.text == "Hello!\na draft", "both")
        assert b.screen.chat.edited is None


async def test_what_comes_behind_enter_is_another_prompt() -> None:
    async with bench(values={"max_tokens": 4}) as b:
        b.at_once(*"Hi", "enter", *"And")
        await wait_until(lambda: b.says("You Hi"), "the prompt to be sent")
        await b.idle()
        assert b.screen.chat.prompt.text == "And"
        # So it is where a prompt is written anew, and what was being written comes back.
        await b.pilot.press("f9", "g", "e")
        assert b.screen.chat.edited is not None
        b.at_once("X", "enter", "Y")
        await wait_until(lambda: b.says("HiX"), "the other prompt")
        await b.idle()
        assert b.screen.chat.prompt.text == "And\nY"


async def test_what_is_not_taken_is_given_back(slow_model: Path) -> None:
    async with bench(slow_model, {"temperature": 0, "ignore_eos": True}) as b:
        await b.ask("Go on for ever")
        await b.phase("writing")
        b.at_once(*"Hi", "enter", *"You")
        prompt = b.screen.chat.prompt
        await wait_until(lambda: prompt.text == "Hi\nYou", "what was written")
        # What was written can still be undone.
        prompt.undo()
        assert prompt.text == "You"
        await b.pilot.press("escape")
        await b.idle()


async def test_words_to_look_for_come_in_one_piece_with_their_key() -> None:
    async with bench(values={"max_tokens": 4}) as b:
        await b.ask("An error there")
        await b.idle()
        await b.pilot.press("f9")
        b.at_once("slash", *"error")
        await wait_until(lambda: b.screen.chat.search.field.value == "error", "the words")
        assert b.screen.chat.edited is None
        await wait_until(lambda: b.screen.chat.transcript.found[1] == 1, "the place")
        # The next ones take their place.
        await b.pilot.press("enter")
        b.at_once("slash", *"there")
        await wait_until(lambda: b.screen.chat.search.field.value == "there", "other words")


async def test_keys_behind_words_to_look_for_are_the_transcripts() -> None:
    async with bench(values={"max_tokens": 4}) as b:
        await b.ask("An error, an error, an error")
        await b.idle()
        await b.pilot.press("f9")
        reader = b.screen.chat.transcript
        b.at_once("slash", *"error", "enter", "n")
        await wait_until(lambda: reader.found == (2, 3) and reader.has_focus, "the next place")
        assert b.screen.chat.search.field.value == "error"


async def test_who_was_quicker_hears_where_the_other_conversation_is() -> None:
    said_before("Kept before", "Yes")
    async with bench(values={"max_tokens": 4}, begin="new") as b:
        await b.ask("Hello!")
        await b.idle()
        b.screen.post_message(Begun(Session(draft="Kept before")))
        await wait_until(lambda: b.says("F7 has it"), "a word on it")


async def test_who_leaves_the_list_at_once_has_left_what_was_deleted() -> None:
    said_before("First", "Yes")
    async with bench(begin="where it was") as b:
        number = said_before("Second", "Yes")
        b.screen.open(Wanted(number))
        await wait_until(lambda: b.says("Second"), "it")
    async with listed() as (b, screen):
        assert b.says("Second")
        assert screen.rows.item is not None
        b.at_once("delete", "escape")
        await wait_until(lambda: b.app.screen is b.screen, "the list to close")
        await wait_until(lambda: not b.says("Second"), "a new conversation")
    assert [each.title for each in kept()] == ["First"]
