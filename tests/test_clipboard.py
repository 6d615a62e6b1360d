"""Copying, through real multiplexers and by real programs."""

from __future__ import annotations

import base64
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import uuid4

import pytest

from tests.screens.bench import bench
from tests.terminal import running
from tests.waiting import wait_until, wait_until_blocking
from workbench.terminal import clipboard
from workbench.terminal.clipboard import Clipboard

TEXT = "Grüße, 🦊\n\tand the rest."
OSC_52 = b"\x1b]52;c;" + base64.b64encode(TEXT.encode()) + b"\x07"

needs_tmux = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
needs_screen = pytest.mark.skipif(shutil.which("screen") is None, reason="screen is not installed")


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder of programs: the only one on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


def program(file: Path, script: str) -> None:
    """A real one, written in the shell."""
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


# ---- the sequence ----------------------------------------------------------------------------


def test_a_terminal_is_told_as_it_is() -> None:
    assert clipboard.sequence(TEXT, {}).encode() == OSC_52
    assert clipboard.sequence("a", {"TMUX": "", "STY": ""}) == "\x1b]52;c;YQ==\x07"


def test_tmux_is_told_itself_and_lets_the_rest_through() -> None:
    assert clipboard.sequence("a", {"TMUX": "/tmp/tmux-0/default,1,0"}) == (
        "\x1b]52;c;YQ==\x07\x1bPtmux;\x1b\x1b]52;c;YQ==\x07\x1b\\"
    )


def test_screen_lets_short_pieces_through() -> None:
    wrapped = clipboard.sequence(TEXT * 100, {"STY": "1.pts-0"}).encode()
    pieces = re.findall(rb"\x1bP(.*?)\x1b\\", wrapped, re.DOTALL)
    assert b"".join(b"\x1bP" + piece + b"\x1b\\" for piece in pieces) == wrapped
    assert b"".join(pieces) == clipboard.sequence(TEXT * 100, {}).encode()
    assert max(len(piece) for piece in pieces) + 4 <= 256


def test_text_that_is_no_unicode_is_copied_all_the_same() -> None:
    assert clipboard.sequence("\udcff", {}) == "\x1b]52;c;Pw==\x07"


class Tmux:
    """A tmux server of our own."""

    def __init__(self, config: Path) -> None:
        self._config = config
        self._name = f"workbench-{uuid4().hex[:8]}"

    def command(self, *command: str) -> list[str]:
        return ["tmux", "-L", self._name, "-f", str(self._config), *command]

    def told(self, *command: str) -> str:
        done = subprocess.run(self.command(*command), capture_output=True, text=True, check=False)
        return done.stdout

    def configure(self, **options: str) -> None:
        lines = (f"set -g {key.replace('_', '-')} {value}" for key, value in options.items())
        self._config.write_text("\n".join(lines))


@pytest.fixture
def tmux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tmux]:
    # The tests themselves may run in a tmux.
    monkeypatch.delenv("TMUX", raising=False)
    server = Tmux(tmp_path / "tmux.conf")
    server.configure()
    yield server
    server.told("kill-server")


def printing(text: str, environment: str) -> list[str]:
    """A program that writes the sequence for ``text`` as the app would, and stays."""
    script = (
        "import os, sys, time\n"
        "from workbench.terminal import clipboard\n"
        f"assert os.environ[{environment!r}]\n"
        f"sys.stdout.write(clipboard.sequence({text!r}, os.environ))\n"
        "print('written', flush=True)\n"
        "time.sleep(600)\n"
    )
    return [sys.executable, "-c", script]


@needs_tmux
def test_tmux_keeps_it_with_set_clipboard(tmux: Tmux) -> None:
    tmux.configure(set_clipboard="on", allow_passthrough="off")
    with running(tmux.command("new-session", *printing(TEXT, "TMUX"))) as terminal:
        terminal.wait_for("written")
        wait_until_blocking(lambda: tmux.told("show-buffer") == TEXT, "tmux's buffer")


@needs_tmux
def test_tmux_lets_it_through_with_allow_passthrough(tmux: Tmux) -> None:
    tmux.configure(set_clipboard="off", allow_passthrough="on")
    with running(tmux.command("new-session", *printing(TEXT, "TMUX"))) as terminal:
        wait_until_blocking(lambda: terminal.text and OSC_52 in terminal.output, "OSC 52")
        assert tmux.told("show-buffer") == ""


@needs_screen
def test_screen_lets_it_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sockets = tmp_path / "screen"
    sockets.mkdir(mode=0o700)
    monkeypatch.setenv("SCREENDIR", str(sockets))
    long = TEXT * 50
    osc_52 = b"\x1b]52;c;" + base64.b64encode(long.encode()) + b"\x07"
    with running(["screen", "-c", "/dev/null", *printing(long, "STY")]) as terminal:
        wait_until_blocking(lambda: terminal.text and osc_52 in terminal.output, "OSC 52")
        # It outlives its terminal.
        [session] = sockets.iterdir()
        subprocess.run(["screen", "-S", session.name, "-X", "quit"], check=True)
        terminal.wait_for_exit()


# ---- tools and files -------------------------------------------------------------------------


def environment(tools: Path, **more: str) -> Mapping[str, str]:
    return {"PATH": f"{tools}:{os.defpath}", **more}


def test_a_local_tool_takes_it_too(tools: Path, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    # As the real one does, it stays behind to serve the selection.
    program(tools / "xclip", f'echo "$@" > {taken}.how; cat > {taken}; sleep 60 &')
    copy = Clipboard(tmp_path, environment(tools, DISPLAY=":0")).copy
    said = copy(TEXT, sent=True)
    assert said == "Copied by xclip; sent to the terminal's clipboard too (OSC 52)."
    assert taken.read_text() == TEXT
    assert (tmp_path / "taken.how").read_text() == "-selection clipboard\n"
    assert copy(TEXT, sent=False) == "Copied by xclip."


@pytest.mark.parametrize(
    "more",
    [
        {"DISPLAY": ":0", "SSH_CONNECTION": "10.0.0.1 50000 10.0.0.2 22"},
        {"DISPLAY": ":0", "SSH_TTY": "/dev/pts/1"},
        {},
    ],
)
def test_far_away_or_without_a_display_no_tool_is_asked(
    tools: Path, tmp_path: Path, more: dict[str, str]
) -> None:
    program(tools / "xclip", f"cat > {tmp_path / 'taken'}")
    said = Clipboard(tmp_path, environment(tools, **more)).copy(TEXT, sent=True)
    assert said == "Sent to the terminal's clipboard (OSC 52)."
    assert not (tmp_path / "taken").exists()


def test_a_tool_that_fails_is_not_boasted_of(tools: Path, tmp_path: Path) -> None:
    program(tools / "wl-copy", "exit 1")
    program(tools / "xclip", "exit 1")
    program(tools / "xsel", f"cat > {tmp_path / 'taken'}")
    both = environment(tools, DISPLAY=":0", WAYLAND_DISPLAY="wayland-0")
    assert Clipboard(tmp_path, both).copy(TEXT, sent=False) == "Copied by xsel."
    (tools / "xsel").unlink()
    said = Clipboard(tmp_path, both).copy(TEXT, sent=False)
    assert said == "Copied, within Workbench only."


def test_a_tool_that_hangs_is_left(
    tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clipboard, "_PATIENCE_SECONDS", 0.1)
    program(tools / "xclip", "exec sleep 600")
    copy = Clipboard(tmp_path, environment(tools, DISPLAY=":0")).copy
    assert copy(TEXT, sent=True) == "Sent to the terminal's clipboard (OSC 52)."


def test_what_is_said_of_multiplexers(tools: Path, tmp_path: Path) -> None:
    no_tmux = {"PATH": str(tools), "TMUX": "x"}
    assert Clipboard(tmp_path, no_tmux).copy(TEXT, sent=True) == (
        "Sent to the terminal's clipboard (OSC 52, through tmux: it needs set-clipboard on)."
    )
    program(tools / "tmux", f'echo "$@" > {tmp_path / "how"}')
    assert Clipboard(tmp_path, environment(tools, TMUX="x")).copy(TEXT, sent=True) == (
        "Copied into tmux's buffer; sent to the terminal's clipboard too (OSC 52, through tmux)."
    )
    assert (tmp_path / "how").read_text() == "load-buffer -w -\n"
    assert Clipboard(tmp_path, environment(tools, STY="x")).copy(TEXT, sent=True) == (
        "Sent to the terminal's clipboard (OSC 52, through screen)."
    )


def test_what_is_too_large_for_a_terminal_goes_into_a_file(tools: Path, home: Path) -> None:
    large = TEXT * 12_000
    folder = home / "state" / "workbench"
    way = Clipboard(folder, environment(tools))
    assert way.sequence(large) == ""
    assert way.sequence("x" * 74_000) != ""
    assert way.copy(large, sent=False) == (
        "Too large for the terminal's clipboard (336 kB): written to ~/state/workbench/copied-1.txt"
    )
    file = folder / "copied-1.txt"
    assert file.read_text() == large
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for _ in range(9):
        way.copy(large, sent=False)
    kept = sorted(file.name for file in folder.iterdir())
    assert kept == ["copied-10.txt", *(f"copied-{number}.txt" for number in range(6, 10))]


def test_no_file_is_needed_where_a_tool_takes_it(tools: Path, tmp_path: Path) -> None:
    program(tools / "xclip", "cat > /dev/null")
    folder = tmp_path / "state"
    way = Clipboard(folder, environment(tools, DISPLAY=":0"), most_bytes=20)
    assert way.copy(TEXT, sent=False) == (
        "Copied by xclip; too large for the terminal's clipboard (0 kB)."
    )
    assert not folder.exists()


def test_a_folder_that_cannot_be_written_to_is_said(tools: Path, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where a folder should be")
    way = Clipboard(tmp_path / "state", environment(tools), most_bytes=20)
    assert way.copy(TEXT, sent=False) == (
        "Too large for the terminal's clipboard (0 kB), and no file can be written: File exists."
    )


# ---- in the app ------------------------------------------------------------------------------


async def test_what_is_copied_in_the_app_is_pasted_there_and_said(
    tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tools / "xclip", f"cat > {tmp_path / 'taken'}")
    for name in ("TMUX", "STY", "SSH_CONNECTION", "SSH_TTY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    async with bench() as b:
        prompt = b.screen.chat.prompt
        prompt.insert(TEXT)
        prompt.select_all()
        await b.pilot.press("ctrl+c")
        await wait_until(lambda: b.toasts() == ["Copied by xclip."], "the toast")
        assert (tmp_path / "taken").read_text() == TEXT
        b.app.clear_notifications()
        prompt.select_all()
        await b.pilot.press("ctrl+x", "ctrl+v", "ctrl+v")
        assert prompt.text == TEXT * 2
        await wait_until(lambda: b.toasts() == ["Copied by xclip."], "the second toast")


@needs_tmux
def test_what_is_copied_in_the_app_is_in_tmux(tmux: Tmux) -> None:
    with running(tmux.command("new-session", sys.executable, "-m", "workbench")) as terminal:
        terminal.wait_for("Chat with pocket")
        terminal.type("The fox and the owl")
        terminal.wait_for("The fox and the owl")
        # Home, then shift and End, select all.
        terminal.type("\x1b[H\x1b[1;2F")
        terminal.type("\x03")
        terminal.wait_for("Copied into tmux's buffer")
        assert tmux.told("show-buffer") == "The fox and the owl"
        terminal.type("\x11")
        terminal.wait_for_exit()
