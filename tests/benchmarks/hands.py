"""What hands at the keyboard wait for: the echo of a key, the first prompt, and what idling costs.

Times are taken at the terminal's other end, from the byte that is sent to the byte that comes.
"""

from __future__ import annotations

import random
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Final

import msgspec
import psutil

from tests.terminal import Terminal, running
from workbench.sessions.store import Store
from workbench.terminal.line import Line, prepare

# No prose of ours and no sequence of a terminal's has them.
_KEY: Final = "é"
_ECHO: Final = _KEY.encode()
# While an app starts a key of two bytes may come in halves, which a bare one does not bear.
_FIRST_KEY: Final = b"Z"
_ALT_SCREEN: Final = b"\x1b[?1049h"
_FOCUS_OUT_AND_IN: Final = b"\x1b[O\x1b[I"
_DELETE_TO_START: Final = b"\x15"
_ROW: Final = 30
_PATIENCE: Final = 5.0


class Idle(msgspec.Struct, frozen=True):
    """What an app does while nothing happens: bytes in all, and part of a core."""

    output: int
    cpu: float


class Start(msgspec.Struct, frozen=True):
    """Seconds to the first key's echo, and bytes of memory when all is quiet."""

    seconds: float
    memory: int


@contextmanager
def quiet_home() -> Iterator[Mapping[str, str]]:
    """The environment of a home that is empty."""
    with tempfile.TemporaryDirectory(prefix="workbench-benchmark-") as folder:
        kinds = ("CONFIG", "DATA", "STATE", "CACHE")
        xdg = {f"XDG_{kind}_HOME": f"{folder}/{kind}" for kind in kinds}
        # Models that somebody has would be listed, and looked into.
        hub = {"HF_HOME": f"{folder}/hub", "HF_HUB_CACHE": "", "HUGGINGFACE_HUB_CACHE": ""}
        environment = {"HOME": folder, **xdg, **hub}
        # As the command itself does before it imports Textual.
        prepare(Line(), environment)
        yield environment


def echoes(
    terminal: Terminal,
    seconds: float,
    *,
    before: bytes = b"",
    going: Callable[[], bool] = lambda: True,
) -> list[float]:
    """Press a key now and then, each time after ``before``; how long each echo took.

    For ``seconds``, or until ``going`` says no: then without the key that this has met.
    """
    chance = random.Random(1)
    times: list[float] = []
    end = perf_counter() + seconds
    while perf_counter() < end:
        if not going():
            return times[:-1]
        if len(times) % _ROW == _ROW - 1:
            terminal.send(_DELETE_TO_START)
        drain(terminal, chance.uniform(0.05, 0.15))
        sent = perf_counter()
        terminal.send(before + _ECHO)
        times.append(_wait_for_echo(terminal) - sent)
    return times


def focus_changes(terminal: Terminal, seconds: float) -> list[float]:
    """The window loses the focus and gets it back: how long a key behind that waits."""
    return echoes(terminal, seconds, before=_FOCUS_OUT_AND_IN)


def _wait_for_echo(terminal: Terminal) -> float:
    seen = b""
    deadline = perf_counter() + _PATIENCE
    while _ECHO not in seen:
        seen = seen[-1:] + terminal.take(_PATIENCE)
        assert perf_counter() < deadline, "a key without an echo"
    return perf_counter()


def drain(terminal: Terminal, seconds: float) -> int:
    """Take what comes for a while; returns how many bytes."""
    end = perf_counter() + seconds
    size = 0
    while (left := end - perf_counter()) > 0:
        size += len(terminal.take(left))
    return size


def start(command: Sequence[str]) -> Start:
    """Start an app and press a key until it answers."""
    with quiet_home() as home, running(command, environment=home) as terminal:
        started = perf_counter()
        while True:
            terminal.send(_FIRST_KEY)
            terminal.take(0.01)
            # Before the full screen it is the terminal that echoes.
            _, full_screen, drawn = terminal.output.partition(_ALT_SCREEN)
            if full_screen and _FIRST_KEY in drawn:
                break
            assert perf_counter() - started < 60, "no prompt"
        seconds = perf_counter() - started
        drain(terminal, 3.0)
        return Start(seconds, psutil.Process(terminal.process.pid).memory_info().rss)


def idle(command: Sequence[str], seconds: float) -> Idle:
    """Start an app, wait until it has come to rest, and watch it."""
    with quiet_home() as home, running(command, environment=home) as terminal:
        drain(terminal, 8.0)
        process = psutil.Process(terminal.process.pid)
        before = process.cpu_times()
        size = drain(terminal, seconds)
        after = process.cpu_times()
        used = after.user + after.system - before.user - before.system
        return Idle(size, used / seconds)


def answer_speed(command: Sequence[str]) -> float:
    """Have one answer written in the app; its tokens per second, as the app keeps them."""
    with quiet_home() as home, running(command, environment=home) as terminal:
        kept = Path(home["XDG_DATA_HOME"]) / "workbench" / "sessions" / "sessions.sqlite"
        terminal.wait_for("Chat with")
        drain(terminal, 2.0)
        terminal.type("Tell me something.\r")
        while not (speed := _kept_speed(kept)):
            terminal.take(0.2)
        terminal.type("\x11")
        try:
            terminal.process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            terminal.process.kill()
        return speed


def _kept_speed(file: Path) -> float:
    if not file.exists():
        return 0.0
    with Store(file) as store:
        answers = [
            message
            for each in store.summaries(limit=1)
            for message in store.open(each.id).conversation.path()[1:]
        ]
    return answers[-1].tps if answers else 0.0
