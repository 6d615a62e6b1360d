"""What a token costs beside ``llama_decode``: drawing it, its text, the reports, the loop."""

from __future__ import annotations

import tempfile
from pathlib import Path

import msgspec
import numpy as np

from tests.benchmarks import models
from tests.benchmarks.process import EngineProcess
from tests.engine.reports import only
from workbench.engine.protocol import ChatMessage, Generate, ModelSource

# A single token may meet one of the twenty reports a second.
_HALF_WINDOW = 10


class LoopCost(msgspec.Struct, frozen=True):
    """Microseconds a token, default samplers.

    ``at`` has the medians of the tokens around the 20th and the last, over all answers.
    """

    median: float
    mean: float
    at: dict[int, float]


def cost(model: Path, *, n_tokens: int, answers: int) -> LoopCost:
    """Have ``answers`` answers of ``n_tokens`` and look between their decodes."""
    middles = (20, n_tokens - _HALF_WINDOW)
    with tempfile.TemporaryDirectory(prefix="workbench-benchmark-") as folder:
        file = Path(folder) / "times"
        # The first answer warms up. An answer's first decode is its one-token prompt's, its
        # last token is not decoded any more.
        shape = (1 + answers, n_tokens, 2)
        times = np.memmap(file, dtype=np.float64, mode="w+", shape=shape)
        with EngineProcess("tests.benchmarks.clocked_host", str(file)) as engine:
            for number in range(1 + answers):
                finished = engine.answer(_request(model, number, n_tokens))
                if finished.timings.completion_tokens != n_tokens:
                    raise RuntimeError("the answer ended before its time")
        # From a decode's end to the next one's beginning: row n - 1 drew token n.
        between = (times[1:, 1:, 0] - times[1:, :-1, 1]) * 1e6
    return LoopCost(
        median=float(np.median(between)),
        mean=float(np.mean(between)),
        at={
            middle: float(np.median(between[:, middle - _HALF_WINDOW : middle + _HALF_WINDOW]))
            for middle in middles
        },
    )


def _request(model: Path, number: int, n_tokens: int) -> Generate:
    return Generate(
        1 + number,
        ModelSource.of(model, {"n_ctx": 256 + n_tokens, "n_threads": 1, "n_gpu_layers": 0}),
        only(
            [ChatMessage("user", models.prompt(1, number))],
            {"max_tokens": n_tokens, "seed": number},
        ),
    )
