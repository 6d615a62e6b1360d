"""Words typed in the prompt that are meant for Workbench."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kept import kept
from tests.screens.bench import Bench, bench
from tests.waiting import wait_until
from workbench.screens.sessions.screen import SessionsScreen
from workbench.screens.systems import SystemScreen
from workbench.screens.words import WORDS, Said, read


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("/clear", Said("clear", "")),
        ("/set temperature 0.2 ", Said("set", "temperature 0.2")),
        ("/system Be brief.\nAnd kind.", Said("system", "Be brief.\nAnd kind.")),
        (" exit\n", Said("exit", "")),
        ("quit", Said("exit", "")),
        ("clear", Said("clear", "")),
        ("/nothing", Said("nothing", "")),
        ("/usr/bin/env is a path", None),
        ("/etc", Said("etc", "")),
        (" /clear", None),
        ("clear the table", None),
        ("/Clear", None),
        ("/", None),
    ],
)
def test_words_are_told_from_text(text: str, said: Said | None) -> None:
    assert read(text) == said


async def type_in(b: Bench, text: str) -> None:
    b.screen.chat.prompt.load_text("")
    await b.ask(text)
    await b.pilot.pause()


async def test_set_changes_a_parameter_or_says_why_not() -> None:
    async with bench() as b:
        await type_in(b, "/set temperature 0.2")
        assert b.screen.parameters.values["temperature"] == 0.2
        assert b.screen.chat.prompt.text == ""
        await type_in(b, "/set temperature=1.5")
        assert b.screen.parameters.values["temperature"] == 1.5
        for wrong in ("/set temperature hot", "/set nothing 1"):
            n_toasts = len(b.toasts())
            await type_in(b, wrong)
            assert len(b.toasts()) > n_toasts
            # It can be put right.
            assert b.screen.chat.prompt.text == wrong
        assert b.screen.parameters.values["temperature"] == 1.5


async def test_unknown_words_are_answered_and_can_be_sent() -> None:
    async with bench(values={"max_tokens": 2}) as b:
        await type_in(b, "/etc")
        [said] = b.toasts()
        assert all(f"/{word}" in said for word in WORDS)
        assert b.screen.exchange.conversation.messages == []
        for text in (" /etc", "/etc/hosts: what is it?"):
            await type_in(b, text)
            await b.idle()
            assert b.screen.exchange.conversation.path()[-2].text == text


async def test_answers_are_given_again_and_begun() -> None:
    async with bench(values={"max_tokens": 4}) as b:
        await type_in(b, "/retry")
        assert "Nothing has been asked yet." in b.toasts()
        await type_in(b, "/begin Once upon")
        await type_in(b, "Tell me a story.")
        await b.idle()
        first = b.screen.exchange.conversation.path()[1]
        assert first.text.startswith("Once upon")
        for number, word in enumerate(("/retry", "/regenerate"), 2):
            await type_in(b, word)
            await wait_until(lambda n=number: f"{n} of {n}" in b.said, "another answer")  # type: ignore[misc]
            await b.idle()
        assert not b.screen.exchange.conversation.path()[1].given


async def test_what_is_saved_can_be_loaded(tmp_path: Path) -> None:
    async with bench(values={"max_tokens": 4}) as b:
        await type_in(b, "/system Be brief.")
        await type_in(b, "Hello!")
        await b.idle()
        for suffix in ("json", "md", "txt"):
            await type_in(b, f"/save {tmp_path}/talk.{suffix}")
            assert "Hello!" in (tmp_path / f"talk.{suffix}").read_text()
        await type_in(b, f"/save {tmp_path}/talk.md")
        assert "there already" in b.toasts()[-1]
        await type_in(b, "/clear")
        await wait_until(lambda: not b.says("Hello!"), "a new chat")
        await type_in(b, f"/load {tmp_path}/talk.json")
        await wait_until(lambda: b.says("Hello!"), "the conversation")
        assert b.screen.session.system == "Be brief."
        await type_in(b, f"/load {tmp_path}/nowhere.json")
        await wait_until(lambda: b.says("cannot be taken in"), "a word on it")
    assert len(kept()) == 2


async def test_words_lead_to_places(fast_model: Path) -> None:
    async with bench() as b:
        await type_in(b, "/help")
        assert b.says("/set KEY VALUE: a parameter")
        await type_in(b, "/system")
        await wait_until(lambda: isinstance(b.app.screen, SystemScreen), "the library")
        await b.pilot.press("escape")
        await type_in(b, "/load")
        await wait_until(lambda: isinstance(b.app.screen, SessionsScreen), "the list")
        await b.pilot.press("escape")
        await type_in(b, "/set")
        assert b.screen.parameters.has_focus_within
        await type_in(b, "/model")
        assert b.screen.browser.has_focus_within
        await type_in(b, "/model nowhere")
        await wait_until(lambda: "no model nowhere" in b.toasts()[-1], "a word on it")
        await type_in(b, f"/model {fast_model}")
        await wait_until(lambda: b.screen.set_for == fast_model.stem, "the model")
        await b.idle()


async def test_words_are_completed() -> None:
    async with bench() as b:
        b.screen.chat.prompt.focus()
        await b.pilot.press("/", "r", "e")
        await wait_until(
            lambda: b.screen.chat.prompt.border_title == "/regenerate  /retry", "what there is"
        )
        await b.pilot.press("t", "tab")
        assert b.screen.chat.prompt.text == "/retry "
        b.screen.chat.prompt.load_text("/set temp")
        await b.pilot.press("tab")
        assert b.screen.chat.prompt.text == "/set temperature "
        await wait_until(lambda: not b.screen.chat.prompt.border_title, "no more to be said")
        b.screen.chat.prompt.load_text("")
        await b.pilot.press("tab")
        assert b.app.focused is not b.screen.chat.prompt


async def test_exit_leaves() -> None:
    async with bench() as b:
        await type_in(b, "exit")
        await wait_until(lambda: not b.app.is_running, "the end")
    assert b.app.return_code == 0
