"""Words typed in the prompt that are meant for Workbench."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gguf_files import random_model
from tests.kept import kept
from tests.screens.bench import Bench, bench
from tests.waiting import wait_until
from workbench.models.pocket import MODEL_FILE
from workbench.screens.sessions.screen import SessionsScreen
from workbench.screens.systems import SystemScreen
from workbench.screens.words import WORDS, Said, read
from workbench.sessions.documents import from_json
from workbench.sessions.store import Store
from workbench.settings import paths, systems


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("/clear", Said("clear", "")),
        ("/set temperature 0.2 ", Said("set", "temperature 0.2")),
        ("/system Be brief.\nAnd kind.", Said("system", "Be brief.\nAnd kind.")),
        ("exit\n", Said("exit", "")),
        (" exit", None),
        (" clear\n", None),
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
        await type_in(b, '/set grammar root ::= "x=y"')
        assert b.screen.parameters.values["grammar"] == 'root ::= "x=y"'
        for wrong, why in (
            ("/set temperature hot", "is not a number"),
            ("/set nothing 1", "no parameter nothing"),
            ("/set temperature", "temperature is 1.5; it takes 0 to 5"),
        ):
            await type_in(b, wrong)
            assert why in b.toasts()[-1]
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
        with Store(paths.sessions()) as store:
            store.rename(1, "A greeting")
            store.pin(1)
        for suffix in ("json", "md", "txt", "py"):
            file = tmp_path / f"talk.{suffix}"
            await type_in(b, f"/save {file}")
            await wait_until(file.exists, suffix)
            assert "Hello!" in file.read_text()
        compile((tmp_path / "talk.py").read_text(), "talk.py", "exec")
        [document], _ = from_json((tmp_path / "talk.json").read_text())
        assert (document.title, document.pinned) == ("A greeting", True)
        assert document.created
        for name, why in (
            (f"{tmp_path}/talk.md", "there already"),
            (f"{tmp_path}/talk.xyz", "an ending"),
            (f"{tmp_path}/talk", "an ending"),
            (f"{tmp_path}/nowhere/talk.md", "no folder"),
            ("~nobody-of-this-name/talk.md", "no folder"),
            ("word " * 100 + ".md", "cannot be written"),
        ):
            await type_in(b, f"/save {name}")
            await wait_until(lambda why=why: why in b.toasts()[-1], why)  # type: ignore[misc]
        assert not (tmp_path / "nowhere").exists()
        await type_in(b, "/clear")
        await wait_until(lambda: not b.says("Hello!"), "a new chat")
        await type_in(b, f"/load {tmp_path}/talk.json")
        await wait_until(lambda: b.says("Hello!"), "the conversation")
        assert b.screen.session.system == "Be brief."
        for name in (f"{tmp_path}/nowhere.json", "~nobody-of-this-name/x", "x" * 300):
            await type_in(b, f"/load {name}")
            assert "There is no file" in b.toasts()[-1]
            # It can be put right.
            assert b.screen.chat.prompt.text == f"/load {name}"
        for content, why in (
            (b'{"format": "workbench-conversation", "mess', "this is not JSON"),
            (b"\xff\xfe\x00", "no text in UTF-8"),
            (b"[]", "there is not a conversation in it"),
        ):
            (tmp_path / "damaged.json").write_bytes(content)
            await type_in(b, f"/load {tmp_path}/damaged.json")
            await wait_until(lambda why=why: b.says(why), why)  # type: ignore[misc]
    assert len(kept()) == 2


async def test_a_script_that_the_app_writes_gives_the_answer_once_more(tmp_path: Path) -> None:
    file = tmp_path / "again.py"
    async with bench(values={"max_tokens": 30, "temperature": 0}) as b:
        await type_in(b, "/system Be kind.")
        for prompt in ("Who are you?", "Tell me a story about a fox."):
            await type_in(b, prompt)
            await b.idle()
        await type_in(b, "/system You are a pirate.")
        await type_in(b, f"/save {file}")
        await wait_until(file.exists, "the script")
        answer = b.screen.exchange.conversation.path()[-1].text
    done = subprocess.run([sys.executable, file], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == answer.strip() != ""


async def test_what_is_left_out_or_more_of_a_file_is_said(tmp_path: Path) -> None:
    said = [{"role": "user", "content": "Hi"}, {"role": "tool", "content": "42"}]
    (tmp_path / "two.json").write_text(json.dumps([{"messages": said}, {"messages": said}]))
    async with bench() as b:
        await type_in(b, f"/load {tmp_path}/two.json")
        await wait_until(lambda: b.says("left out of 1 message"), "what was left out")
        await wait_until(lambda: b.says("1 more of"), "that there are more")
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
        for name in ("nowhere", "~nobody-of-this-name/x.gguf", "x" * 300):
            await type_in(b, f"/model {name}")
            await wait_until(lambda n=name: f"no model {n}" in b.toasts()[-1], "a word on it")  # type: ignore[misc]
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


async def test_what_a_word_takes_is_completed_once_it_is_there(tmp_path: Path) -> None:
    (tmp_path / "talk.json").touch()
    (tmp_path / "talks").mkdir()
    (tmp_path / ".hidden").touch()
    async with bench() as b:
        prompt = b.screen.chat.prompt
        prompt.focus()

        async def completed(text: str) -> str:
            prompt.load_text(text)
            await b.pilot.press("tab")
            return prompt.text

        # Parameters are no words: "/s" may become a few, of which none has a space in it.
        prompt.load_text("/s")
        await wait_until(lambda: prompt.border_title == "/save  /set  /system", "the words")
        assert await completed("/model po") == "/model pocket "
        assert await completed("/set mirostat_t") == "/set mirostat_tau "
        prompt.load_text("/set mirostat ")
        await wait_until(lambda: prompt.border_title == "off  1  2", "the choices")
        assert await completed("/set mirostat o") == "/set mirostat off "
        assert await completed("/set ignore_eos o") == "/set ignore_eos o"
        assert prompt.border_title == "on  off"
        assert await completed(f"/load {tmp_path}/t") == f"/load {tmp_path}/talk"
        assert await completed(f"/load {tmp_path}/talk.") == f"/load {tmp_path}/talk.json "
        assert await completed(f"/save {tmp_path}/talks") == f"/save {tmp_path}/talks/"
        assert await completed(f"/save {tmp_path}/.h") == f"/save {tmp_path}/.hidden "
        assert b.app.focused is prompt
        # What is typed next is no key of another pane.
        assert await completed("/load /nowhere/at/all") == "/load /nowhere/at/all"
        assert b.app.focused is prompt
        systems.save(paths.systems(), {"reviewer": "You review code."})
        assert await completed("/system re") == "/system reviewer "
        await b.pilot.press("enter")
        await wait_until(lambda: b.screen.session.system == "You review code.", "its text")


async def test_exit_leaves() -> None:
    async with bench() as b:
        await type_in(b, "exit")
        await wait_until(lambda: not b.app.is_running, "the end")
    assert b.app.return_code == 0
    # It was no draft.
    assert kept() == []


async def test_no_name_of_a_file_commands_the_terminal(config_folder: Path, tmp_path: Path) -> None:
    (config_folder / "config.toml").write_text(f"model_folders = [{json.dumps(str(tmp_path))}]")
    shutil.copy(MODEL_FILE, tmp_path / "evil\x1b[2J.gguf")
    random_model(tmp_path / "good.gguf", layers=1, width=64, heads=2)
    async with bench() as b:
        await wait_until(lambda: len(b.screen.browser.listed) == 3, "the models")
        b.screen.chat.prompt.insert("/model ")
        await b.pilot.pause()
        assert str(b.screen.chat.prompt.border_title) == "pocket  good"
