"""Copying: through the terminal, which may be far away, by this machine's tools, into a file."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

# hterm, and what has copied it, throws longer sequences away unread; xterm, kitty and iTerm2
# take more, but none of them answers.
MOST_BYTES: Final = 100_000
# Older GNU screens throw longer strings away; today's take 768.
_SCREEN_BYTES: Final = 256
# A tool that waits for a display which does not answer.
_PATIENCE_SECONDS: Final = 2.0
_KEPT_FILES: Final = 5

_TMUX: Final = ("tmux's buffer", ["tmux", "load-buffer", "-w", "-"])
_MAC: Final = ("pbcopy", ["pbcopy"])
_WAYLAND: Final = ("wl-copy", ["wl-copy", "--type", "text/plain"])
_X11: Final = (
    ("xclip", ["xclip", "-selection", "clipboard"]),
    ("xsel", ["xsel", "--clipboard", "--input"]),
)


def sequence(text: str, environment: Mapping[str, str]) -> str:
    """What makes a terminal put ``text`` into its clipboard (OSC 52), also behind a multiplexer."""
    plain = f"\x1b]52;c;{base64.b64encode(_bytes(text)).decode()}\x07"
    if environment.get("TMUX"):
        # As its options have it, tmux keeps the first and hands it on (set-clipboard on), or
        # lets the second through as it is (allow-passthrough on).
        return plain + "\x1bPtmux;" + plain.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    if environment.get("STY"):
        room = _SCREEN_BYTES - len("\x1bP\x1b\\")
        pieces = [plain[at : at + room] for at in range(0, len(plain), room)]
        return "".join(f"\x1bP{piece}\x1b\\" for piece in pieces)
    return plain


def is_local(environment: Mapping[str, str]) -> bool:
    """Whether this machine's clipboard is that of the person at the terminal."""
    return not (environment.get("SSH_CONNECTION") or environment.get("SSH_TTY"))


class Clipboard:
    """Knows the ways out of here, and says which of them were taken."""

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str] = os.environ,
        *,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        """``folder`` is for what is too large for a terminal: more than ``most_bytes``."""
        self._folder = folder
        self._environment = environment
        self._most_bytes = most_bytes

    def sequence(self, text: str) -> str:
        """What to write to the terminal; nothing if it would not take as much."""
        plain = sequence(text, {})
        return sequence(text, self._environment) if len(plain) <= self._most_bytes else ""

    def copy(self, text: str, *, sent: bool) -> str:
        """Give ``text`` to the tools there are, or else to a file; says what has become of it.

        ``sent`` tells whether its sequence went to a terminal. Takes up to some seconds.
        """
        taken = list(self._taken_by_tools(_bytes(text)))
        by_tools = "Copied " + " and ".join(taken) if taken else ""
        if sent:
            through = self._through(told=not taken)
            if taken:
                return f"{by_tools}; sent to the terminal's clipboard too ({through})."
            return f"Sent to the terminal's clipboard ({through})."
        if self.sequence(text):
            return f"{by_tools}." if taken else "Copied, within Workbench only."
        large = f"oo large for the terminal's clipboard ({len(_bytes(text)) / 1000:.0f} kB)"
        if taken:
            return f"{by_tools}; t{large}."
        try:
            return f"T{large}: written to {_short(self._write(text))}"
        except OSError as error:
            return f"T{large}, and no file can be written: {error.strerror or error}."

    def _through(self, *, told: bool) -> str:
        if self._environment.get("TMUX"):
            return "OSC 52, through tmux" + (": it needs set-clipboard on" if told else "")
        return "OSC 52, through screen" if self._environment.get("STY") else "OSC 52"

    def _taken_by_tools(self, data: bytes) -> Iterator[str]:
        if self._environment.get("TMUX") and self._runs(_TMUX[1], data):
            yield f"into {_TMUX[0]}"
        for name, command in self._local_tools():
            if self._runs(command, data):
                yield f"by {name}"
                return

    def _local_tools(self) -> Iterator[tuple[str, Sequence[str]]]:
        if not is_local(self._environment):
            return
        if sys.platform == "darwin":
            yield _MAC
        if self._environment.get("WAYLAND_DISPLAY"):
            yield _WAYLAND
        if self._environment.get("DISPLAY"):
            yield from _X11

    def _runs(self, command: Sequence[str], data: bytes) -> bool:
        """Whether a tool has taken ``data``."""
        program = shutil.which(command[0], path=self._environment.get("PATH"))
        if program is None:
            return False
        try:
            # Some stay behind to serve the selection: they must not hold on to our terminal.
            done = subprocess.run(
                [program, *command[1:]],
                input=data,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=dict(self._environment),
                timeout=_PATIENCE_SECONDS,
                start_new_session=True,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
        return done.returncode == 0

    def _write(self, text: str) -> Path:
        """A file of its own, for this person's eyes; the oldest of earlier ones are removed."""
        self._folder.mkdir(parents=True, exist_ok=True)
        names = (file.stem.removeprefix("copied-") for file in self._folder.glob("copied-*.txt"))
        numbers = sorted(int(name) for name in names if name.isdecimal())
        for number in numbers[: -(_KEPT_FILES - 1)]:
            with suppress(OSError):
                (self._folder / f"copied-{number}.txt").unlink()
        file = self._folder / f"copied-{max(numbers, default=0) + 1}.txt"
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as written:
            written.write(_bytes(text))
        return file


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _short(file: Path) -> str:
    with suppress(ValueError, RuntimeError):
        return f"~/{file.relative_to(Path.home())}"
    return str(file)
