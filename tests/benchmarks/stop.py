"""How soon a stop in the middle of a long prompt is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

from tests.benchmarks import models
from tests.engine.reports import only, reports_until, running_engine, the
from workbench.engine.protocol import ChatMessage, Finished, ModelSource, PromptProgress


async def delays(
    model: Path, *, n_prompt: int, threads: int, moments: Sequence[float], log: Path
) -> list[float]:
    """Seconds from Stop to Finished, for stops at ``moments`` after a piece of the prompt."""
    source = ModelSource.of(
        model, {"n_ctx": n_prompt + 256, "n_threads": threads, "n_gpu_layers": 0}
    )
    found = []
    async with running_engine(log) as engine:
        for number, moment in enumerate(moments):
            message = ChatMessage("user", models.prompt(n_prompt, number))
            request = await engine.generate(source, only([message], {"max_tokens": 1}))
            await reports_until(
                engine, lambda report: isinstance(report, PromptProgress) and report.n_done > 0
            )
            await asyncio.sleep(moment)
            stopped = perf_counter()
            await engine.stop(request)
            reports = await reports_until(engine, lambda report: isinstance(report, Finished))
            found.append(perf_counter() - stopped)
            if the(Finished, reports).reason != "cancelled":
                raise RuntimeError("the prompt was over before it could be stopped")
    return found
