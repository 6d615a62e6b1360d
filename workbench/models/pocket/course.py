"""The course of a training: a progress line, the loss as CSV and as a plot of characters."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Final

REPORT_STEPS: Final = 25
_WIDTH: Final = 64
_HEIGHT: Final = 12


class Course:
    """Keeps the loss of every 25 steps in ``loss.csv`` and says how far the training is."""

    def __init__(self, work: Path, begun: int, steps: int, tokens: int) -> None:
        """A training of ``steps`` steps of ``tokens`` tokens that goes on at ``begun``."""
        self._work = work
        self._begun = begun
        self._steps = steps
        self._tokens = tokens
        self._losses: list[float] = []
        self._file = work / "loss.csv"
        # What was reported after the checkpoint that the training goes on from comes again.
        known = read(self._file) if begun and self._file.exists() else []
        self._known = [(step, loss) for step, loss in known if step <= begun]
        self._write()

    def add(self, step: int, loss: float, seconds: float) -> None:
        """One step's loss in nats; ``seconds`` since the training began or went on."""
        self._losses.append(loss)
        done = step + 1
        if done % REPORT_STEPS and done != self._steps:
            return
        mean = sum(self._losses) / len(self._losses)
        self._losses.clear()
        self._known.append((done, mean))
        self._write()
        steps_a_second = (done - self._begun) / seconds
        left = (self._steps - done) / steps_a_second
        print(
            f"step {done}/{self._steps}  loss {mean:.3f}  "
            f"{steps_a_second * self._tokens:,.0f} tokens/s  "
            f"{left // 60:.0f}:{left % 60:02.0f} left",
            flush=True,
        )

    def write(self) -> None:
        """Print the curve, and write it beside the CSV."""
        curve = plot(self._known)
        (self._work / "loss.txt").write_text(curve, encoding="utf-8")
        print(curve)

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
