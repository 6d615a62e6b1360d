"""The app on a line that is stalled, noisy or gone."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import psutil

from tests.kept import cut_off, kept_answer
from tests.terminal import Terminal, running
from tests.waiting import wait_until_blocking

APP = [sys.executable, "-m", "workbench"]
# A whole screen of 120x40 takes 28 kB. Two may wait, and a few show what has changed since.
FEW_SCREENS = 300_000


def resize_often(terminal: Terminal) -> None:
    """Make the app draw many whole screens, were there anybody to read them."""
    app = psutil.Process(terminal.process.pid)
    for number in range(40):
        slept = app.num_ctx_switches().voluntary
        terminal.resize(119 + number % 2, 40)
        wait_until_blocking(
            lambda slept=slept: app.num_ctx_switches().voluntary > slept,  # type: ignore[misc]
            "the app to have seen the new size",
        )


def test_nothing_waits_for_a_stalled_line(fast_model: Path) -> None:
    arguments = ["--model", str(fast_model), "--ignore-eos", "--max-tokens", "200"]
    # On all cores llama.cpp would wait in spin loops for the one that draws.
    arguments += ["--n-threads", "1"]
    with running([*APP, *arguments]) as terminal:
        terminal.wait_for("Chat with fast")
        read = len(terminal.output)
        resize_often(terminal)
        terminal.type("Tell me a story\r")
        wait_until_blocking(lambda: kept_answer().finish == "length", "the answer's end")
        resize_often(terminal)
        last_line = kept_answer().text.split()[-1]
        terminal.wait_for("200 tok")
        terminal.wait_for(last_line)
        wait_until_blocking(
            lambda: [line[119] for line in terminal.text.splitlines()][::37] == ["╮", "│"],
            "the whole width to be drawn",
        )
        assert len(terminal.output) - read < FEW_SCREENS
        terminal.type("\x11")
        assert terminal.wait_for_exit() == 0


def test_a_signal_ends_an_app_on_a_stalled_line(slow_model: Path) -> None:
    with running([*APP, "--model", str(slow_model), "--ignore-eos"]) as terminal:
        before = terminal.settings()
        terminal.wait_for("Chat with")
        [engine] = psutil.Process(terminal.process.pid).children(recursive=True)
        terminal.type("Tell me a story\r")
        resize_often(terminal)
        wait_until_blocking(lambda: kept_answer().text, "a part of the answer")
        terminal.process.terminate()
        assert terminal.process.wait(20) == 128 + signal.SIGTERM
        wait_until_blocking(lambda: not engine.is_running(), "the engine's end")
        assert terminal.settings() == before
        terminal.read()
        # The line moves again, too late for the app: it still leaves the full screen.
        assert b"\x1b[?1049l" in terminal.output
    assert len(cut_off()) == 1


def test_bytes_that_are_no_text_end_nothing() -> None:
    with running(APP) as terminal:
        terminal.wait_for("Chat with pocket")
        terminal.send(b"caf\xe9 au lait \xff\xfe\xc3")
        terminal.send("\N{LATIN SMALL LETTER E WITH ACUTE}".encode()[:1])
        terminal.send("\N{LATIN SMALL LETTER E WITH ACUTE}".encode()[1:])
        terminal.wait_for("au lait")
        terminal.wait_for("\N{LATIN SMALL LETTER E WITH ACUTE}")
        terminal.type("\x11")
        assert terminal.wait_for_exit() == 0


def test_a_line_that_is_gone_ends_the_app_without_any_signal() -> None:
    """The terminal here is nobody's controlling one, so the system sends no SIGHUP."""
    with running(APP) as terminal:
        terminal.wait_for("Chat with pocket")
        [engine] = psutil.Process(terminal.process.pid).children(recursive=True)
        terminal.type("a draft")
        terminal.wait_for("a draft")
        terminal.hang_up()
        assert terminal.process.wait(20) == 128 + signal.SIGHUP
        wait_until_blocking(lambda: not engine.is_running(), "the engine's end")
    assert len(cut_off()) == 1


def test_what_the_driver_needs_of_textual_is_there() -> None:
    """Names that Textual does not promise to keep."""
    from textual._xterm_parser import XTermParser
    from textual.app import App
    from textual.drivers.linux_driver import LinuxDriver

    for owner, name in (
        (App, "_begin_batch"),
        (App, "_end_batch"),
        (App, "_handle_exception"),
        (App, "_fatal_error"),
        (App, "_print_error_renderables"),
        (App, "_close_messages_no_wait"),
        (App, "post_display_hook"),
        (LinuxDriver, "run_input_thread"),
        (LinuxDriver, "_run_input_thread"),
        (XTermParser, "feed"),
        (XTermParser, "tick"),
    ):
        assert callable(getattr(owner, name)), name
