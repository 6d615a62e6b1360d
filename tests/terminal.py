"""A program in a pseudo-terminal, and the screen that a person would see."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import pyte
from pyte.screens import Char

from tests.waiting import wait_until_blocking


class Terminal:
    """Runs a program and draws what it writes."""

    def __init__(self, master: int, slave: int, process: subprocess.Popen[bytes]) -> None:
        self._master = master
        self._slave = slave
        self.process = process
        self.output = b""
        columns, rows = os.get_terminal_size(slave)
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)

    def take(self, seconds: float) -> bytes:
        """What is written next, not drawn; nothing if that takes longer than ``seconds``."""
        if not select.select([self._master], [], [], seconds)[0]:
            return b""
        data = os.read(self._master, 65_536)
        self.output += data
        return data

    def read(self) -> None:
        """Draw what has been written so far."""
        while data := self.take(0):
            # The question for kitty's keyboard protocol, which pyte takes for a colour.
            self._stream.feed(data.replace(b"\x1b[>", b"\x1b[?").replace(b"\x1b[<", b"\x1b[?"))

    def line(self, row: int) -> list[Char]:
        """The cells of a row."""
        return [self._screen.buffer[row][column] for column in range(self._screen.columns)]

    def cells(self, text: str) -> list[Char]:
        """The cells of the first ``text`` on the screen."""
        self.read()
        for row, shown in enumerate(self._screen.display):
            if (column := shown.find(text)) >= 0:
                return [self._screen.buffer[row][column + at] for at in range(len(text))]
        raise AssertionError(f"{text!r} is not on the screen:\n{self.text}")

    @property
    def text(self) -> str:
        """The screen's text."""
        self.read()
        return "\n".join(self._screen.display)

    def wait_for(self, text: str) -> None:
        """Wait until ``text`` is on the screen."""
        try:
            wait_until_blocking(lambda: text in self.text, repr(text))
        except AssertionError as error:
            raise AssertionError(f"{error} on the screen:\n{self.text}") from None

    def type(self, keys: str) -> None:
        """Press keys."""
        self.send(keys.encode())

    def send(self, data: bytes) -> None:
        """Send bytes that need be no text."""
        os.write(self._master, data)

    def resize(self, columns: int, rows: int) -> None:
        """Change the window's size, and tell the program."""
        _set_size(self._slave, columns, rows)
        self._screen.resize(rows, columns)
        self.process.send_signal(signal.SIGWINCH)

    def hang_up(self) -> None:
        """Let the terminal be gone."""
        os.close(self._master)
        self._master = -1

    def close(self) -> None:
        """Give the terminal back."""
        for end in (self._master, self._slave):
            if end >= 0:
                os.close(end)

    def wait_for_exit(self) -> int:
        """Wait for the program's end, drawing on; returns its exit code."""

        def ended() -> bool:
            self.read()
            return self.process.poll() is not None

        wait_until_blocking(ended, "the program's end")
        self.read()
        return self.process.returncode

    def settings(self) -> list[object]:
        """The terminal's own settings: echo, line editing and their like."""
        return list(termios.tcgetattr(self._slave))


@contextmanager
def running(
    command: Sequence[str],
    *,
    columns: int = 120,
    rows: int = 40,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Terminal]:
    """Run ``command`` in a terminal of its own.

    ``environment`` is what differs there; an empty text stands for what is not set.
    """
    master, slave = pty.openpty()
    _set_size(slave, columns, rows)
    told = {"TERM": "xterm-256color", "COLORTERM": "truecolor", **(environment or {})}
    everything = {**os.environ, **told}
    with subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=slave, env=everything, start_new_session=True
    ) as process:
        terminal = Terminal(master, slave, process)
        try:
            yield terminal
        finally:
            process.kill()
            terminal.close()


def _set_size(slave: int, columns: int, rows: int) -> None:
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
