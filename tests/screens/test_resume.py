"""A conversation that was cut off is offered and brought back."""

from __future__ import annotations

import os
from pathlib import Path

from tests.kept import kept_files, kept_messages
from tests.screens.bench import Bench, bench
from tests.waiting import wait_until
from workbench.engine.protocol import TextArrived
from workbench.screens.exchange import Exchange
from workbench.sessions.rescue import Rescue
from workbench.settings import paths


def left_behind(*, unanswered: str = "", draft: str = "", asked: str = "Hello!") -> Path:
    """A conversation of a process that is no more, as it lies on the disk."""
    exchange = Exchange()
    if asked:
        exchange.ask(asked)
        exchange.write(_text("Well", "I greet"), model="pocket")
    if unanswered:
        exchange.end("stop")
        exchange.ask(unanswered)
    rescue = Rescue(paths.rescued())
    rescue.keep(rescue.snapshot(exchange.conversation, draft))
    return rescue.file.rename(paths.rescued() / f"{2**30 + len(kept_files())}-1.json")


def _text(text: str, thoughts: str) -> TextArrived:
    return TextArrived(
        request=1,
        lane=0,
        thoughts=thoughts,
        text=text,
        n_tokens=1,
        decode_ms=1.0,
        ttft_ms=1.0,
        n_context=1,
        n_used=1,
    )


async def offered(opened: Bench) -> None:
    await wait_until(lambda: opened.says("ctrl+r brings it back"), "the offer")


async def test_nothing_is_offered_where_nothing_was_cut_off() -> None:
    async with bench() as opened:
        await opened.pilot.press("ctrl+r")
        assert not opened.says("cut off")
        assert opened.toasts() == []


async def test_it_is_brought_back_and_goes_on() -> None:
    file = left_behind()
    async with bench() as opened:
        await offered(opened)
        assert opened.says("(2 messages, just now)")
        await opened.pilot.press("ctrl+r")
        await wait_until(lambda: opened.says("interrupted"), "the answer")
        opened.screen.chat.transcript.action_fold_all()
        for text in ("Hello!", "pocket thinks", "I greet", "Well"):
            assert opened.says(text), text
        assert not file.exists()
        await wait_until(lambda: len(kept_messages()) == 2, "it to be kept as this app's")
        await opened.ask("Who are you?")
        await opened.idle()
        path = opened.screen.exchange.conversation.path()
        assert [message.text for message in path[:3]] == ["Hello!", "Well", "Who are you?"]
        assert path[3].text
    assert kept_files() == []


async def test_what_was_not_answered_or_not_sent_is_written_again() -> None:
    left_behind(unanswered="Who are you?", draft="And why?")
    async with bench() as opened:
        await offered(opened)
        opened.screen.chat.prompt.insert("Hm")
        await opened.pilot.press("ctrl+r")
        written = "Who are you?\nAnd why?\nHm"
        await wait_until(lambda: opened.screen.chat.prompt.text == written, "what was written")
        assert len(opened.screen.exchange.conversation.path()) == 2


async def test_a_prompt_alone_is_offered_too() -> None:
    left_behind(asked="", draft="A long letter")
    async with bench() as opened:
        await wait_until(lambda: opened.says("A prompt was cut off (not sent"), "the offer")
        await opened.pilot.press("ctrl+r")
        await wait_until(lambda: opened.screen.chat.prompt.text == "A long letter", "the prompt")


async def test_it_never_takes_the_place_of_another_conversation() -> None:
    file = left_behind()
    async with bench() as opened:
        await offered(opened)
        await opened.ask("Who are you?")
        await opened.idle()
        await opened.pilot.press("ctrl+r")
        await wait_until(opened.toasts, "a word on why not")
        assert "ctrl+n" in opened.toasts()[0]
        assert file.exists()
        await opened.pilot.press("ctrl+n")
        await offered(opened)
        await opened.pilot.press("ctrl+r")
        await wait_until(lambda: opened.says("interrupted"), "the conversation")
        assert not file.exists()
    assert kept_files() == []


async def test_who_chats_on_instead_keeps_it_for_later() -> None:
    file = left_behind()
    async with bench() as opened:
        await offered(opened)
        await opened.ask("Who are you?")
        await opened.idle()
    assert kept_files() == [file]


async def test_another_app_may_be_quicker() -> None:
    file = left_behind()
    async with bench() as opened:
        await offered(opened)
        file.unlink()
        await opened.pilot.press("ctrl+r")
        await wait_until(opened.toasts, "a word on why not")
        assert "Another Workbench" in opened.toasts()[0]
        assert opened.screen.exchange.conversation.messages == []


async def test_older_ones_wait_their_turn() -> None:
    older = left_behind(asked="The older one")
    os.utime(older, (1e9, 1e9))
    left_behind(asked="The newer one")
    async with bench() as opened:
        await offered(opened)
        assert opened.says("Older ones wait")
        await opened.pilot.press("ctrl+r")
        await wait_until(lambda: opened.says("The newer one"), "the newer one")
        await opened.pilot.press("ctrl+n")
        await offered(opened)
        await opened.pilot.press("ctrl+r")
        await wait_until(lambda: opened.says("The older one"), "the older one")


async def test_a_disk_that_takes_nothing_is_told_once() -> None:
    paths.rescued().parent.mkdir(parents=True, exist_ok=True)
    paths.rescued().write_text("no folder")
    async with bench() as opened:
        for _ in range(2):
            await opened.ask("Hello!")
            await opened.idle()
        await wait_until(lambda: opened.says("cannot be kept"), "a warning")
        assert opened.said.count("cannot be kept") == 1


async def test_a_new_chat_keeps_nothing_of_the_old_one() -> None:
    async with bench() as opened:
        await opened.ask("Hello!")
        await opened.idle()
        await wait_until(lambda: len(kept_messages()) == 2, "it to be kept")
        await opened.pilot.press("ctrl+n")
        await wait_until(lambda: kept_files() == [], "it to be forgotten")
