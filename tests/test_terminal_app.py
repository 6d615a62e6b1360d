"""The app in a real terminal: what only a terminal shows."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable

import psutil
import pytest

from tests.terminal import Terminal, running
from tests.waiting import wait_until_blocking

APP = [sys.executable, "-m", "workbench"]

LEAVES_FULL_SCREEN = b"\x1b[?1049l"
LEAVES_MOUSE_MODE = b"\x1b[?1000l"
SHOWS_CURSOR = b"\x1b[?25h"


def engines(terminal: Terminal) -> list[psutil.Process]:
    return psutil.Process(terminal.process.pid).children(recursive=True)


def assert_left_as_it_was(terminal: Terminal, before: list[object]) -> None:
    tail = terminal.output
    for sequence in (LEAVES_FULL_SCREEN, LEAVES_MOUSE_MODE, SHOWS_CURSOR):
        assert sequence in tail, sequence
    assert terminal.settings() == before
    assert b"Traceback" not in tail


@pytest.mark.parametrize(("columns", "rows"), [(120, 40), (80, 24)])
def test_a_person_asks_and_leaves(columns: int, rows: int) -> None:
    with running(APP, columns=columns, rows=rows) as terminal:
        before = terminal.settings()
        terminal.wait_for("Chat with pocket")
        # In one go, as a fast typist or a paste without brackets would have it.
        terminal.type("Hello!\nWho are you?")
        terminal.wait_for("Hello!")
        terminal.wait_for("Who are you?")
        assert "Hello!Who" not in terminal.text
        terminal.type("\r")
        terminal.wait_for("t/s")
        [engine] = engines(terminal)
        terminal.type("\x11")
        assert terminal.wait_for_exit() == 0
        assert_left_as_it_was(terminal, before)
        wait_until_blocking(lambda: not engine.is_running(), "the engine's end")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_the_terminal_as_it_was(number: signal.Signals) -> None:
    with running(APP) as terminal:
        before = terminal.settings()
        terminal.wait_for("Chat with pocket")
        [engine] = engines(terminal)
        terminal.process.send_signal(number)
        terminal.wait_for_exit()
        assert_left_as_it_was(terminal, before)
        wait_until_blocking(lambda: not engine.is_running(), "the engine's end")


def test_a_killed_app_takes_its_engine_along() -> None:
    with running(APP) as terminal:
        terminal.wait_for("Chat with pocket")
        [engine] = engines(terminal)
        terminal.process.kill()
        wait_until_blocking(lambda: not engine.is_running(), "the engine's end")


def test_a_bad_model_is_said_on_the_screen() -> None:
    with running([*APP, "--model", "/nowhere/model.gguf"]) as terminal:
        terminal.wait_for("There is no file /nowhere/model.gguf")
        terminal.type("\x11")
        assert terminal.wait_for_exit() == 0


def test_an_idle_app_writes_nothing() -> None:
    with running(APP) as terminal:
        terminal.wait_for("Chat with pocket")
        terminal.type("Hello!\r")
        terminal.wait_for("t/s")
        terminal.wait_for("idle")
        # Longer than any timer of ours runs.
        wait_until_blocking(quiet(terminal, seconds=3), "an idle app to fall silent")


def quiet(terminal: Terminal, seconds: float) -> Callable[[], bool]:
    """A condition: nothing was written for so long."""
    size, since = -1, 0.0

    def condition() -> bool:
        nonlocal size, since
        terminal.read()
        if len(terminal.output) != size:
            size, since = len(terminal.output), time.monotonic()
        return time.monotonic() - since > seconds

    return condition
