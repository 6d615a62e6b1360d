"""What the interface costs while an answer streams: ``python -m tests.benchmarks.screen``."""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.table import Table

from tests.benchmarks.streaming_app import MARK, Cost, Stream
from tests.terminal import running

_WORDS = ("the", "model", "answers", "with", "a", "number", "of", "tokens", "and", "then", "stops")


class Measured(msgspec.Struct, frozen=True):
    """A stream's cost: part of a core, and bytes to the terminal for a token."""

    cpu: float
    bytes_per_token: float


def measure(stream: Stream) -> Measured:
    """Stream into a terminal of 120 columns and 40 rows."""
    with tempfile.TemporaryDirectory(prefix="workbench-benchmark-") as folder:
        task, report = Path(folder) / "stream", Path(folder) / "report"
        task.write_bytes(msgspec.json.encode(stream))
        command = [sys.executable, "-m", "tests.benchmarks.streaming_app", str(task), str(report)]
        with running(command) as terminal:
            terminal.wait_for_exit()
        cost = msgspec.json.decode(report.read_bytes(), type=Cost)
    _, during, _ = terminal.output.split(MARK)
    return Measured(cost.cpu / cost.wall, len(during) / len(stream.pieces))


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


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--seconds", default=20.0, show_default=True, help="How long each stream lasts.")
def main(seconds: float) -> None:
    """Stream answers into the app and print what that costs."""
    cases = {
        "prose, 50 tokens/s, 200 messages": (
            Stream(prose(int(50 * seconds)), 50, 200),
            (0.06, 100.0),
        ),
        "a fence of code, 50 tokens/s, 200 messages": (
            Stream(fence(int(50 * seconds)), 50, 200),
            (0.06, 100.0),
        ),
        "prose, 500 tokens/s, 200 messages": (
            Stream(prose(int(500 * seconds)), 500, 200),
            (0.25, None),
        ),
    }
    table = Table(title="The interface while an answer streams, 120x40")
    for heading in ("what", "of a core", "target", "bytes/token", "target"):
        table.add_column(heading)
    for name, (stream, (most_cpu, most_bytes)) in cases.items():
        found = measure(stream)
        table.add_row(
            name,
            f"{found.cpu:.1%}",
            f"{most_cpu:.0%} {'met' if found.cpu <= most_cpu else 'MISSED'}",
            f"{found.bytes_per_token:.0f}",
            ""
            if most_bytes is None
            else f"{most_bytes:.0f} {'met' if found.bytes_per_token <= most_bytes else 'MISSED'}",
        )
    Console(width=None if sys.stdout.isatty() else 120).print(table)


if __name__ == "__main__":
    main()
