"""The engine's speed against llama.cpp's own: ``python -m tests.benchmarks.engine``.

Models and llama-bench are made on the first run and kept in the user's cache folder.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import mean, median
from typing import Final

import click
import msgspec
import platformdirs
from rich.console import Console
from rich.table import Table

from tests.benchmarks import llama_bench, loop, quiet, reopen, speed, start, stop
from tests.benchmarks.models import MIDDLE, SMALL, SMALLEST, TINY, TINY_WIDE, Shape, model_file
from tests.benchmarks.settings import Job

_NAMES: Final = ("speed", "loop", "start", "stop", "reopen")
# In a file or a pipe, which have none of their own.
_WIDTH: Final = 120


class Loop(msgspec.Struct, frozen=True):
    """What to look between the decodes of: ``answers`` long answers of a model.

    ``most`` is the target, in microseconds a token. ``steady``: the last token may cost no
    more than an early one. That can only be asked of a model whose decode leaves nothing of
    ours in the processor's caches at any length. A tiny model's leaves all of it while the
    context is short and none when it is long: its 20th token after a long prompt costs what
    its 2,000th does after a short one.
    """

    shape: Shape
    answers: int
    most: float | None = None
    steady: bool = False


class Plan(msgspec.Struct, frozen=True):
    """How much to measure."""

    shapes: Sequence[Shape] = (SMALL, MIDDLE)
    threads: Sequence[int] = (1, 2)
    n_prompt: int = 512
    n_answer: int = 128
    repetitions: int = 2
    rounds: int = 5
    attempts: int = 4
    loops: Sequence[Loop] = (
        Loop(TINY, 5, most=60.0),
        Loop(TINY_WIDE, 5, most=400.0),
        Loop(SMALL, 4, steady=True),
    )
    loop_tokens: int = 2010
    starts: int = 15
    stopped: Shape = SMALL
    stop_prompt: int = 4000
    moments: Sequence[float] = (0.02, 0.1, 0.2, 0.3, 0.4, 0.5)
    reopened: Shape = SMALL
    reopened_tokens: int = 2000
    reopenings: int = 5


_SMALLEST: Final = Plan(
    shapes=(SMALLEST,),
    threads=(1,),
    n_prompt=64,
    n_answer=16,
    repetitions=1,
    rounds=1,
    attempts=1,
    loops=(Loop(TINY, 1, most=60.0, steady=True),),
    loop_tokens=100,
    starts=1,
    stopped=SMALLEST,
    moments=(0.0,),
    reopened=SMALLEST,
    reopened_tokens=200,
    reopenings=1,
)


class Figure(msgspec.Struct, frozen=True):
    """One line of the summary; ``met`` is None where there is no target."""

    what: str
    value: str
    target: str
    met: bool | None
    disturbed: float


class Report(msgspec.Struct):
    """Everything that was measured, as ``--json`` writes it."""

    binding: str
    cpus: int
    load: tuple[float, float, float]
    figures: list[Figure] = []
    speed: list[speed.Comparison] = []
    loop: dict[str, loop.LoopCost] = {}
    start: start.Start | None = None
    stop: list[float] = []
    reopen: reopen.Reopening | None = None


class Benchmark:
    """The chosen measurements, one after the other."""

    def __init__(self, plan: Plan, folder: Path, bench: Path | None) -> None:
        self._plan = plan
        self._folder = folder
        self._bench = bench
        self._log = folder / "engine.log"
        self.report = Report(version("llama-cpp-python"), os.cpu_count() or 1, os.getloadavg())

    def speed(self) -> None:
        """Tokens per second, beside llama-bench and the binding's class."""
        plan = self._plan
        for shape in plan.shapes:
            file = os.fsencode(model_file(shape, self._folder))
            for threads in plan.threads:
                job = Job(file, threads, plan.n_prompt, plan.n_answer, plan.repetitions)
                found = speed.compare(
                    shape.name,
                    job,
                    bench=self._bench,
                    log=self._log,
                    rounds=plan.rounds,
                    attempts=plan.attempts,
                )
                self.report.speed.append(found)
                for kind in ("generation", "prompt"):
                    ratio = found.ratio(speed.ENGINE, kind)
                    if ratio is not None:
                        self._add(
                            f"{kind}, {shape.name}, {threads} threads, to llama-bench's",
                            f"{ratio:.3f}",
                            "at least 0.97",
                            met=ratio >= 0.97,
                            disturbed=max(max(s.disturbed) for s in found.sides.values()),
                        )

    def loop(self) -> None:
        """A token's cost beside ``llama_decode``."""
        plan = self._plan
        for each in plan.loops:
            file = model_file(each.shape, self._folder)
            found, disturbed = quiet.measured(
                lambda file=file, answers=each.answers: loop.cost(  # type: ignore[misc]
                    file, n_tokens=plan.loop_tokens, answers=answers
                ),
                attempts=plan.attempts,
            )
            self.report.loop[each.shape.name] = found
            self._add(
                f"a token beside llama_decode, {each.shape.name}",
                f"{found.median:.0f} µs (mean {found.mean:.0f})",
                "" if each.most is None else f"at most {each.most:.0f} µs",
                met=None if each.most is None else found.median <= each.most,
                disturbed=disturbed,
            )
            (early, first), (late, last) = found.at.items()
            self._add(
                f"token {late} beside token {early}, {each.shape.name}",
                f"{last:.1f} to {first:.1f} µs: {last / first:.2f}",
                "0.90 to 1.10" if each.steady else "",
                met=0.9 <= last / first <= 1.1 if each.steady else None,
                disturbed=disturbed,
            )

    def start(self) -> None:
        """From nothing to an engine that is ready."""
        found, disturbed = quiet.measured(
            lambda: start.starts(self._plan.starts), attempts=self._plan.attempts
        )
        self.report.start = found
        self._add(
            "start to ready, to a bare import of llama_cpp",
            f"{found.ratio:.2f} ({median(found.engine):.2f} to {median(found.bare):.2f} s)",
            "at most 1.20",
            met=found.ratio <= 1.2,
            disturbed=disturbed,
        )

    def stop(self) -> None:
        """A stop in the middle of a prompt."""
        plan = self._plan
        file = model_file(plan.stopped, self._folder)
        for threads in plan.threads:
            found, disturbed = quiet.measured(
                lambda threads=threads: asyncio.run(  # type: ignore[misc]
                    stop.delays(
                        file,
                        n_prompt=plan.stop_prompt,
                        threads=threads,
                        moments=plan.moments,
                        log=self._log,
                    )
                ),
                attempts=plan.attempts,
            )
            self.report.stop += found
            self._add(
                f"stop in a prompt of {plan.stop_prompt}, {plan.stopped.name}, {threads} threads",
                f"{max(found) * 1e3:.0f} ms at most (mean {mean(found) * 1e3:.0f})",
                "at most 200 ms",
                met=max(found) <= 0.2,
                disturbed=disturbed,
            )

    def reopen(self) -> None:
        """A long conversation after a restart."""
        plan = self._plan
        file = model_file(plan.reopened, self._folder)
        found, disturbed = quiet.measured(
            lambda: asyncio.run(
                reopen.reopened(
                    file,
                    n_prompt=plan.reopened_tokens,
                    threads=max(plan.threads),
                    times=plan.reopenings,
                    folder=self._folder,
                )
            ),
            attempts=plan.attempts,
        )
        self.report.reopen = found
        self._add(
            f"first token after a restart, {plan.reopened_tokens} tokens, {plan.reopened.name}, "
            f"state of {found.size / 1e6:.0f} MB",
            f"{median(found.from_state):.0f} to {median(found.anew):.0f} ms: {found.ratio:.3f}",
            "at most 0.050",
            met=found.ratio <= 0.05,
            disturbed=disturbed,
        )

    def _add(
        self, what: str, value: str, target: str, *, met: bool | None, disturbed: float
    ) -> None:
        self.report.figures.append(Figure(what, value, target, met, disturbed))


def _speed_table(comparisons: Sequence[speed.Comparison]) -> Table:
    table = Table(title="Tokens per second: median (lowest to highest round), to llama-bench's")
    for heading in ("model", "threads", "", "prompt", "", "generation", ""):
        table.add_column(heading)
    for found in comparisons:
        for name, side in found.sides.items():
            cells = []
            for kind, samples in (("prompt", side.prompt), ("generation", side.generation)):
                ratio = found.ratio(name, kind)
                cells.append(f"{median(samples):.1f} ({min(samples):.1f} to {max(samples):.1f})")
                cells.append("" if ratio is None else f"{ratio:.3f}")
            table.add_row(found.model, str(found.threads), name, *cells)
        table.add_section()
    return table


def _figure_table(figures: Sequence[Figure]) -> Table:
    table = Table(title="Targets; others: how many cores other processes used meanwhile")
    for heading in ("what", "measured", "target", "", "others"):
        table.add_column(heading)
    verdicts: Mapping[bool | None, str] = {True: "met", False: "MISSED", None: ""}
    for figure in figures:
        table.add_row(
            figure.what,
            figure.value,
            figure.target,
            verdicts[figure.met],
            f"{figure.disturbed:.2f}",
        )
    return table


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--only", type=click.Choice(_NAMES), multiple=True, help="Only these; may be repeated."
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=platformdirs.user_cache_path("workbench") / "benchmarks",
    show_default=True,
    help="Where the models and llama-bench are kept.",
)
@click.option(
    "--llama-bench",
    "bench",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A llama-bench of the binding's sources; built if not given.",
)
@click.option("--without-llama-bench", is_flag=True, help="Measure our own side only.")
@click.option("--rounds", type=click.IntRange(1), help="How often each side's speed is measured.")
@click.option("--smallest", is_flag=True, help="As little as possible: shows that it all works.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Also write this file.")
def main(
    only: tuple[str, ...],
    folder: Path,
    bench: Path | None,
    without_llama_bench: bool,
    rounds: int | None,
    smallest: bool,
    json_file: Path | None,
) -> None:
    """Measure the engine beside llama.cpp's own benchmark and the binding's Llama class.

    Every side runs with the same model file, threads, batch sizes, KV types and flash
    attention, in turn; a measurement that others disturbed is done again.
    """
    plan = _SMALLEST if smallest else Plan()
    if rounds is not None:
        plan = msgspec.structs.replace(plan, rounds=rounds)
    chosen = only or _NAMES
    folder.mkdir(parents=True, exist_ok=True)
    if bench is None and not without_llama_bench and "speed" in chosen:
        bench = llama_bench.program(folder)
    benchmark = Benchmark(plan, folder, None if without_llama_bench else bench)
    started = time.monotonic()
    for name in chosen:
        getattr(benchmark, name)()
    report = benchmark.report
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    console.print(
        f"llama-cpp-python {report.binding}, {report.cpus} CPUs, load {report.load[0]:.1f} at "
        f"the start, {time.monotonic() - started:.0f} s"
    )
    if report.speed:
        console.print(_speed_table(report.speed))
    console.print(_figure_table(report.figures))
    if json_file is not None:
        json_file.write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")


if __name__ == "__main__":
    main()
