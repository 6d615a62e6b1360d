"""How soon an engine process is ready, beside a bare ``import llama_cpp``."""

from __future__ import annotations

import subprocess
import sys
from statistics import median
from time import perf_counter

import msgspec

from tests.benchmarks.process import EngineProcess


class Start(msgspec.Struct):
    """Seconds from starting the process, in turn."""

    engine: list[float] = []
    bare: list[float] = []

    @property
    def ratio(self) -> float:
        """The engine's to the bare import's, the median of the pairs."""
        return median(ours / bare for ours, bare in zip(self.engine, self.bare, strict=True))


def starts(times: int) -> Start:
    """Start both ``times`` times, once more before that to warm the system's caches."""
    start = Start()
    for _ in range(1 + times):
        start.engine.append(_engine())
        start.bare.append(_bare())
    del start.engine[0], start.bare[0]
    return start


def _engine() -> float:
    started = perf_counter()
    with EngineProcess("workbench.engine.host"):
        return perf_counter() - started


def _bare() -> float:
    started = perf_counter()
    command = [sys.executable, "-c", "import llama_cpp, os; os.write(1, b'.')"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        process.stdout.read(1)
        return perf_counter() - started
