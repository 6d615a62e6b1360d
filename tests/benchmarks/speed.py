"""Tokens per second: the engine, llama-bench and the binding's ``Llama``, in turn."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median

import msgspec

from tests.benchmarks import llama_bench, models, quiet
from tests.benchmarks.settings import N_BATCH, Job, Samples
from tests.engine.reports import answer, running_engine
from workbench.engine.protocol import ChatMessage, ModelSource, Timings

ENGINE = "Workbench"
LLAMA_BENCH = "llama-bench"
HIGH_LEVEL = "Llama class"


class Side(msgspec.Struct):
    """One side's figures, tokens per second, the median of each round's repetitions."""

    prompt: list[float] = []
    generation: list[float] = []
    disturbed: list[float] = []


class Comparison(msgspec.Struct):
    """All sides on one model with one number of threads."""

    model: str
    threads: int
    sides: dict[str, Side]

    def ratio(self, side: str, kind: str) -> float | None:
        """To llama-bench's figure, the median of the rounds; None without llama-bench."""
        if LLAMA_BENCH not in self.sides:
            return None
        ours: list[float] = getattr(self.sides[side], kind)
        theirs: list[float] = getattr(self.sides[LLAMA_BENCH], kind)
        return median(our / their for our, their in zip(ours, theirs, strict=True))


def compare(
    model: str, job: Job, *, bench: Path | None, log: Path, rounds: int, attempts: int
) -> Comparison:
    """Run every side ``rounds`` times, each round in the other order than the last."""
    sides: Mapping[str, Callable[[], Samples]] = {
        ENGINE: lambda: asyncio.run(_engine(job, log)),
        **({LLAMA_BENCH: lambda: llama_bench.speed(bench, job)} if bench else {}),
        HIGH_LEVEL: lambda: _high_level(job),
    }
    comparison = Comparison(model, job.threads, {name: Side() for name in sides})
    order = list(sides)
    for _ in range(rounds):
        for name in order:
            samples, disturbed = quiet.measured(sides[name], attempts=attempts)
            side = comparison.sides[name]
            side.prompt.append(median(samples.prompt))
            side.generation.append(median(samples.generation))
            side.disturbed.append(disturbed)
        order.reverse()
    return comparison


async def _engine(job: Job, log: Path) -> Samples:
    """A fresh engine process, measured by what it reports to its client."""
    source = ModelSource(
        job.model,
        {
            "n_ctx": job.n_ctx,
            "n_batch": min(N_BATCH, job.n_ctx),
            "n_threads": job.threads,
            "n_gpu_layers": 0,
        },
    )
    async with running_engine(log) as engine:

        async def timings(n_prompt: int, n_answer: int, number: int) -> Timings:
            _, finished = await answer(
                engine,
                source,
                {"max_tokens": n_answer, "seed": number},
                [ChatMessage("user", models.prompt(n_prompt, number))],
            )
            counted = finished.timings
            counts = (counted.prompt_tokens, counted.cached_tokens, counted.completion_tokens)
            if counts != (n_prompt, 0, n_answer):
                raise RuntimeError(f"asked for {n_prompt} and {n_answer} tokens, got {counts}")
            return counted

        async def series(n_prompt: int, n_answer: int, n_warm_up: int) -> Sequence[Timings]:
            await timings(n_prompt, n_warm_up, 0)
            return [await timings(n_prompt, n_answer, 1 + each) for each in range(job.repetitions)]

        prompts = await series(job.n_prompt, 1, 1)
        answers = await series(1, job.n_answer, 2)
    return Samples(
        prompt=[each.prompt_tps for each in prompts], generation=[each.tps for each in answers]
    )


def _high_level(job: Job) -> Samples:
    command = [sys.executable, "-m", "tests.benchmarks.high_level"]
    request = msgspec.json.encode(job).decode()
    done = subprocess.run(
        [*command, request], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    return msgspec.json.decode(done.stdout, type=Samples)
