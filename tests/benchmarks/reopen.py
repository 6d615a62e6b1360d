"""How soon a long conversation goes on after a restart, from its KV state and without it."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import msgspec

from tests.benchmarks import models
from tests.engine.reports import answer, only, reports_until, running_engine, the
from workbench.engine.protocol import ChatMessage, Finished, ModelSource, StateSaved

# What is asked when the conversation goes on, in tokens.
_N_NEW = 8


class Reopening(msgspec.Struct):
    """Milliseconds to the first token, and the state file's bytes."""

    size: int = 0
    from_state: list[float] = []
    anew: list[float] = []

    @property
    def ratio(self) -> float:
        """From the state to anew, the median of the pairs."""
        return median(ours / new for ours, new in zip(self.from_state, self.anew, strict=True))


async def reopened(
    model: Path, *, n_prompt: int, threads: int, times: int, folder: Path
) -> Reopening:
    """Keep the state of ``n_prompt`` tokens once; go on with and without it, in turn."""
    found = Reopening()
    source = ModelSource.of(model, {"n_ctx": n_prompt + 256, "n_threads": threads})
    begun = models.prompt(n_prompt, 0)
    state, log = folder / "reopen.kv", folder / "engine.log"
    async with running_engine(log) as engine:
        await answer(engine, source, {"max_tokens": 1}, [ChatMessage("user", begun)])
        await engine.save_state(state)
        reports = await reports_until(engine, lambda report: isinstance(report, StateSaved))
        found.size = the(StateSaved, reports).size
    for _ in range(times):
        for kept, into in ((state, found.from_state), (None, found.anew)):
            async with running_engine(log) as engine:
                await engine.generate(
                    source,
                    only([ChatMessage("user", begun + "q" * _N_NEW)], {"max_tokens": 1}),
                    state=kept,
                )
                reports = await reports_until(engine, lambda report: isinstance(report, Finished))
            timings = the(Finished, reports).timings
            n_read = timings.prompt_tokens - timings.cached_tokens
            if n_read != (_N_NEW if kept else n_prompt + _N_NEW):
                raise RuntimeError(f"{n_read} tokens were read, notes: {reports[-1]}")
            into.append(timings.ttft_ms)
    state.unlink()
    return found
