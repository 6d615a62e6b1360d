"""The engine process by itself, without its client."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil

from tests.waiting import wait_until_blocking
from workbench.engine.protocol import ChatMessage, Generate, ModelSource, frame

HOST = [sys.executable, "-m", "workbench.engine.host"]


def test_the_end_of_its_pipe_ends_it_in_the_middle_of_work(slow_model: Path) -> None:
    with subprocess.Popen(
        HOST, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as host:
        assert host.stdin is not None
        assert host.stdout is not None
        messages = [ChatMessage("user", "word " * 3000)]
        host.stdin.write(frame(Generate(1, ModelSource.of(slow_model), messages)))
        host.stdin.flush()
        # Ready, then the first word of loading: it is at work.
        host.stdout.read(1)
        host.stdin.close()
        assert host.wait(timeout=60) == 0


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
