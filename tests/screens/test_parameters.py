"""The parameter pane, its editors and the presets, on the real engine."""

from __future__ import annotations

from pathlib import Path

from textual import events
from textual.widgets import TextArea

from tests.gguf_files import random_model
from tests.screens.bench import Bench, bench
from tests.waiting import wait_until
from workbench.screens.presets import PresetScreen
from workbench.screens.text import TextScreen
from workbench.settings import paths


def line_of(b: Bench, key: str) -> list[str]:
    """The row of a parameter, its signs and words."""
    return next(
        line.split() for line in b.screen.parameters.rows.text.splitlines() if key in line.split()
    )


async def test_every_kind_of_value_can_be_set() -> None:
    async with bench() as b:
        values = b.screen.parameters.values
        await b.go_to("ignore_eos")
        await b.pilot.press("right")
        await b.go_to("mirostat")
        await b.pilot.press("right", "right")
        await b.go_to("stop")
        await b.pilot.press("enter", *"END,", "backslash", "n", "enter")
        assert values == {"ignore_eos": True, "mirostat": "2", "stop": ("END", "\n")}
        await b.go_to("samplers")
        await b.pilot.press("enter")
        b.screen.parameters.editor.value = "top_k;temprature"
        await b.pilot.press("enter")
        assert "there is no sampler 'temprature'" in b.screen.parameters.explanation


async def test_a_files_own_defaults_are_shown_as_such(tmp_path: Path) -> None:
    file = random_model(
        tmp_path / "cool.gguf",
        layers=1,
        width=32,
        heads=1,
        forward=32,
        metadata={"general.sampling.temp": 0.3},
    )
    async with bench(file) as b:
        pane = b.screen.parameters
        await b.go_to("temperature")
        assert line_of(b, "temperature") == ["◇", "temperature", "0.3", "~"]
        assert "◇ 0.3 by the model's file; default 0.8" in pane.explanation
        await b.pilot.press("right")
        assert pane.values == {"temperature": 0.35}
        await b.pilot.press("backspace")
        assert pane.values == {}


async def test_a_text_of_many_lines_has_an_editor() -> None:
    async with bench(values={"max_tokens": 12}) as b:
        await b.go_to("grammar")
        await b.pilot.press("enter")
        assert isinstance(b.app.screen, TextScreen)
        b.app.screen.query_one(TextArea).text = 'root ::= answer\nanswer ::= "yes"'
        await b.pilot.press("ctrl+s")
        await b.ask("Is it?")
        await b.idle()
        assert b.screen.exchange.conversation.path()[-1].text == "yes"

        await b.go_to("grammar")
        await b.pilot.press("enter")
        assert isinstance(b.app.screen, TextScreen)
        b.app.screen.query_one(TextArea).text = "nonsense"
        await b.pilot.press("escape")
        assert b.screen.parameters.values["grammar"] == 'root ::= answer\nanswer ::= "yes"'


async def test_a_change_acts_on_the_running_answer(slow_model: Path) -> None:
    async with bench(slow_model, {"temperature": 0, "ignore_eos": True}) as b:
        await b.ask("Go on for ever")
        await b.phase("writing")
        b.screen.parameters.set("max_tokens", 5)
        await b.idle()
        answer = b.screen.exchange.conversation.path()[-1]
        assert answer.finish == "length"
        assert b.says("max_tokens reached")


async def saved(b: Bench, name: str) -> None:
    """Save the present values under ``name`` and leave the presets."""
    await b.pilot.press("f3", "p")
    assert isinstance(b.app.screen, PresetScreen)
    await b.pilot.press(*name, "enter", "escape")


async def test_a_preset_is_saved_taken_and_deleted() -> None:
    async with bench(values={"temperature": 0.1, "top_k": 3}) as b:
        await saved(b, "exact")
        [file] = (paths.presets()).glob("*.toml")
        assert file.name == "exact.toml"
        assert file.read_text().split() == ["temperature", "=", "0.1", "top_k", "=", "3"]

        await b.pilot.press("p", "enter")
        assert b.screen.parameters.values == {}
        await b.pilot.press("p", "down", "enter")
        assert b.screen.parameters.values == {"temperature": 0.1, "top_k": 3}

        await b.pilot.press("p", "down", "delete")
        assert file.exists()
        await b.pilot.press("delete", "escape")
        assert not file.exists()


async def test_names_and_files_that_are_no_presets_are_refused() -> None:
    paths.presets().mkdir(parents=True)
    torn = paths.presets() / "torn.toml"
    torn.write_text("temperature = ")
    async with bench(values={"top_k": 3}) as b:
        await saved(b, "../evil")
        assert any("name" in toast for toast in b.toasts())
        assert [file.name for file in paths.presets().parent.rglob("*.toml")] == ["torn.toml"]
        await b.pilot.press("p", "down", "enter")
        assert isinstance(b.app.screen, PresetScreen)
        assert any("torn.toml" in toast for toast in b.toasts())
        await b.pilot.press("escape")
        assert b.screen.parameters.values == {"top_k": 3}
        assert torn.read_text() == "temperature = "


async def test_a_models_own_preset_acts_whenever_it_is_loaded(slow_model: Path) -> None:
    async with bench(values={"max_tokens": 2}) as b:
        await b.pilot.press("f3", "p", "ctrl+s", "escape")
    async with bench() as b:
        assert b.screen.parameters.values == {"max_tokens": 2}
        assert b.says("own preset")
        await b.ask("Hello")
        await b.idle()
        assert b.says("2 tokens")
    async with bench(slow_model) as b:
        assert b.screen.parameters.values == {}


async def test_a_grammar_that_is_wrong_costs_no_text() -> None:
    async with bench(values={"grammar": "root ::= nothing"}) as b:
        await b.ask("Is it?")
        await b.idle()
        assert b.says("The grammar is wrong")
        assert b.screen.chat.prompt.text == "Is it?"
        b.screen.parameters.set("grammar", 'root ::= "yes"')
        await b.pilot.press("enter")
        await wait_until(lambda: len(b.screen.exchange.conversation.path()) == 2, "an answer")
        await b.idle()
        assert b.screen.exchange.conversation.path()[-1].text == "yes"


async def test_a_name_that_comes_in_one_piece_with_its_slash_is_looked_for() -> None:
    async with bench(values={"top_k": 3}) as b:
        await b.pilot.press("f3", "end")
        for key in ("slash", *"temp", "enter"):
            event = events.Key(key, "/" if key == "slash" else key if len(key) == 1 else "\r")
            b.screen.parameters.rows.post_message(event)
        await wait_until(lambda: "Flattens" in b.screen.parameters.explanation, "the row")
        await wait_until(lambda: b.app.focused is b.screen.parameters.rows, "the list")
        assert b.app.screen is b.screen
        assert b.screen.parameters.values == {"top_k": 3}


async def test_a_parameter_is_found_by_its_name_and_stays_in_sight() -> None:
    async with bench() as b:
        rows = b.screen.parameters.rows
        await b.pilot.press("f3", "slash", *"gramm")
        await b.pilot.pause()
        shown = [rows.render_line(line).text for line in range(rows.size.height)]
        assert any(line.split()[:1] == ["grammar"] for line in shown)
        assert "GBNF" in b.screen.parameters.explanation
        await b.pilot.press("enter", "enter")
        assert isinstance(b.app.screen, TextScreen)


async def test_a_value_typed_in_one_piece_acts_in_the_middle_of_an_answer(
    slow_model: Path,
) -> None:
    async with bench(slow_model, {"ignore_eos": True}) as b:
        await b.go_to("max_tokens")
        await b.ask("Hello!")
        await b.phase("writing")
        await b.go_to("max_tokens")
        # All at once, as over a slow line.
        for key in ("enter", "1", "enter"):
            b.app.screen.post_message(events.Key(key, key if key == "1" else None))
        await b.idle()
        assert b.says("max_tokens reached")
