"""Lanes against the same answers one after another: ``python -m tests.benchmarks.lanes``.

Beside them, in the same run, llama.cpp's own ``llama-batched-bench`` with a shared prompt.
Models and programs are made on the first run and kept in the user's cache folder.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final

import click
import msgspec
import platformdirs
from rich.console import Console
from rich.table import Table

from tests.benchmarks import llama_bench, quiet
from tests.benchmarks.models import MIDDLE, SMALL, Shape, model_file, prompt
from tests.benchmarks.screen import measure as streamed
from tests.benchmarks.screen import prose
from tests.benchmarks.settings import N_BATCH, N_UBATCH
from tests.benchmarks.streaming_app import Stream
from workbench.engine.client import EngineClient, EngineDied
from workbench.engine.protocol import (
    ChatMessage,
    Failed,
    Finished,
    LanePrompt,
    ModelSource,
    TextArrived,
)
from workbench.models.pocket import MODEL_FILE
from workbench.parameters.kinds import Values

_N_PROMPT: Final = 128
_LONG_PROMPT: Final = 1000
# How much faster than one after another.
# What eight lanes of a small model come to on two cores, and what showing them may cost.
_RATE: Final = 20
_OF_A_CORE: Final = 0.10
_WANTED: Final = {2: 1.3, 4: 2.0, 8: 2.6}


class Round(msgspec.Struct, frozen=True):
    """Tokens a second of all lanes together, and milliseconds to each lane's first token."""

    tps: float
    first: list[float]


class Side(msgspec.Struct):
    """What was measured with a number of lanes, round by round."""

    together: list[float] = []
    apart: list[float] = []
    theirs: list[float] = []


async def _answer(engine: EngineClient, source: ModelSource, lanes: list[LanePrompt]) -> Round:
    request = await engine.generate(source, lanes)
    started = 0.0
    ends: list[Finished] = []
    async for event in engine.events():
        if isinstance(event, Failed | EngineDied):
            raise RuntimeError(str(event))
        if isinstance(event, TextArrived) and event.request == request:
            started = started or perf_counter()
        elif isinstance(event, Finished):
            ends.append(event)
        if len(ends) == len(lanes):
            break
    seconds = perf_counter() - started
    # The first token of each came with the prompt.
    n_tokens = sum(end.timings.completion_tokens - 1 for end in ends)
    return Round(n_tokens / seconds, [end.timings.ttft_ms for end in ends])


def _lanes(text: str, count: int, n_answer: int, *, first: int = 0) -> list[LanePrompt]:
    values: Values = {"ignore_eos": True, "max_tokens": n_answer, "chat_template": "chatml"}
    return [
        LanePrompt(
            number,
            [ChatMessage("user", text)],
            {**values, "temperature": 0.4 + 0.2 * number, "seed": number},
        )
        for number in range(first, first + count)
    ]


async def _rounds(
    source: ModelSource, counts: tuple[int, ...], n_answer: int, rounds: int, log: Path
) -> dict[int, Side]:
    """Each number of lanes together, and one lane after another, in turns."""
    found = {count: Side() for count in counts}
    # Lanes that wait for their next turn keep cells, which a lane alone must not have to pass.
    engine, lonely = EngineClient(log), EngineClient(log)
    try:
        number = 0
        for _ in range(rounds):
            for count, side in found.items():
                number += 1
                text = prompt(_N_PROMPT, number)
                together = await _answer(engine, source, _lanes(text, count, n_answer))
                side.together.append(together.tps)
                # What one lane does alone every one of them does.
                alone = await _answer(lonely, source, _lanes(text, 1, n_answer))
                side.apart.append(alone.tps)
    finally:
        await engine.close()
        await lonely.close()
    return found


async def _first_tokens(source: ModelSource, rounds: int, log: Path) -> list[float]:
    """Time to the first token of the eighth lane, as a multiple of a single lane's."""
    found = []
    engine = EngineClient(log)
    try:
        await _answer(engine, source, _lanes("a", 1, 2))
        for number in range(rounds):
            texts = (prompt(_LONG_PROMPT, 2 * number), prompt(_LONG_PROMPT, 2 * number + 1))
            alone = await _answer(engine, source, _lanes(texts[0], 1, 2))
            eight = await _answer(engine, source, _lanes(texts[1], 8, 2))
            found.append(max(eight.first) / alone.first[0])
    finally:
        await engine.close()
    return found


async def _texts(source: ModelSource, lanes: list[LanePrompt], log: Path) -> dict[int, str]:
    """What the lanes say in an engine that has read nothing before."""
    texts: defaultdict[int, str] = defaultdict(str)
    ends = 0
    engine = EngineClient(log)
    try:
        await engine.generate(source, lanes)
        async for event in engine.events():
            if isinstance(event, Failed | EngineDied):
                raise RuntimeError(str(event))
            if isinstance(event, TextArrived):
                texts[event.lane] += event.text
            ends += isinstance(event, Finished)
            if ends == len(lanes):
                break
    finally:
        await engine.close()
    return texts


async def _differing(source: ModelSource, rounds: int, n_answer: int, log: Path) -> tuple[int, int]:
    """How many lanes say something else alone than among seven others, and of how many."""
    differ = 0
    for number in range(rounds):
        lanes = _lanes(prompt(32, number), 8, n_answer)
        among = await _texts(source, lanes, log)
        for lane in lanes:
            alone = await _texts(source, [lane], log)
            differ += alone[lane.lane] != among[lane.lane]
    return differ, 8 * rounds


def _theirs(
    program: Path, file: Path, threads: int, counts: tuple[int, ...], n_answer: int
) -> dict[int, float]:
    """Tokens a second by llama-batched-bench, by the number of sequences."""
    command = [str(program), "--model", str(file), "--threads", str(threads), "-pps"]
    command += ["-npp", str(_N_PROMPT), "-ntg", str(n_answer), "-npl", ",".join(map(str, counts))]
    command += ["--ctx-size", "4096", "--batch-size", str(N_BATCH), "--ubatch-size", str(N_UBATCH)]
    command += ["--kv-unified", "--output-format", "jsonl", "--n-gpu-layers", "0"]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    found = [json.loads(line) for line in answer.stdout.splitlines() if line.startswith(b"{")]
    return {each["pl"]: each["speed_tg"] for each in found}


def measure(
    shape: Shape, threads: int, *, folder: Path, rounds: int, n_answer: int
) -> tuple[dict[int, Side], list[float]]:
    """One model on a number of threads: by lanes, and the first tokens of eight."""
    file = model_file(shape, folder)
    program = llama_bench.program(folder, "llama-batched-bench")
    source = ModelSource.of(
        file, {"n_ctx": 4096, "n_threads": threads, "n_batch": N_BATCH, "n_ubatch": N_UBATCH}
    )
    counts = tuple(_WANTED)
    with tempfile.TemporaryDirectory(prefix="workbench-benchmark-") as logs:
        log = Path(logs) / "engine.log"
        found = {count: Side() for count in counts}
        for _ in range(rounds):
            ours = asyncio.run(_rounds(source, counts, n_answer, 1, log))
            theirs = _theirs(program, file, threads, counts, n_answer)
            for count, side in found.items():
                side.together += ours[count].together
                side.apart += ours[count].apart
                side.theirs.append(theirs[count])
        return found, asyncio.run(_first_tokens(source, rounds, log))


def _ratio(ours: list[float], theirs: list[float]) -> float:
    return median(a / b for a, b in zip(ours, theirs, strict=True))


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--rounds", default=3, show_default=True)
@click.option("--n-answer", default=96, show_default=True, help="Tokens in every lane.")
@click.option("--threads", multiple=True, type=int, default=(1, 2), show_default=True)
@click.option("--only", type=click.Choice([SMALL.name, MIDDLE.name]), help="One model alone.")
@click.option(
    "--also",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A trained model whose texts are compared, beside the built-in one's.",
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=platformdirs.user_cache_path("workbench") / "benchmarks",
    help="Where models and llama-batched-bench are kept.",
)
def main(
    rounds: int,
    n_answer: int,
    threads: tuple[int, ...],
    only: str | None,
    also: tuple[Path, ...],
    folder: Path,
) -> None:
    """Measure lanes and print a table."""
    table = Table(title="Lanes: tokens a second of all together")
    for heading in (
        "model",
        "threads",
        "lanes",
        "together",
        "alone",
        "x",
        "wanted",
        "batched-bench",
    ):
        table.add_column(heading, justify="right")
    table.add_column("of it (>= 0.95)", justify="right")
    for shape in (SMALL, MIDDLE):
        if only not in (None, shape.name):
            continue
        for count_of_threads in threads:
            (sides, firsts), disturbed = quiet.measured(
                lambda shape=shape, count=count_of_threads: measure(  # type: ignore[misc]
                    shape, count, folder=folder, rounds=rounds, n_answer=n_answer
                ),
                attempts=1,
            )
            for count, side in sides.items():
                gain, of_theirs = (
                    _ratio(side.together, side.apart),
                    _ratio(side.together, side.theirs),
                )
                table.add_row(
                    shape.name,
                    str(count_of_threads),
                    str(count),
                    f"{median(side.together):.1f}",
                    f"{median(side.apart):.1f}",
                    f"{gain:.2f}",
                    f"{_WANTED[count]} {'met' if gain >= _WANTED[count] else 'MISSED'}",
                    f"{median(side.theirs):.1f}",
                    f"{of_theirs:.3f} {'met' if of_theirs >= 0.95 else 'MISSED'}",
                )
            first = median(firsts)
            note = f", others used {disturbed:.0%} of a core" if disturbed > 0.05 else ""
            table.add_row(
                shape.name,
                str(count_of_threads),
                f"first token of the 8th, {_LONG_PROMPT} tokens{note}",
                "",
                "",
                f"{first:.2f}",
                f"1.1 {'met' if first <= 1.1 else 'MISSED'}",
            )
    console = Console(width=None if sys.stdout.isatty() else 150)
    console.print(table)
    for count in (8, 4):
        stream = Stream(prose(_RATE * 20), _RATE, 0, lanes=count)
        found, disturbed = quiet.measured(lambda stream=stream: streamed(stream), attempts=2)  # type: ignore[misc]
        verdict = "met" if found.cpu <= _OF_A_CORE else "MISSED"
        console.print(
            f"interface with {count} lanes at {_RATE} tokens/s each, 120x40: {found.cpu:.1%} of a "
            f"core (<= {_OF_A_CORE:.0%} {verdict}), {found.bytes_per_token / count:.0f} bytes a "
            f"token; others used {disturbed:.0%}"
        )
    with tempfile.TemporaryDirectory(prefix="workbench-benchmark-") as logs:
        log = Path(logs) / "engine.log"
        for file in (MODEL_FILE, *also):
            source = ModelSource.of(file, {"n_ctx": 2048})
            differ, of = asyncio.run(_differing(source, rounds, n_answer, log))
            what = f"answers of {n_answer} tokens differ from those alone"
            console.print(f"{file.name}: {differ} of {of} {what}")


if __name__ == "__main__":
    main()
