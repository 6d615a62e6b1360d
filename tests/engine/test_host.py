"""The engine process by itself, without its client."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import IO

import psutil

from tests.engine.reports import HELLO, only
from tests.waiting import wait_until_blocking
from workbench.engine.protocol import (
    HEADER,
    ChatMessage,
    Event,
    Finished,
    Generate,
    ModelSource,
    SaveState,
    StateSaved,
    TextArrived,
    decode_event,
    frame,
)
from workbench.parameters.kinds import Value

HOST = [sys.executable, "-m", "workbench.engine.host"]


def test_the_end_of_its_pipe_ends_it_in_the_middle_of_work(slow_model: Path) -> None:
    with subprocess.Popen(
        HOST, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as host:
        assert host.stdin is not None
        assert host.stdout is not None
        messages = [ChatMessage("user", "word " * 3000)]
        host.stdin.write(frame(Generate(1, ModelSource.of(slow_model), only(messages, {}))))
        host.stdin.flush()
        # Ready, then the first word of loading: it is at work.
        host.stdout.read(1)
        host.stdin.close()
        assert host.wait(timeout=60) == 0


def read_event(pipe: IO[bytes]) -> Event:
    (length,) = HEADER.unpack(pipe.read(HEADER.size))
    return decode_event(pipe.read(length))


def test_it_goes_on_while_nobody_reads_what_it_reports(tmp_path: Path, fast_model: Path) -> None:
    """The state is saved when the answer is done, and the reports until then fill a pipe."""
    source = ModelSource.of(fast_model)
    state = tmp_path / "state"
    answering: dict[str, Value] = {"ignore_eos": True, "max_tokens": 3000, "seed": 1}
    with subprocess.Popen(
        [*HOST, "100000"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as host:
        assert host.stdin is not None
        assert host.stdout is not None
        host.stdin.write(frame(Generate(1, source, only(HELLO, answering))))
        host.stdin.write(frame(SaveState(2, bytes(state))))
        host.stdin.flush()
        wait_until_blocking(state.exists, "an answer that nobody reads")
        # Once it is read, nothing of it is missing.
        size, finished, n_tokens = 0, False, 0
        while not isinstance(event := read_event(host.stdout), StateSaved):
            size += len(frame(event))
            if isinstance(event, TextArrived):
                n_tokens = event.n_tokens
            finished = finished or isinstance(event, Finished)
        assert finished
        assert n_tokens == 3000
        assert size > 3 * 65_536
        host.stdin.close()


def test_it_dies_with_the_process_that_started_it(slow_model: Path) -> None:
    starter = (
        "import subprocess, sys, time\n"
        "host = subprocess.Popen([sys.executable, '-m', 'workbench.engine.host'],"
        " stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)\n"
        "host.stdout.read(1)\n"
        "print(host.pid, flush=True)\n"
        "host.wait()\n"
    )
    with subprocess.Popen([sys.executable, "-c", starter], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert psutil.pid_exists(pid)
        parent.kill()
    wait_until_blocking(
        lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE,
        "the engine to die with its starter",
    )
