"""The whole app on the real engine, driven by Pilot."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from textual import events
from textual.message import Message
from textual.widgets import Input
from textual.widgets._toast import Toast

from tests.screens.bench import Bench, bench
from tests.waiting import wait_until
from workbench.app import WorkbenchApp
from workbench.models.model_file import ModelFile
from workbench.models.pocket import MODEL_FILE
from workbench.panes.browser.pane import BrowserPane
from workbench.panes.stats.pane import StatsPane
from workbench.screens.help import HelpScreen
from workbench.screens.workbench import WorkbenchScreen


async def test_a_question_is_answered_with_figures() -> None:
    async with bench(values={"temperature": 0, "max_tokens": 40}) as b:
        assert b.app.focused is b.screen.chat.prompt
        await b.ask("Hello, who are you?")
        await b.idle()
        assert "You\nHello, who are you?" in b.said
        answer = b.screen.exchange.conversation.path()[-1]
        assert answer.role == "assistant"
        assert answer.text.strip()
        assert answer.model == "pocket"
        assert "t/s" in b.said
        stats = b.screen.stats.text
        assert "pocket" in stats
        for name in ("tokens/s", "first token", "prompt", "context"):
            [row] = [line for line in stats.splitlines() if line.startswith(name)]
            assert any(char.isdigit() for char in row), row


async def test_the_conversation_goes_on() -> None:
    async with bench(values={"temperature": 0, "max_tokens": 10}) as b:
        for question in ("Hello!", "And then?"):
            await b.ask(question)
            await b.idle()
        assert [message.role for message in b.screen.exchange.conversation.path()] == [
            "user", "assistant", "user", "assistant",
        ]  # fmt: skip
        await b.pilot.press("ctrl+n")
        assert b.screen.exchange.conversation.path() == []
        assert b.said == ""


async def test_a_prompt_has_lines_and_an_empty_one_is_not_sent() -> None:
    async with bench(values={"max_tokens": 1}) as b:
        await b.pilot.press("o", "n", "e", "ctrl+j", "t", "w", "o", "shift+enter", "3")
        assert b.screen.chat.prompt.text == "one\ntwo\n3"
        await b.pilot.press("enter")
        await b.idle()
        assert b.screen.exchange.conversation.path()[0].text == "one\ntwo\n3"
        assert b.screen.chat.prompt.text == ""
        await b.ask("   ")
        assert len(b.screen.exchange.conversation.path()) == 2
        assert "Write something first." in b.toasts()


async def test_escape_stops_and_keeps_the_partial_answer(slow_model: Path) -> None:
    async with bench(slow_model, {"temperature": 0}) as b:
        await b.ask("Go on for ever")
        await b.phase("writing")
        await b.ask("too early")
        assert b.screen.chat.prompt.text == "too early"
        assert any("Esc stops it" in toast for toast in b.toasts())
        await b.pilot.press("escape")
        await b.idle()
        answer = b.screen.exchange.conversation.path()[-1]
        assert answer.finish == "cancelled"
        assert answer.text
        assert "stopped" in b.said


async def test_a_stop_while_the_prompt_is_read_gives_the_prompt_back(slow_model: Path) -> None:
    async with bench(slow_model, {"n_ctx": 32_768}) as b:
        long = "word " * 3000
        await b.ask(long)
        await b.phase("reading prompt")
        await b.pilot.press("escape")
        await b.idle()
        assert b.screen.chat.prompt.text == long
        assert b.screen.exchange.conversation.path() == []


async def test_parameters_are_edited_reset_and_refused() -> None:
    async with bench() as b:
        pane = b.screen.parameters
        await b.pilot.press("f3", "right")
        # A step up from what the built-in model's file asks for.
        assert pane.values == {"temperature": 0.75}
        await b.pilot.press("backspace")
        assert pane.values == {}

        await b.pilot.press("enter", *"9", "enter")
        assert "temperature takes 0 to 5, not 9" in pane.explanation
        assert pane.values == {}
        editor = pane.query_one(Input)
        assert editor.has_focus
        editor.value = "1.5"
        await b.pilot.press("enter")
        assert pane.values == {"temperature": 1.5}
        assert pane.rows.has_focus

        await b.pilot.press("enter", *"2", "escape")
        assert pane.values == {"temperature": 1.5}


async def test_a_changed_parameter_acts_on_the_next_answer() -> None:
    async with bench(values={"temperature": 0, "max_tokens": 8}) as b:
        await b.ask("Tell me a story.")
        await b.idle()
        b.screen.parameters.set("max_tokens", 2)
        b.screen.parameters.set("n_ctx", 300)
        await b.pilot.press("ctrl+n")
        await b.ask("Tell me a story.")
        await b.idle()
        assert "2 tokens" in b.said
        assert "/ 300" in b.screen.stats.text


async def test_another_model_is_loaded_from_the_browser(
    config_folder: Path, slow_model: Path
) -> None:
    (config_folder / "config.toml").write_text(f'model_folders = ["{slow_model.parent}"]')
    async with bench(values={"max_tokens": 3}) as b:
        names = b.screen.browser.names
        await wait_until(lambda: "slow-F16" in b.screen.browser.names, "the folder's model")
        assert names[0] == "pocket"
        await b.pilot.press("f2", "down", "enter")
        await wait_until(lambda: b.screen.stats.text.startswith("slow-F16"), "the model")
        assert "slow-F16 loaded in" in b.said
        await b.ask("Hello!")
        await b.idle()
        assert b.screen.exchange.conversation.path()[-1].model == "slow-F16"


async def test_a_bad_model_is_a_sentence_and_the_old_one_answers_on(
    config_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "[models]"
    folder.mkdir()
    (folder / "torn.gguf").write_bytes(MODEL_FILE.read_bytes()[:400_000])
    (config_folder / "config.toml").write_text(f'model_folders = ["{folder}"]')
    async with bench(values={"max_tokens": 3}) as b:
        await wait_until(lambda: "torn" in b.screen.browser.names, "the folder's model")
        await b.pilot.press("f2", "down", "enter")
        await wait_until(lambda: "is incomplete" in b.said, "a sentence")
        await b.ask("Hello!")
        await b.idle()
        assert b.screen.exchange.conversation.path()[-1].model == "pocket"


async def test_the_model_is_loaded_in_the_open() -> None:
    app = WorkbenchApp(model="pocket", values={})
    phases: list[str] = []

    def look(_: Message) -> None:
        for screen in app.screen_stack:
            phases.extend(stats.phase for stats in screen.query(StatsPane))

    async with app.run_test(message_hook=look) as pilot:
        await wait_until(lambda: isinstance(app.screen, WorkbenchScreen), "a screen")
        opened = Bench(app, pilot)
        await wait_until(lambda: opened.screen.model_is_loaded, "a model")
        await opened.idle()
        assert any(phase.startswith("loading") for phase in phases)
        assert "pocket" in opened.screen.stats.text


async def test_a_prompt_sent_while_a_bad_model_loads_fails_once(tmp_path: Path) -> None:
    async with bench() as b:
        nowhere = ModelFile("nowhere", tmp_path / "nowhere.gguf", 1, source="a test")
        # The engine learns of both requests before it answers one.
        os.kill(b.engine_pid, signal.SIGSTOP)
        b.screen.browser.post_message(BrowserPane.Chosen(nowhere))
        await b.phase("loading")
        await b.ask("Hello?")
        os.kill(b.engine_pid, signal.SIGCONT)
        await wait_until(lambda: b.screen.chat.prompt.text == "Hello?", "the prompt back")
        assert b.screen.exchange.conversation.path() == []
        assert "".join(b.said.split()).count("Thereisnofile") == 1
        await b.pilot.press("enter")
        await b.idle()
        assert b.screen.exchange.conversation.path()[-1].model == "pocket"


async def test_a_killed_engine_costs_no_text_and_comes_back(slow_model: Path) -> None:
    async with bench(slow_model, {"temperature": 0}) as b:
        await b.ask("Go on for ever")
        await b.phase("writing")
        await wait_until(
            lambda: len(b.screen.exchange.conversation.path()[-1].text) > 20, "some text"
        )
        first = b.engine_pid
        os.kill(first, signal.SIGKILL)
        await b.phase("died")
        await b.pilot.pause()
        kept = b.screen.exchange.conversation.path()[-1]
        assert kept.finish == "died"
        assert "".join(kept.text.split()) in "".join(b.said.split())
        assert "The engine died (SIGKILL)" in b.said

        b.screen.parameters.set("max_tokens", 4)
        await b.ask("Still there?")
        await b.idle()
        assert b.screen.exchange.conversation.path()[-1].finish == "length"
        assert b.engine_pid != first


async def test_an_engine_killed_while_idle_is_said_and_started_again() -> None:
    async with bench(values={"max_tokens": 3}) as b:
        os.kill(b.engine_pid, signal.SIGKILL)
        await b.phase("died")
        await b.ask("Hello!")
        await b.idle()
        assert b.screen.exchange.conversation.path()[-1].text


async def test_a_prompt_that_does_not_fit_comes_back() -> None:
    async with bench(values={"n_ctx": 64}) as b:
        await b.ask("word " * 100)
        await b.idle()
        assert "raise n_ctx" in b.said
        assert b.screen.chat.prompt.text == "word " * 100
        assert b.screen.exchange.conversation.path() == []


async def test_bad_settings_do_not_keep_the_app_from_starting(config_folder: Path) -> None:
    (config_folder / "config.toml").write_text("theem = 'x'")
    (config_folder / "themes").mkdir()
    (config_folder / "themes" / "bad.toml").write_text("name = 3")
    async with bench() as b:
        assert b.says("there is no setting 'theem'")
        assert b.says("bad.toml")
        assert b.app.theme == "workbench-dark"


async def test_a_folder_that_is_not_there_is_said(config_folder: Path) -> None:
    (config_folder / "config.toml").write_text("model_folders = ['/nowhere/models']\ntheme = 'x'")
    async with bench() as b:
        assert b.says("no folder /nowhere/models")
        assert b.says("no theme 'x'")


async def test_a_folder_that_cannot_be_looked_into_is_said(
    config_folder: Path, home: Path, slow_model: Path
) -> None:
    # A name that no disk has: neither "not there" nor "no folder".
    (home / ".lmstudio").symlink_to(home / ("x" * 300))
    folders = [f"/{'x' * 300}", str(slow_model.parent)]
    (config_folder / "config.toml").write_text(f"model_folders = {folders}")
    async with bench() as b:
        assert b.says("cannot be looked into: File name too long")
        await wait_until(lambda: "slow-F16" in b.screen.browser.names, "the other folder's model")


async def test_a_split_model_with_parts_missing_is_not_loaded(
    config_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "big-00001-of-00002.gguf").write_bytes(MODEL_FILE.read_bytes())
    (config_folder / "config.toml").write_text(f'model_folders = ["{folder}"]')
    async with bench() as b:
        await wait_until(lambda: "big" in b.screen.browser.names, "the folder's model")
        await b.pilot.press("f2", "down", "enter")
        assert any("1 part missing" in toast for toast in b.toasts())
        assert b.screen.stats.text.startswith("pocket")


@pytest.mark.parametrize("theme", ["workbench-light", "ansi-dark", "nord"])
async def test_the_theme_is_the_configured_one(config_folder: Path, theme: str) -> None:
    (config_folder / "config.toml").write_text(f"theme = '{theme}'")
    async with bench() as b:
        assert b.app.theme == theme
        assert b.toasts() == []


@pytest.mark.parametrize("size", [(120, 40), (104, 30), (80, 24), (60, 15)])
async def test_every_pane_can_be_reached_at_every_size(size: tuple[int, int]) -> None:
    async with bench(size=size) as b:
        panes = {
            "f2": b.screen.browser,
            "f3": b.screen.parameters,
            "f4": b.screen.stats,
            "escape": b.screen.chat,
        }
        for key, pane in panes.items():
            await b.pilot.press(key)
            await b.pilot.pause()
            if not pane.is_on_screen:
                # It was in sight already: the key has hidden it.
                await b.pilot.press(key)
                await b.pilot.pause()
            assert pane.region.width >= 20, key
            assert pane.region.height >= 5, key
            assert b.screen.region.contains_region(pane.region), key
        assert b.app.focused is b.screen.chat.prompt


async def test_help_names_the_keys_that_work_here() -> None:
    async with bench() as b:
        await b.pilot.press("f3", "f1")
        assert isinstance(b.app.screen, HelpScreen)
        await b.pilot.pause()
        shown = b.app.screen.text
        for words in ("Reset the parameter", "Leave Workbench", "Stop the"):
            assert words in shown
        # Here Enter edits a value.
        assert "Send the prompt" not in shown
        await b.pilot.press("escape")
        assert b.app.screen_stack[-1] is b.screen


async def test_every_binding_of_ours_has_an_id_and_a_tooltip() -> None:
    async with bench() as b:
        nodes = [b.app, b.screen, *b.screen.query("*")]
        ours = [node for node in nodes if type(node).__module__.startswith("workbench.")]
        for node in ours:
            for binding in type(node).__dict__.get("BINDINGS", ()):
                assert not isinstance(binding, tuple)
                assert binding.id, binding
                assert binding.tooltip, binding


async def test_keys_that_come_in_one_piece_act_in_their_order() -> None:
    async with bench() as b:
        prompt = b.screen.chat.prompt
        for key in ("a", "b", "home", "X", "end", "Y", "ctrl+j", "z", "enter"):
            b.app.post_message(events.Key(key, key if len(key) == 1 else None))
        await wait_until(lambda: b.screen.exchange.conversation.path(), "the prompt")
        assert b.screen.exchange.conversation.path()[0].text == "XabY\nz"
        assert prompt.text == ""
        await b.idle()


async def test_what_is_said_last_can_be_read_on_a_small_screen() -> None:
    async with bench(size=(80, 24)) as b:
        for number in (1, 2, 3, 4, 3):
            b.app.notify(f"A word of some length, number {number}. " * 3, timeout=60)
        await b.pilot.pause()
        assert [each.split("number ")[1][0] for each in b.toasts()] == ["2", "4", "3"]
        await wait_until(lambda: len(b.app.screen.query(Toast)) == 3, "the toasts")
        await b.pilot.pause()
        assert all(b.app.screen.region.contains_region(t.region) for t in b.app.screen.query(Toast))
