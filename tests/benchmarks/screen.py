"""What the interface costs, and what hands wait for: ``python -m tests.benchmarks.screen``.

Beside it, in the same run, a bare Textual app and Textual's own stream of Markdown.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles
from typing import Final

import click
import msgspec
import platformdirs
from rich.console import Console
from rich.table import Table

from tests.benchmarks import hands, llama_bench, models, quiet
from tests.benchmarks.settings import Job
from tests.benchmarks.streaming_app import MARK, Cost, Stream
from tests.terminal import running

_WORDS = ("the", "model", "answers", "with", "a", "number", "of", "tokens", "and", "then", "stops")
_OURS: Final = "tests.benchmarks.streaming_app"
_BARE: Final = "tests.benchmarks.bare_app"
_APP: Final = [sys.executable, "-m", "workbench"]
_BARE_APP: Final = [sys.executable, "-m", _BARE]
_TOKENS: Final = 256


class Measured(msgspec.Struct, frozen=True):
    """A stream's cost: part of a core, bytes to the terminal for a token, seconds to open."""

    cpu: float
    bytes_per_token: float
    opened: float


def measure(stream: Stream, app: str = _OURS) -> Measured:
    """Stream into a terminal of 120 columns and 40 rows."""
    with tempfile.TemporaryDirectory(prefix="workbench-benchmark-") as folder:
        command, report = _command(app, stream, Path(folder))
        with hands.quiet_home() as home, running(command, environment=home) as terminal:
            while terminal.process.poll() is None:
                terminal.take(0.05)
        cost = msgspec.json.decode(report.read_bytes(), type=Cost)
    _, during, _ = terminal.output.split(MARK)
    return Measured(cost.cpu / cost.wall, len(during) / max(1, len(stream.pieces)), cost.opened)


def _command(app: str, stream: Stream, folder: Path) -> tuple[list[str], Path]:
    task, report = folder / "stream", folder / "report"
    task.write_bytes(msgspec.json.encode(stream))
    return [sys.executable, "-m", app, str(task), str(report)], report


def echoed(stream: Stream, seconds: float) -> tuple[list[float], list[float]]:
    """Key to echo while streaming, then the same behind a change of focus."""
    with tempfile.TemporaryDirectory(prefix="workbench-benchmark-") as folder:
        command, _ = _command(_OURS, stream, Path(folder))
        with hands.quiet_home() as home, running(command, environment=home) as terminal:
            while MARK not in terminal.output:
                terminal.take(1.0)
            return (
                hands.echoes(terminal, seconds),
                hands.focus_changes(terminal, seconds / 2),
            )


def prose(n_tokens: int) -> list[str]:
    """Tokens of paragraphs."""
    return list(_prose(random.Random(1), n_tokens))


def _prose(chance: random.Random, n_tokens: int) -> Iterator[str]:
    for number in range(1, n_tokens + 1):
        end = ".\n\n" if number % 80 == 0 else ". " if number % 13 == 0 else " "
        yield chance.choice(_WORDS) + end


def fence(n_tokens: int) -> list[str]:
    """Tokens of one long block of code."""
    chance = random.Random(1)
    code = (
        f"{chance.choice(_WORDS)} = {number}\n" if number % 6 == 5 else "f(x) + "
        for number in range(n_tokens - 2)
    )
    return ["```python\n", *code, "```\n"]


class Report:
    """A table of what was measured, and whether it is what is wanted."""

    def __init__(self) -> None:
        self._table = Table(title="The interface in a terminal of 120x40")
        for heading in ("what", "measured", "wanted", ""):
            self._table.add_column(heading)

    def add(self, what: str, shown: str, wanted: str = "", *, met: bool | None = None) -> None:
        """A row; ``met`` is None where nothing is wanted."""
        verdict = "" if met is None else "met" if met else "MISSED"
        self._table.add_row(what, shown, wanted, verdict)

    def at_most(self, what: str, value: float, limit: float, form: str = "{:.1%}") -> None:
        """A figure that should not be more than its limit."""
        self.add(what, form.format(value), f"<= {form.format(limit)}", met=value <= limit)

    def print(self) -> None:
        """Print it."""
        Console(width=None if sys.stdout.isatty() else 120).print(self._table)


def _streams(report: Report, seconds: float) -> None:
    cases = {
        "prose": (Stream(prose(int(50 * seconds)), 50, 200), 0.06, 100.0),
        "a fence of code of 1,500 tokens": (Stream(fence(1500), 50, 200), 0.06, 100.0),
        "prose, 500 tokens/s": (Stream(prose(int(500 * seconds)), 500, 200), 0.25, None),
    }
    for name, (stream, most_cpu, most_bytes) in cases.items():
        found, disturbed = quiet.measured(lambda stream=stream: measure(stream), attempts=2)  # type: ignore[misc]
        note = f", others used {disturbed:.0%}" if disturbed > 0.05 else ""
        report.at_most(f"{name}, of a core{note}", found.cpu, most_cpu)
        if most_bytes is not None:
            report.at_most(f"{name}, bytes a token", found.bytes_per_token, most_bytes, "{:.0f}")
        else:
            report.add(f"{name}, bytes a token", f"{found.bytes_per_token:.0f}")
    for name, stream in (
        ("prose", Stream(prose(int(50 * seconds)), 50, 0)),
        ("code", Stream(fence(int(50 * seconds)), 50, 0)),
    ):
        theirs = measure(stream, _BARE)
        report.add(f"Textual's MarkdownStream: {name}, of a core", f"{theirs.cpu:.1%}")
        report.add(
            f"Textual's MarkdownStream: {name}, bytes a token", f"{theirs.bytes_per_token:.0f}"
        )


def _hands(report: Report, seconds: float) -> None:
    stream = Stream(prose(int(50 * (2 * seconds + 30))), 50, 200)
    keys, focus = echoed(stream, seconds)
    report.at_most("key to echo while streaming, p99", _p99(keys), 0.030, "{:.3f} s")
    report.add("key to echo while streaming, median", f"{median(keys):.3f} s")
    report.at_most("a key behind focus out and in, p99", _p99(focus), 0.050, "{:.3f} s")
    opened = measure(Stream([], 50, 1000)).opened
    report.at_most("opening 1,000 messages", opened, 0.300, "{:.3f} s")


def _p99(times: list[float]) -> float:
    return quantiles(times, n=100)[98]


def _starts(report: Report, times: int) -> None:
    hands.start(_APP)
    ours, bare = [], []
    for _ in range(times):
        ours.append(hands.start(_APP))
        bare.append(hands.start(_BARE_APP))
    ratio = median(a.seconds / b.seconds for a, b in zip(ours, bare, strict=True))
    report.add("start of a bare Textual app", f"{median(each.seconds for each in bare):.2f} s")
    report.add("start to a prompt that answers", f"{median(each.seconds for each in ours):.2f} s")
    report.at_most("start beside a bare Textual app", ratio, 1.3, "{:.2f}")
    memory = median(a.memory / b.memory for a, b in zip(ours, bare, strict=True))
    report.add("memory of a bare Textual app", f"{bare[0].memory / 1e6:.0f} MB")
    report.at_most("memory beside a bare Textual app", memory, 1.5, "{:.2f}")


def _idle(report: Report, seconds: float) -> None:
    found = hands.idle(_APP, seconds)
    report.at_most(f"idle for {seconds:.0f} s, bytes", found.output, 0, "{:.0f}")
    report.at_most("idle, of a core", found.cpu, 0.002, "{:.2%}")


def _speed(report: Report, folder: Path, rounds: int) -> None:
    file = models.model_file(models.SMALL, folder)
    bench = llama_bench.program(folder)
    threads = os.cpu_count() or 1
    flags = ["--model", str(file), "--n-threads", str(threads), "--max-tokens", str(_TOKENS)]
    command = [*_APP, *flags, "--ignore-eos", "--n-ctx", "512"]
    job = Job(os.fsencode(file), threads, 16, _TOKENS, 2)
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(hands.answer_speed(command))
        theirs.append(median(llama_bench.speed(bench, job).generation))
    ratio = median(a / b for a, b in zip(ours, theirs, strict=True))
    report.add("llama-bench, tokens/s", f"{median(theirs):.1f}")
    report.add("in the app, tokens/s", f"{median(ours):.1f}")
    what = "tokens/s in the app beside llama-bench"
    report.add(what, f"{ratio:.3f}", ">= 0.920", met=ratio >= 0.92)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--seconds", default=20.0, show_default=True, help="How long each stream lasts.")
@click.option("--rounds", default=5, show_default=True, help="Starts, and answers in the app.")
@click.option("--only", multiple=True, help="streams, hands, starts, idle, speed; all without it.")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=platformdirs.user_cache_path("workbench") / "benchmarks",
    help="Where models and llama-bench are kept.",
)
def main(seconds: float, rounds: int, only: tuple[str, ...], folder: Path) -> None:
    """Measure the interface and print a table."""
    report = Report()
    parts = {
        "streams": lambda: _streams(report, seconds),
        "hands": lambda: _hands(report, seconds),
        "starts": lambda: _starts(report, rounds),
        "idle": lambda: _idle(report, 30.0),
        "speed": lambda: _speed(report, folder, rounds),
    }
    try:
        for name in only or parts:
            parts[name]()
    finally:
        report.print()


if __name__ == "__main__":
    main()
