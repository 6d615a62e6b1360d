"""The course of a training: a progress line, the loss as CSV and as a plot of characters."""

from __future__ import annotations

import csv
import time
from pathlib import Path
from typing import Final

_REPORT_STEPS: Final = 25
_WIDTH: Final = 64
_HEIGHT: Final = 12


class Course:
    """Keeps the loss of every 25 steps in ``loss.csv`` and says how far the training is."""

    def __init__(self, work: Path, begun: int, parts: tuple[int, int], tokens: int) -> None:
        """A training of steps of ``tokens`` tokens that goes on at ``begun``.

        ``parts`` are the steps at whose end its two parts are over: each has its own loss and
        its own speed.
        """
        self._work = work
        self._parts = parts
        self._tokens = tokens
        self._losses: list[float] = []
        self._file = work / "loss.csv"
        self._since = (begun, time.monotonic())
        # What was reported after the checkpoint that the training goes on from comes again.
        known = read(self._file) if begun and self._file.exists() else []
        self._known = [(step, loss) for step, loss in known if step <= begun]
        self._write()

    def add(self, step: int, loss: float) -> None:
        """One step's loss in nats."""
        self._losses.append(loss)
        done, end = step + 1, next(part for part in self._parts if step < part)
        if done % _REPORT_STEPS and done != end:
            return
        mean = sum(self._losses) / len(self._losses)
        self._losses.clear()
        self._known.append((done, mean))
        self._write()
        begun, started = self._since
        steps_a_second = (done - begun) / (time.monotonic() - started)
        left = (end - done) / steps_a_second
        print(
            f"{'questions' if end == self._parts[0] else 'conversations'} {done}/{end}  "
            f"loss {mean:.3f}  {steps_a_second * self._tokens:,.0f} tokens/s  "
            f"{left // 60:.0f}:{left % 60:02.0f} left",
            flush=True,
        )
        if done == end:
            self._since = (done, time.monotonic())

    def write(self) -> None:
        """Print a curve for either part, and write them beside the CSV."""
        questions, _ = self._parts
        named = (
            ("What the questions are about", [at for at in self._known if at[0] <= questions]),
            ("The answers", [at for at in self._known if at[0] > questions]),
        )
        curves = "\n".join(f"{name}\n{plot(points)}" for name, points in named if points)
        (self._work / "loss.txt").write_text(curves, encoding="utf-8")
        print(curves)

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
    last = points[-1][0]
    columns: list[list[float]] = [[] for _ in range(_WIDTH)]
    for step, loss in points:
        columns[min(_WIDTH - 1, step * _WIDTH // (last + 1))].append(loss)
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
    lines.append(f"{'nats':>7}  0{f'step {last}':>{_WIDTH - 1}}")
    return "\n".join(lines) + "\n"
