"""Ends that nobody asked for, in a real terminal."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from time import monotonic

import psutil
import pytest

from tests.kept import cut_off, kept_answer, kept_messages, kept_session
from tests.terminal import Terminal, running
from tests.waiting import wait_until_blocking
from workbench.settings import paths

APP = [sys.executable, "-m", "workbench"]
FAILING = [sys.executable, "-m", "tests.steady.failing_app"]
RESTORED = [b"\x1b[?1049l", b"\x1b[?1003l", b"\x1b[?25h", b"\x1b[?2004l", b"\x1b[?7h"]
F9, F10, F11 = "\x1b[20~", "\x1b[21~", "\x1b[23~"


def app(slow_model: Path) -> list[str]:
    return [*APP, "--model", str(slow_model), "--ignore-eos"]


def ask(terminal: Terminal) -> psutil.Process:
    """Ask, and wait for the beginning of the answer; returns the engine."""
    terminal.wait_for("Chat with")
    terminal.type("Tell me a story\r")
    wait_until_blocking(lambda: terminal.text and kept_messages(), "the prompt to be kept")
    terminal.wait_for("writing")
    [engine] = psutil.Process(terminal.process.pid).children(recursive=True)
    return engine


def last_words(terminal: Terminal) -> str:
    """What was written after the full screen was left."""
    _, left, words = terminal.output.rpartition(b"\x1b[?1049l")
    assert left
    assert all(sequence in terminal.output for sequence in RESTORED)
    return words.decode()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_in_the_middle_of_an_answer(slow_model: Path, number: signal.Signals) -> None:
    with running(app(slow_model)) as terminal:
        before = terminal.settings()
        engine = ask(terminal)
        wait_until_blocking(lambda: terminal.text and kept_answer().text, "some of the answer")
        terminal.type("and a draft")
        terminal.wait_for("and a draft")
        terminal.process.send_signal(number)
        assert terminal.wait_for_exit() == 128 + number
        wait_until_blocking(lambda: not engine.is_running(), "the engine's end")
        words = last_words(terminal)
        assert terminal.settings() == before
    assert f"ended by {number.name}" in words
    assert str(paths.sessions()) in words.replace("\r\n", "")
    assert kept_answer().text
    assert kept_session().draft == "and a draft"


@pytest.mark.parametrize("key", [F9, F10])
def test_a_mistake_of_our_own(key: str) -> None:
    with running(FAILING) as terminal:
        before = terminal.settings()
        terminal.wait_for("Chat with pocket")
        terminal.type("Hello!\r")
        wait_until_blocking(lambda: terminal.text and kept_answer().text, "an answer")
        [engine] = psutil.Process(terminal.process.pid).children(recursive=True)
        terminal.type(key)
        assert terminal.wait_for_exit() == 1
        wait_until_blocking(lambda: not engine.is_running(), "the engine's end")
        words = last_words(terminal)
        assert terminal.settings() == before
    [report] = paths.engine_log().parent.glob("crash-*.log")
    assert "RuntimeError: a mistake[2J of ours" in words
    assert str(report) in words
    assert str(paths.sessions()) in words
    assert "not for the screen" not in words
    assert "Traceback" not in words
    assert len(words.splitlines()) <= 5
    assert report.stat().st_mode & 0o777 == 0o600
    assert "in action_fail" in report.read_text()


@pytest.mark.parametrize("where", ["constructor", "mount"])
def test_a_mistake_at_the_start(where: str) -> None:
    with running([*FAILING, where]) as terminal:
        before = terminal.settings()
        assert terminal.wait_for_exit() == 1
        assert terminal.settings() == before
        said = terminal.output.decode()
    assert ("\x1b[?1049h" in said) == ("\x1b[?1049l" in said)
    assert "RuntimeError: a mistake[2J of ours" in said
    assert "Traceback" not in said


def test_a_hung_app_is_left_by_force() -> None:
    with running(FAILING) as terminal:
        before = terminal.settings()
        terminal.wait_for("Chat with pocket")
        [engine] = psutil.Process(terminal.process.pid).children(recursive=True)
        terminal.type("a draft")
        terminal.wait_for("a draft")
        terminal.type(F11)
        busy = psutil.Process(terminal.process.pid)
        wait_until_blocking(lambda: busy.cpu_percent(0.2) > 20, "the app to hang")
        terminal.process.terminate()
        assert terminal.wait_for_exit() == 128 + signal.SIGTERM
        wait_until_blocking(lambda: not engine.is_running(), "the engine's end")
        assert terminal.settings() == before
        assert "ended by SIGTERM" in last_words(terminal)
    assert len(cut_off()) == 1


def test_a_killed_app_loses_less_than_a_second(slow_model: Path) -> None:
    with running(app(slow_model)) as terminal:
        ask(terminal)
        wait_until_blocking(lambda: len(shown(terminal)) > 20, "some of the answer")
        before, since = shown(terminal), monotonic()
        wait_until_blocking(lambda: terminal.text and monotonic() - since > 1, "a second")
        terminal.process.kill()
        terminal.process.wait()
        answer = kept_answer()
        assert answer.finish == "cut off"
        # Of what was on the screen a second before.
        assert before in letters(answer.text)
    # High enough for the line above all that it wrote.
    with running(APP, rows=200) as terminal:
        terminal.wait_for("interrupted")
        terminal.type("\x11")
        assert terminal.wait_for_exit() == 0


STORY = [*APP, "--max-tokens", "40", "--ignore-eos"]
LITTLE = [*APP, "--max-tokens", "4", "--ignore-eos"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_after_a_signal_it_goes_on_where_it_was_and_reads_nothing_anew(
    number: signal.Signals,
) -> None:
    with running(STORY) as terminal:
        terminal.wait_for("Chat with pocket")
        terminal.type("Tell me a story\r")
        wait_until_blocking(lambda: terminal.text and kept_answer().finish == "length", "it")
        terminal.type("And then?")
        terminal.wait_for("And then?")
        terminal.process.send_signal(number)
        assert terminal.wait_for_exit() == 128 + number
    first = kept_answer()
    with running(STORY) as terminal:
        terminal.wait_for("And then?")
        assert "interrupted" not in terminal.text
        terminal.type("\r")
        wait_until_blocking(lambda: terminal.text and len(kept_messages()) == 4, "the next answer")
        wait_until_blocking(lambda: terminal.text and kept_answer().finish == "length", "its end")
    # All but the last token, which was never evaluated.
    assert kept_answer().n_cached >= first.n_prompt + first.n_tokens - 2


def test_after_a_signal_in_mid_answer_what_came_of_it_is_not_read_anew(slow_model: Path) -> None:
    with running(app(slow_model)) as terminal:
        ask(terminal)
        # What is shorter is read sooner than saved.
        wait_until_blocking(lambda: terminal.text and len(kept_answer().text) > 300, "a page")
        terminal.process.terminate()
        assert terminal.wait_for_exit() == 128 + signal.SIGTERM
    assert [each.suffix for each in paths.states().iterdir()] == [".kv"]
    assert kept_answer().finish == "cut off"
    with running(LITTLE) as terminal:
        # With the model that wrote it.
        terminal.wait_for("interrupted")
        terminal.type("Go on\r")
        wait_until_blocking(lambda: terminal.text and len(kept_messages()) == 4, "the next answer")
        wait_until_blocking(lambda: terminal.text and kept_answer().finish == "length", "its end")
    # Random words are other tokens when they are read; the prompt at least is known.
    assert kept_answer().n_cached > 10


def test_after_the_engine_and_the_app_were_killed_it_opens_where_it_was(slow_model: Path) -> None:
    with running(app(slow_model)) as terminal:
        engine = ask(terminal)
        wait_until_blocking(lambda: terminal.text and kept_answer().text, "some of the answer")
        engine.kill()
        terminal.wait_for("The engine died (SIGKILL)")
        wait_until_blocking(lambda: terminal.text and kept_answer().finish == "died", "its end")
        terminal.type("a draft")
        wait_until_blocking(lambda: terminal.text and kept_session().draft == "a draft", "it kept")
        terminal.process.kill()
        terminal.process.wait()
    with running(LITTLE) as terminal:
        terminal.wait_for("Tell me a story")
        terminal.wait_for("a draft")
        terminal.type("\r")
        wait_until_blocking(lambda: terminal.text and len(kept_messages()) == 4, "the next answer")
        wait_until_blocking(lambda: terminal.text and kept_answer().finish == "length", "its end")


def shown(terminal: Terminal) -> str:
    """The letters of the answer's last row; Markdown leaves those as they are."""
    rows = [row[31:87] for row in terminal.text.splitlines()[:34]]
    said = [letters(row) for row in rows if row.startswith("   ") and letters(row)]
    # The first is the prompt's.
    return said[-1] if len(said) > 1 else ""


def letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))


def test_an_app_left_in_good_order_was_not_cut_off() -> None:
    with running(APP) as terminal:
        terminal.wait_for("Chat with pocket")
        terminal.type("Hello!\r")
        wait_until_blocking(lambda: terminal.text and kept_answer().text, "an answer")
        terminal.type("\x11")
        assert terminal.wait_for_exit() == 0
        assert last_words(terminal).replace("\x1b", "").isascii()
        assert "kept" not in last_words(terminal)
    assert cut_off() == []
    assert kept_messages()[0].text == "Hello!"
