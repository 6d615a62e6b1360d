"""The parameter pane by keyboard and mouse: folding, filtering, stepping, typing, resetting."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual import events

from tests.screens.bench import Bench, bench
from tests.waiting import wait_until
from workbench.panes.parameters.listing import GROUPS, Heading
from workbench.parameters.kinds import Parameter
from workbench.parameters.table import BY_KEY, TABLE


def on_row(b: Bench) -> str:
    """The key of the parameter under the cursor, or the group of the heading."""
    row = b.screen.parameters.rows.row
    assert row is not None
    return row.key if isinstance(row, Parameter) else row.group


def listed(b: Bench) -> list[str]:
    rows = b.screen.parameters.rows.listing.rows
    return [row.key for row in rows if isinstance(row, Parameter)]


async def test_groups_fold_by_keyboard() -> None:
    async with bench(values={"dry_base": 2}) as b:
        rows = b.screen.parameters.rows
        await b.pilot.press("f3")
        assert on_row(b) == "temperature"
        await b.pilot.press("k", "enter")
        assert listed(b) == []
        await b.pilot.press("j")
        assert on_row(b) == "penalties"
        assert "9 parameters, 1 not at the default" in b.screen.parameters.explanation
        await b.pilot.press("right")
        assert listed(b) == [each.key for each in GROUPS["penalties"]]
        # A second time there is nothing to unfold.
        await b.pilot.press("right", "j", "j")
        assert on_row(b) == "presence_penalty"
        await b.pilot.press("z")
        assert (on_row(b), listed(b)) == ("penalties", [])
        # All are folded now.
        await b.pilot.press("Z", "G")
        assert (on_row(b), len(listed(b))) == (TABLE[-1].key, len(TABLE))
        await b.pilot.press("Z")
        assert (on_row(b), listed(b)) == ("adapters", [])
        await b.pilot.press("space")
        assert listed(b) == [each.key for each in GROUPS["adapters"]]
        await b.pilot.press("left", "g")
        assert (on_row(b), listed(b), rows.scroll_offset.y) == ("sampling", [], 0)


async def test_groups_fold_and_values_are_edited_by_mouse() -> None:
    async with bench() as b:
        rows = b.screen.parameters.rows
        await b.pilot.click(rows, offset=(3, 4))
        assert on_row(b) == "top_k"
        assert not b.screen.parameters.editing
        await b.pilot.click(rows, offset=(3, 4))
        await wait_until(lambda: b.screen.parameters.editor.has_focus, "the field")
        await b.pilot.press("7", "enter")
        await wait_until(lambda: b.screen.parameters.values == {"top_k": 7}, "the value")
        await b.pilot.click(rows, offset=(3, 0))
        await wait_until(lambda: listed(b) == [], "the fold")


async def test_the_filter_narrows_the_list_while_it_is_typed() -> None:
    async with bench() as b:
        pane = b.screen.parameters
        await b.pilot.press("f3", "slash", *"yarn")
        await b.pilot.pause()
        assert len(listed(b)) == 5
        assert pane.query_one("#parameter-count").visual.plain == "5 of 70"  # type: ignore[attr-defined]
        await b.pilot.press("_", "b")
        await b.pilot.pause()
        assert listed(b) == ["yarn_beta_fast", "yarn_beta_slow"]
        await b.pilot.press("enter", "j")
        assert (on_row(b), pane.filter.value) == ("yarn_beta_slow", "yarn_b")
        await b.pilot.press("escape")
        # Its group is unfolded: what was found stays in sight.
        assert (on_row(b), pane.filter.value) == ("yarn_beta_slow", "")
        assert len(listed(b)) == len(GROUPS["sampling"]) + len(GROUPS["RoPE"])
        assert pane.rows.has_focus
        await b.pilot.press("escape")
        assert b.screen.chat.prompt.has_focus


async def test_where_nothing_is_found_the_list_says_what_to_do(fast_model: Path) -> None:
    async with bench(fast_model) as b:
        await b.go_to("top_p")
        await b.pilot.press("slash", *"zzz")
        await b.pilot.pause()
        assert b.screen.parameters.rows.text == "Nothing matches. Esc lists all."
        # Nothing is under the cursor, and every key bears it.
        await b.pilot.press("enter", "j", "right", "space", "z", "backspace", "enter")
        await b.pilot.press("escape")
        assert on_row(b) == "top_p"
        await b.pilot.press("m")
        assert "All are at their defaults" in b.screen.parameters.rows.text
        await b.pilot.press("m")
        assert on_row(b) == "top_p"


async def test_only_what_differs_is_listed_until_it_is_no_longer_wanted(
    fast_model: Path,
) -> None:
    async with bench(fast_model, values={"top_k": 3, "n_batch": 64}) as b:
        await b.pilot.press("f3", "m")
        assert listed(b) == ["top_k", "n_batch"]
        # What is reset meanwhile does not vanish from under the cursor.
        b.screen.parameters.go_to("top_k")
        await b.pilot.press("backspace")
        assert listed(b) == ["top_k", "n_batch"]
        await b.pilot.press("m", "m")
        assert listed(b) == ["n_batch"]


async def test_arrows_step_and_with_shift_ten_times() -> None:
    async with bench() as b:
        values = b.screen.parameters.values
        await b.go_to("top_k")
        await b.pilot.press("right", "L")
        assert values == {"top_k": 95}
        await b.pilot.press("shift+left", "h", "left")
        assert values == {"top_k": 35}
        await b.go_to("top_p")
        await b.pilot.press("shift+right")
        assert values == {"top_k": 35, "top_p": 1}
        await b.go_to("flash_attn")
        await b.pilot.press("space")
        assert values["flash_attn"] == "on"
        await b.pilot.press("space", "space")
        assert "flash_attn" not in values
        await b.go_to("check_tensors")
        await b.pilot.press("space")
        assert values["check_tensors"] is True


async def test_a_value_is_judged_while_it_is_typed() -> None:
    async with bench() as b:
        pane = b.screen.parameters
        await b.go_to("top_k")
        await b.pilot.press("enter", "7", "x")
        await b.pilot.pause()
        assert pane.editor.has_class("-wrong")
        assert "'7x' is not a number; top_k takes 0 to 1000000" in pane.explanation
        await b.pilot.press("enter")
        assert pane.editing
        await b.pilot.press("backspace", "0", ".", "0")
        await b.pilot.pause()
        assert not pane.editor.has_class("-wrong")
        assert pane.editor.border_subtitle == "= 70"
        await b.pilot.press("up", "up", "down")
        await b.pilot.pause()
        assert pane.editor.value == "75"
        assert "0 to 1000000" in pane.explanation
        await b.pilot.press("escape")
        assert (pane.values, pane.editing) == ({}, False)
        assert "default" in pane.explanation
        await b.pilot.press("enter", "8", "enter")
        assert pane.values == {"top_k": 8}


async def test_choices_are_completed() -> None:
    async with bench() as b:
        pane = b.screen.parameters
        await b.go_to("cache_type_k")
        await b.pilot.press("enter", "i", "tab")
        assert pane.editor.value == "iq4_nl"
        await b.pilot.press("up")
        assert pane.editor.value == "q4_0"
        await b.pilot.press("tab", "tab", "enter")
        assert pane.values == {"cache_type_k": "f32"}
        await b.go_to("max_tokens")
        await b.pilot.press("enter", "n", "o", "tab", "enter")
        assert pane.values == {"cache_type_k": "f32"}


async def test_all_are_reset_and_come_back() -> None:
    async with bench(values={"top_k": 3, "n_batch": 64}) as b:
        pane = b.screen.parameters
        await b.pilot.press("f3", "R")
        assert pane.values == {}
        assert any("u undoes it" in toast for toast in b.toasts())
        await b.pilot.press("u")
        assert pane.values == {"top_k": 3, "n_batch": 64}
        await b.pilot.press("u")
        assert any("nothing to undo" in toast for toast in b.toasts())


CHARACTERS = {"enter": "\r", "backspace": "\x7f", "slash": "/"}


async def test_keys_that_come_in_one_piece_are_typed_into_the_field() -> None:
    async with bench() as b:
        pane = b.screen.parameters
        await b.pilot.press("f3")
        # Down to top_k, its field, a slip, the value, and on to the next.
        for key in ("j", "j", "j", "enter", "p", "backspace", "9", "enter", "j"):
            pane.rows.post_message(events.Key(key, CHARACTERS.get(key, key)))
        await wait_until(lambda: on_row(b) == "top_p", "the next row")
        assert pane.values == {"top_k": 9}
        await wait_until(lambda: not pane.editing and pane.rows.has_focus, "the list")
        assert pane.filter.value == ""


async def test_a_key_that_is_no_character_changes_nothing_of_what_stands_there() -> None:
    async with bench() as b:
        pane = b.screen.parameters
        await b.pilot.press("f3")
        for key in ("j", "j", "j", "enter", "up", "enter"):
            pane.rows.post_message(
                events.Key(key, CHARACTERS.get(key, key if key == "j" else None))
            )
        await wait_until(lambda: not pane.editing and pane.rows.has_focus, "the list")
        await b.pilot.pause()
        assert pane.values == {}
        assert not b.toasts()


async def test_what_is_looked_for_and_set_in_one_piece_is() -> None:
    async with bench() as b:
        pane = b.screen.parameters
        await b.pilot.press("f3")
        for key in ("slash", *"top_k", "enter", "enter", "9", "enter", "right"):
            pane.rows.post_message(events.Key(key, CHARACTERS.get(key, key)))
        await wait_until(lambda: pane.values == {"top_k": 15}, "the value and a step")
        await wait_until(lambda: not pane.editing and pane.rows.has_focus, "the list")

        # The same from the field on, which has the focus.
        await b.pilot.press("slash")
        await wait_until(lambda: pane.filter.has_focus, "the field")
        for key in (*"seed", "enter", "enter", "5", "enter", "right"):
            pane.filter.post_message(events.Key(key, CHARACTERS.get(key, key)))
        await wait_until(lambda: pane.values == {"top_k": 15, "seed": 6}, "both values")
        await wait_until(lambda: not pane.editing and pane.rows.has_focus, "the list")


@pytest.mark.parametrize("size", [(60, 15), (80, 24), (120, 40), (200, 50), (40, 8), (20, 5)])
async def test_at_every_size_the_row_under_the_cursor_is_in_sight(size: tuple[int, int]) -> None:
    async with bench(size=size) as b:
        pane = b.screen.parameters
        rows = pane.rows
        await b.pilot.press("f3", "Z", "Z", *["pagedown"] * 3, "j")
        await b.pilot.pause()
        await b.pilot.press("enter", "escape", "enter", "escape")
        await b.pilot.pause()
        if not pane.is_on_screen:
            # On a heading there was nothing for Esc to end: it went back to the chat.
            await b.pilot.press("f3")
            await b.pilot.pause()
        index = rows.listing.rows.index(rows.row or Heading("sampling"))
        if size[1] >= 15:
            assert rows.size.height >= 4
            assert 0 <= index - rows.scroll_offset.y < rows.size.height
            # None of them lies on another.
            heights = [child.outer_size.height for child in pane.children if child.display]
            assert sum(heights) <= pane.content_region.height


async def test_moving_along_the_rows_leaves_them_where_they_are() -> None:
    async with bench() as b:
        pane = b.screen.parameters
        await b.pilot.press("f3", "Z", "Z", "g")
        heights = set()
        for _ in TABLE:
            await b.pilot.press("j")
            heights.add(pane.rows.size.height)
        assert len(heights) == 1


async def test_what_a_preset_set_is_told_apart() -> None:
    async with bench(values={"top_k": 3}) as b:
        pane = b.screen.parameters
        await b.pilot.press("f3", "p", *"exact", "enter", "enter")
        await b.pilot.pause()
        await b.go_to("top_k")
        assert "◆ 3 by the preset exact; default 40" in pane.explanation
        await b.pilot.press("right")
        assert "• 10 your own; default 40" in pane.explanation
        assert BY_KEY["top_k"] in pane.rows.listing.rows
