"""The course of a training: a progress line, the loss as CSV and as a plot of characters."""

from __future__ import annotations

import csv
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_REPORT_STEPS: Final = 25
_WIDTH: Final = 64
_HEIGHT: Final = 12


class Course:
    """Keeps the loss of every 25 steps in ``loss.csv`` and says how far the training is."""

    def __init__(self, work: Path, begun: int, parts: Mapping[str, int], tokens: int) -> None:
        """A training of steps of ``tokens`` tokens that goes on at ``begun``.

        ``parts`` are the names of its parts and the steps at whose end they are over: each has
        its own loss and its own speed.
        """
        self._work = work
        self._parts = parts
        self._tokens = tokens
        self._losses: list[float] = []
        self._file = work / "loss.csv"
        # A part's first step, and when it was done: what is prepared for it takes a while.
        self._since: tuple[int, float] | None = None
        # What was reported after the checkpoint that the training goes on from comes again.
        known = read(self._file) if begun and self._file.exists() else []
        self._known = [(step, loss) for step, loss in known if step <= begun]
        self._write()

    def add(self, step: int, loss: float) -> None:
        """One step's loss in nats."""
        self._losses.append(loss)
        done = step + 1
        name, end = next((name, end) for name, end in self._parts.items() if step < end)
        begun, started = self._since = self._since or (done, time.monotonic())
        if done % _REPORT_STEPS and done != end:
            return
        mean = sum(self._losses) / len(self._losses)
        self._losses.clear()
        self._known.append((done, mean))
        self._write()
        said = f"{name} {done}/{end}  loss {mean:.3f}"
        if done > begun:
            seconds_a_step = (time.monotonic() - started) / (done - begun)
            left = (end - done) * seconds_a_step
            said += f"  {self._tokens / seconds_a_step:,.0f} tokens/s"
            said += f"  {left // 60:.0f}:{left % 60:02.0f} left"
        print(said, flush=True)
        if done == end:
            self._since = None

    def write(self) -> None:
        """Print a curve for each part, and write them beside the CSV."""
        curves, begun = [], 0
        for name, end in self._parts.items():
            points = [(step, loss) for step, loss in self._known if begun < step <= end]
            if points:
                curves.append(f"{name.capitalize()}\n{plot(points)}")
            begun = end
        (self._work / "loss.txt").write_text("\n".join(curves), encoding="utf-8")
        print("\n".join(curves))

    def _write(self) -> None:
        with self._file.open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(("step", "loss"))
            rows.writerows((step, f"{loss:.4f}") for step, loss in self._known)


def read(file: Path) -> list[tuple[int, float]]:
    """Steps and losses of a ``loss.csv``."""
    with file.open(newline="", encoding="utf-8") as opened:
        return [(int(row["step"]), float(row["loss"])) for row in csv.DictReader(opened)]


def plot(points: list[tuple[int, float]]) -> str:
    """Losses over steps as lines of characters, the loss on a logarithmic scale."""
    first, last = points[0][0], points[-1][0]
    columns: list[list[float]] = [[] for _ in range(_WIDTH)]
    for step, loss in points:
        columns[(step - first) * _WIDTH // (last - first + 1)].append(loss)
    means = [sum(column) / len(column) if column else None for column in columns]
    known = [mean for mean in means if mean is not None]
    top, bottom = max(known), min(known)
    ratio = (top / bottom) ** (1 / (_HEIGHT - 1))
    levels = [top / ratio**row for row in range(_HEIGHT)]
    lines = []
    for row, level in enumerate(levels):
        marks = "".join(
            "*"
            if mean is not None
            and row == min(range(_HEIGHT), key=lambda at: abs(levels[at] - mean))
            else " "
            for mean in means
        )
        lines.append(f"{level:7.3f} |{marks}".rstrip())
    lines.append(" " * 8 + "+" + "-" * _WIDTH)
    begun = f"step {first}"
    lines.append(f"{'nats':>7}  {begun}{last:>{_WIDTH - len(begun)}}")
    return "\n".join(lines) + "\n"
