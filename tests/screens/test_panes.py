"""Where the panes stand, and the ways from one to another."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual import events
from textual.command import CommandPalette
from textual.dom import DOMNode
from textual.geometry import Size
from textual.widgets import Input

from tests.gguf_files import random_model
from tests.screens.bench import bench
from tests.waiting import wait_until
from workbench.app import WorkbenchApp
from workbench.screens import keymap
from workbench.screens.help import HelpScreen
from workbench.screens.jump import JumpScreen, targets
from workbench.settings import paths, remembered


async def test_hidden_and_widened_panes_stay_so() -> None:
    async with bench() as b:
        await b.pilot.press("f2", "f2")
        await b.pilot.pause()
        assert not b.screen.browser.is_on_screen
        assert b.app.focused is b.screen.chat.prompt
        await b.pilot.press("f4")
        await b.pilot.pause()
        assert not b.screen.stats.is_on_screen
        width = b.screen.instruments.outer_size.width
        await b.pilot.press("f3", ">", ">", ">", "<")
        await b.pilot.pause()
        assert b.screen.instruments.outer_size.width == width + 4
    async with bench() as b:
        assert not b.screen.browser.is_on_screen
        assert not b.screen.stats.is_on_screen
        assert b.screen.parameters.is_on_screen
        assert b.screen.instruments.outer_size.width == width + 4
        await b.pilot.press("f2")
        await b.pilot.pause()
        assert b.screen.browser.is_on_screen
        assert b.screen.browser.has_focus_within


async def test_wide_columns_leave_room_for_the_chat() -> None:
    state = remembered.Remembered(widths={"browser": 70, "instruments": 80})
    remembered.save(paths.remembered(), state)
    for columns in (120, 100):
        async with bench(size=(columns, 30)) as b:
            assert b.screen.chat.outer_size.width >= 38, columns
            assert b.screen.instruments.region.right <= columns


async def test_a_layout_that_cannot_be_remembered_is_said_and_acts() -> None:
    paths.remembered().parent.parent.mkdir(parents=True)
    paths.remembered().parent.touch()
    async with bench() as b:
        await b.pilot.press("f4")
        await b.pilot.pause()
        assert not b.screen.stats.is_on_screen
        assert any("will not be remembered" in toast for toast in b.toasts())


@pytest.mark.parametrize("size", [(60, 15), (80, 24), (99, 20), (100, 15), (118, 12), (240, 70)])
async def test_nothing_overlaps_at_any_size(size: tuple[int, int]) -> None:
    async with bench(size=size) as b:
        for key in ("escape", "f2", "escape", "f3", "escape", "f4"):
            await b.pilot.press(key)
            await b.pilot.pause()
            panes = [
                pane.region
                for pane in (b.screen.browser, b.screen.chat, b.screen.parameters, b.screen.stats)
                if pane.is_on_screen
            ]
            assert panes
            for region in panes:
                assert region.width >= 20, (key, region)
                assert region.right <= size[0]
                assert region.bottom <= size[1]
            for number, region in enumerate(panes):
                assert not any(region.overlaps(other) for other in panes[:number]), key
            assert b.screen.chat.prompt.region.height or not b.screen.chat.is_on_screen


async def test_every_size_on_the_way_is_survived() -> None:
    async with bench(values={"max_tokens": 20}) as b:
        await b.ask("Hello!")
        await b.idle()
        for width, height in ((60, 15), (150, 50), (20, 5), (99, 24), (120, 40)):
            await b.pilot.resize_terminal(width, height)
            await b.pilot.pause()
        assert b.screen.browser.is_on_screen
        assert b.says("Hello!")


async def test_a_narrow_screen_has_a_line_of_status() -> None:
    async with bench(values={"max_tokens": 4}, size=(80, 24)) as b:
        await b.ask("Hello!")
        await b.idle()
        await wait_until(lambda: "context" in str(b.screen.chat.border_subtitle), "the status")
        status = str(b.screen.chat.border_subtitle)
        assert "pocket" in status
        assert "t/s" in status
        await b.pilot.resize_terminal(120, 40)
        await b.pilot.pause()
        await wait_until(lambda: not b.screen.chat.border_subtitle, "no status twice")


# ---- jumping ---------------------------------------------------------------------------------


async def test_a_letter_goes_to_every_place() -> None:
    async with bench(values={"max_tokens": 4}) as b:
        await b.ask("Hello!")
        await b.idle()
        reached = set()
        for number in range(len(targets(b.screen.query("*")))):
            await b.pilot.press("f5")
            screen = b.app.screen
            assert isinstance(screen, JumpScreen)
            await b.pilot.press(screen.letters[number])
            await b.pilot.pause()
            assert b.app.focused is not None
            place = b.app.focused
            rows = b.screen.parameters.rows
            row = repr(rows.row) if place is rows else None
            marked = b.screen.chat.transcript.marked
            reached.add((place, row, marked if place is b.screen.chat.transcript else None))
        places = {place for place, _, _ in reached}
        assert {
            b.screen.chat.prompt,
            b.screen.chat.transcript,
            b.screen.browser.models,
            b.screen.parameters.rows,
        } <= places
        assert sum(place is b.screen.parameters.rows for place, _, _ in reached) > 5
        assert sum(place is b.screen.chat.transcript for place, _, _ in reached) == 2


async def test_any_other_key_stays() -> None:
    async with bench() as b:
        await b.pilot.press("f5", "escape")
        assert b.app.focused is b.screen.chat.prompt
        await b.pilot.press("f5", "f12")
        assert b.app.screen is b.screen
        assert b.screen.chat.prompt.text == ""


# ---- keys ------------------------------------------------------------------------------------


def subclasses(node: type[DOMNode]) -> set[type[DOMNode]]:
    return {node, *(each for child in node.__subclasses__() for each in subclasses(child))}


def test_the_map_knows_every_class_of_ours_that_has_keys() -> None:
    known = {node for chain in keymap.CHAINS for node in chain} | {WorkbenchApp}
    for node in subclasses(DOMNode):
        if node.__module__.startswith("workbench.") and "BINDINGS" in node.__dict__:
            assert any(issubclass(each, node) for each in known), node


def test_every_key_has_an_id_a_tooltip_and_no_clash() -> None:
    nodes: set[type[DOMNode]] = {WorkbenchApp, *(node for each in keymap.CHAINS for node in each)}
    for node in nodes:
        for binding in keymap.bindings(node):
            if node.__module__.startswith("workbench."):
                assert binding.id or binding.action == "command_palette", (node, binding)
                assert binding.tooltip, binding
    # As they come, keys hide each other only where that is meant: the key that opens something
    # closes it, and Esc ends whatever there is to end.
    same = {id_: keymap.keys_of(id_, {}, WorkbenchApp) for id_ in keymap.declared(WorkbenchApp)}
    _, complaints = keymap.checked(same, WorkbenchApp)
    meant = (
        *("escape is both", "f1 is both app.help and help.close", "f8 is both app.theme and"),
        "f2 is both lanes.keep and lanes.vote",
        # What is here is loaded; what is paused goes on.
        "enter is both files.fetch and files.load",
        "space is both downloads.pause and downloads.resume",
        # In the pane they are the rows'.
        *("pageup is both lanes.page_up", "pagedown is both lanes.page_down"),
    )
    assert not [each for each in complaints if not each.startswith(meant)]


async def test_keys_are_changed_in_the_configuration(config_folder: object) -> None:
    paths.config_file().write_text(
        '[keys]\npane.parameters = "f12"\n"prompt.send" = "ctrl+s"\nprompt.newline = "enter"\n'
    )
    async with bench(values={"max_tokens": 2}) as b:
        await b.pilot.press("f12")
        assert b.screen.parameters.has_focus_within
        await b.pilot.press("escape", "f3")
        assert not b.screen.parameters.has_focus_within
        await b.pilot.press("a", "enter", "b")
        assert b.screen.chat.prompt.text == "a\nb"
        await b.pilot.press("ctrl+s")
        await wait_until(lambda: b.screen.exchange.conversation.path(), "the prompt")
        await b.idle()
        await b.pilot.press("f1")
        assert isinstance(b.app.screen, HelpScreen)
        await b.pilot.pause()
        assert "F12" in b.app.screen.text


async def test_mistakes_in_the_key_map_are_said_and_cost_nothing_else(
    config_folder: object,
) -> None:
    paths.config_file().write_text(
        "[keys]\n"
        'pane.brwoser = "f9"\n'
        'chat.new = "ctrl+banana"\n'
        'chat.read = "f2"\n'
        'screen.jump = "f12"\n'
    )
    async with bench() as b:
        assert b.says("there is no key for 'pane.brwoser'; did you mean pane.browser?")
        assert b.says("chat.new: there is no key 'ctrl+banana'")
        assert b.says("f2 is both chat.read and pane.browser")
        await b.pilot.press("f12")
        assert isinstance(b.app.screen, JumpScreen)


def test_the_map_is_printed_as_it_is_read(config_folder: object) -> None:
    from workbench.settings import config

    text = keymap.as_toml({"pane.browser": "f12"}, WorkbenchApp)
    paths.config_file().write_text(text)
    settings, complaints = config.load(paths.config_file())
    assert not complaints
    assert settings.keys["pane.browser"] == "f12"
    assert set(settings.keys) == set(keymap.declared(WorkbenchApp))
    # A key that several screens declare alike is named once.
    assert all(len(set(keys.split(","))) == len(keys.split(",")) for keys in settings.keys.values())


# ---- palette and help ------------------------------------------------------------------------


async def test_the_palette_runs_what_has_no_focus() -> None:
    from workbench.screens.palette import Actions

    async with bench() as b:
        b.screen.parameters.set("top_k", 3)
        assert b.screen.chat.prompt.has_focus
        await b.pilot.press("ctrl+p")
        await wait_until(lambda: isinstance(b.app.screen, CommandPalette), "the palette")
        await b.pilot.press("escape")
        actions = Actions(b.screen)
        for words in ("reset all", "parameters.reset_all"):
            b.screen.parameters.set("top_k", 3)
            [hit, *_] = sorted([hit async for hit in actions.search(words)], reverse=True)
            await hit.command()
            await wait_until(lambda: not b.screen.parameters.values, words)


async def test_every_action_is_in_the_palette() -> None:
    from workbench.screens.palette import Actions

    async with bench(values={"max_tokens": 4}) as b:
        await b.ask("Hello!")
        await b.idle()
        offered = {binding.id for _, binding in Actions(b.screen)._found()}
        app_and_screen = {
            binding.id
            for node in (WorkbenchApp, type(b.screen))
            for binding in keymap.bindings(node)
            # What can only be done at times.
            if binding.id not in ("answer.stop", "chat.resume")
        }
        assert app_and_screen <= offered
        assert {"transcript.copy", "prompt.send", "browser.load", "parameters.reset"} <= offered


async def test_help_fits_narrow_screens_and_scrolls() -> None:
    async with bench(size=(60, 15)) as b:
        await b.pilot.press("ctrl+up", "f1")
        await b.pilot.pause()
        assert isinstance(b.app.screen, HelpScreen)
        assert max(map(len, b.app.screen.text.split("\n"))) <= 54
        await b.pilot.press("j", "j")
        assert b.app.screen.query_one("VerticalScroll").scroll_offset.y > 0
        await b.pilot.press("q")
        assert b.app.screen_stack[-1] is b.screen
        assert not b.screen.query(Input).first().has_focus


async def test_two_letters_in_one_piece_end_the_jump_once() -> None:
    async with bench() as b:
        await b.pilot.press("f5")
        for key in ("a", "s", "d"):
            b.app.screen.post_message(events.Key(key, key))
        await wait_until(lambda: b.app.screen_stack[-1] is b.screen, "the workbench")
        await b.pilot.pause()
        assert b.app.screen_stack[-1] is b.screen


async def test_keys_behind_a_panes_key_go_where_it_leads(fast_model: Path) -> None:
    async with bench(fast_model) as b:
        rows = b.screen.parameters.rows
        for key in ("f3", "m"):
            b.app.post_message(events.Key(key, key if len(key) == 1 else None))
        await wait_until(lambda: rows.listing.rows == [], "only what is changed")
        for key in ("ctrl+up", "G"):
            b.app.post_message(events.Key(key, key if len(key) == 1 else None))
        await wait_until(lambda: b.screen.chat.transcript.has_focus, "the transcript")
        await b.pilot.pause()
        assert b.screen.chat.prompt.text == ""


async def test_a_models_name_is_no_markup(tmp_path: Path) -> None:
    file = random_model(tmp_path / "x [a='b].gguf", layers=1, width=32, heads=1, forward=32)
    async with bench(file, size=(80, 24)) as b:
        assert "x [a='b]" in b.screen.chat._border_title.plain  # type: ignore[union-attr]


@pytest.mark.parametrize("keys", [(), ("f6",)])
async def test_a_size_that_is_over_is_not_taken(keys: tuple[str, ...]) -> None:
    async with bench() as b:
        await b.pilot.press(*keys)
        await b.pilot.pause()
        screen = b.app.screen
        layouts = 0

        def laid_out(_: object) -> None:
            nonlocal layouts
            layouts += 1
            if layouts > 4:
                # An endless row of them leaves nobody else a turn, this test least of all.
                screen.disable_messages(events.Resize)

        screen.screen_layout_refresh_signal.subscribe(screen, laid_out, immediate=True)
        for width in (119, 120):
            size = Size(width, 40)
            screen.post_message(events.Resize(size, size))
            # Between the two: a size that follows at once takes the other's place.
            screen.call_later(lambda: None)
        await b.pilot.pause()
        assert layouts <= 4
        assert screen.size == (120, 40)


async def test_help_names_no_key_that_was_given_away(config_folder: Path) -> None:
    (config_folder / "config.toml").write_text('[keys]\n"pane.parameters" = "f10"\n')
    async with bench() as b:
        screen = await b.opened(HelpScreen, "f1")
        [row] = [row for row in screen.text.split("\n") if row.split()[:1] == ["F10"]]
        assert "F3" not in row
        assert not any(row.split()[:1] == ["F3"] for row in screen.text.split("\n"))


@pytest.mark.parametrize("key", ["f9", "f2"])
async def test_widths_are_left_alone_where_one_pane_has_the_screen(key: str) -> None:
    async with bench(size=(80, 24)) as b:
        await b.pilot.press(key, ">", ">")
        await b.pilot.pause()
    assert not remembered.load(paths.remembered()).widths
