"""What many rounds leave behind: nothing."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil

from tests.engine.reports import answer, reports_until, running_engine
from tests.gguf_files import random_model
from workbench.engine.client import EngineDied
from workbench.engine.protocol import ModelSource
from workbench.models.pocket import MODEL_FILE

ROUNDS = 100
# From here on nothing is made for the first time.
SETTLED = 20
KILLS = 20
MIB = 1024 * 1024


async def test_loading_and_unloading_leaves_nothing(tmp_path: Path) -> None:
    other = random_model(tmp_path / "other.gguf", layers=2, width=256, heads=4, forward=512)
    sources = [ModelSource.of(file) for file in (MODEL_FILE, other)]
    async with running_engine(tmp_path / "engine.log") as engine:
        taken = []
        for number in range(1, ROUNDS + 1):
            for source in sources:
                _, finished = await answer(engine, source, {"max_tokens": 2})
                assert finished.timings.completion_tokens
            if number in (SETTLED, ROUNDS):
                process = psutil.Process(engine.pid)
                memory = process.memory_info().rss
                taken.append((process.num_fds(), process.num_threads(), memory))
    (*settled, memory), (*last, memory_at_last) = taken
    assert last == settled, "descriptors, threads"
    # Not even a vocabulary may stay behind in each of 160 loads.
    assert memory_at_last - memory < 8 * MIB
    assert not psutil.pid_exists(process.pid)
    assert not psutil.Process().children(recursive=True)


async def test_killing_and_starting_again_leaves_nothing(tmp_path: Path) -> None:
    interface = psutil.Process()
    async with running_engine(tmp_path / "engine.log") as engine:
        taken = []
        for _ in range(KILLS):
            await engine.start()
            assert engine.pid is not None
            os.kill(engine.pid, signal.SIGKILL)
            await reports_until(engine, lambda report: isinstance(report, EngineDied))
            taken.append((interface.num_fds(), interface.num_threads()))
            assert not interface.children(recursive=True)
    (descriptors, threads), last = taken[0], taken[-1]
    # Fewer is well: a thread that an earlier test left behind may end meanwhile.
    assert last[0] <= descriptors and last[1] <= threads, "descriptors, threads"
