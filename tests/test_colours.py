"""The screen on terminals of many colours, of few, and of none."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from pyte.screens import Char

from tests.terminal import Terminal, running
from tests.waiting import wait_until_blocking

APP = [sys.executable, "-m", "workbench", "--max-tokens", "8"]

SIXTEEN = {"TERM": "xterm", "COLORTERM": ""}
COLOURS = {
    "none": {"NO_COLOR": "1"},
    "none, and few": {"NO_COLOR": "1", **SIXTEEN},
    "sixteen": SIXTEEN,
    "sixteen, light": {**SIXTEEN, "COLORFGBG": "0;15"},
    "256": {"COLORTERM": ""},
    "all": {},
}

F3, F8, DOWN, RIGHT, ESCAPE, SELECT_ALL = (
    "\x1bOR",
    "\x1b[19~",
    "\x1b[B",
    "\x1b[C",
    "\x1b",
    # Home, then shift and End.
    "\x1b[H\x1b[1;2F",
)

# Bold, faint, italic, underlined, reversed, struck out.
ATTRIBUTES = {0, 1, 2, 3, 4, 7, 9}
LINES = "─│╭╮╰╯━┃┏┓┗┛"

_SGR = re.compile(rb"\x1b\[([0-9;:]*)m")


def rendition(terminal: Terminal) -> set[int]:
    """The first figures of all that was ever said of colours and attributes."""
    terminal.read()
    found: set[int] = set()
    for codes in _SGR.findall(terminal.output):
        numbers = [int(number) for number in codes.split(b";") if number]
        while numbers:
            found.add(number := numbers.pop(0))
            if number in (38, 48):
                del numbers[: 2 if numbers[0] == 5 else 4]
    return found


def looks(cells: list[Char]) -> set[tuple[object, ...]]:
    """The colours and attributes of cells."""
    return {
        (cell.fg, cell.bg, cell.bold, cell.underscore, cell.reverse, cell.italics) for cell in cells
    }


@contextmanager
def app(environment: Mapping[str, str]) -> Iterator[Terminal]:
    """The app after an answer, and with a parameter changed."""
    with running(APP, environment={"NO_COLOR": "", "COLORFGBG": "", **environment}) as terminal:
        terminal.wait_for("Chat with pocket")
        terminal.type("Who are you?\r")
        terminal.wait_for("max_tokens reached")
        terminal.type(F3)
        # Keys that come sooner are the prompt's.
        focused(terminal, "Parameters")
        terminal.type(RIGHT)
        terminal.wait_for("• temperature")
        yield terminal


def focused(terminal: Terminal, title: str) -> None:
    """Wait until the pane of that title has the focus."""
    wait_until_blocking(
        lambda: all(cell.bold for cell in terminal.cells(title)), f"the focus on {title}"
    )


@pytest.mark.parametrize("name", COLOURS)
def test_all_can_be_read_and_where_one_is_can_be_seen(name: str) -> None:
    with app(COLOURS[name]) as terminal:
        differ(terminal, "temperature", "dynatemp_range", "the row under the cursor")
        differ(terminal, "Parameters", "Stats", "the pane that has the focus")
        for row in range(40):
            for cell in terminal.line(row):
                if cell.data.strip() and cell.data not in LINES:
                    assert cell.fg != cell.bg or cell.fg == "default", (row, cell)
        terminal.type(DOWN)
        wait_until_blocking(
            lambda: looks(terminal.cells("temperature")) == looks(terminal.cells("top_k")),
            "the cursor's leaving",
        )
        differ(terminal, "0.75", "0.05", "a value that was changed")
        terminal.type(ESCAPE)
        focused(terminal, "Chat with pocket")
        terminal.type("abc")
        terminal.wait_for("abc")
        terminal.type(SELECT_ALL)
        differ(terminal, "abc", "Who are you?", "the selection")


def differ(terminal: Terminal, one: str, other: str, what: str) -> None:
    """Wait until two texts look different."""
    wait_until_blocking(
        lambda: looks(terminal.cells(one)) != looks(terminal.cells(other)), f"{what} to be seen"
    )


@pytest.mark.parametrize("name", ["none", "none, and few"])
def test_without_colours_there_are_none_and_attributes_say_it_all(name: str) -> None:
    with app(COLOURS[name]) as terminal:
        wait_until_blocking(
            lambda: all(cell.reverse for cell in terminal.cells("temperature")), "the cursor"
        )
        assert not any(cell.reverse for cell in terminal.cells("dynatemp_range"))
        # The border of the focused pane is a heavy one.
        terminal.wait_for("┏━ Parameters ━")
        terminal.wait_for("╭─ Stats ─")
        terminal.type(F8)
        terminal.wait_for("NO_COLOR is set")
        assert rendition(terminal) <= ATTRIBUTES


@pytest.mark.parametrize(("name", "theme"), [("sixteen", "dark"), ("sixteen, light", "light")])
def test_of_sixteen_colours_only_those_are_used(name: str, theme: str, config_folder: Path) -> None:
    # A theme of many colours gives way.
    (config_folder / "config.toml").write_text("theme = 'nord'")
    sixteen = {*range(30, 38), *range(90, 98), *range(40, 48), *range(100, 108), 39, 49}
    with app(COLOURS[name]) as terminal:
        assert "no theme" not in terminal.text
        # On the terminal's own ground.
        assert {(cell.fg, cell.bg) for cell in terminal.cells("dynatemp_range")} == {
            ("default", "default")
        }
        terminal.type(F8)
        terminal.wait_for(f"● ansi-{theme}")
        terminal.wait_for("sixteen colours")
        assert "nord" not in terminal.text
        assert rendition(terminal) <= ATTRIBUTES | sixteen


def test_an_empty_no_color_means_nothing() -> None:
    with app({}) as terminal:
        assert 38 in rendition(terminal)
