"""What the processes are said to use is what the system says of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.engine.reports import HELLO, loaded, only, reports_until, running_engine
from tests.waiting import wait_until
from workbench.engine.protocol import ModelSource, TextArrived
from workbench.engine.usage import Meter, Usage

MIB = 1024 * 1024


async def test_the_engines_memory_grows_by_the_weights(tmp_path: Path, slow_model: Path) -> None:
    async with running_engine(tmp_path / "engine.log") as engine:
        meter = Meter(lambda: engine.pid)
        assert meter.measure().engine == 0
        await engine.start()
        await wait_until(lambda: meter.measure().engine > 10 * MIB, "the engine's own memory")
        before = meter.measure()
        await loaded(engine, slow_model, {"load_mode": "none"})
        after = meter.measure()
        assert after.engine - before.engine > 0.9 * slow_model.stat().st_size
        assert after.engine == pytest.approx(psutil.Process(engine.pid).memory_info().rss, rel=0.05)
        assert after.interface == pytest.approx(psutil.Process().memory_info().rss, rel=0.05)
    assert meter.measure().engine == 0


async def test_a_core_that_computes_is_busy(tmp_path: Path, slow_model: Path) -> None:
    async with running_engine(tmp_path / "engine.log") as engine:
        request = await engine.generate(
            ModelSource.of(slow_model, {"n_threads": 1}), only(HELLO, {"ignore_eos": True})
        )
        await reports_until(engine, lambda report: isinstance(report, TextArrived))
        meter = Meter(lambda: engine.pid)
        assert meter.measure().cores == []
        measured: list[Usage] = []

        def is_measured() -> bool:
            measured.append(meter.measure())
            return bool(measured[-1].cores)

        await wait_until(is_measured, "a tenth of a second")
        assert len(measured[-1].cores) == psutil.cpu_count()
        assert all(0 <= core <= 1 for core in measured[-1].cores)
        assert sum(measured[-1].cores) > 0.5
        await engine.stop(request)


def test_a_process_that_is_gone_uses_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    assert Meter(lambda: process.pid).measure().engine == 0


def test_the_meter_brings_psutil_only_when_it_measures() -> None:
    program = (
        "import sys; from workbench.engine.usage import Meter; assert 'psutil' not in sys.modules;"
        "Meter(lambda: None).measure(); assert 'psutil' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, env=dict(os.environ))
