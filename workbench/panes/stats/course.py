"""The speed over time."""

from __future__ import annotations

import math
from collections import deque
from typing import Final

from workbench.panes.stats.bars import STEPS, bar

# More than the widest pane shows.
_POINTS: Final = 240
# A scale that is one of these, times a power of ten, seldom changes.
_SCALES: Final = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)


class Course:
    """The speed at every look at it, by the engine's own clock."""

    def __init__(self) -> None:
        self._points: deque[float] = deque(maxlen=_POINTS)
        self._n_tokens = 0
        self._milliseconds = 0.0
        self._answer_has_points = False

    @property
    def speed(self) -> float | None:
        """The last point."""
        return self._points[-1] if self._points else None

    def add(self, gaps: list[float]) -> None:
        """Tokens have come, each so many milliseconds after the one before it."""
        self._n_tokens += len(gaps)
        self._milliseconds += sum(gaps)

    def look(self) -> bool:
        """Draw a point of what has come since the last look; whether anything has."""
        has_come = self._milliseconds > 0
        if has_come:
            self._points.append(self._n_tokens / self._milliseconds * 1000)
            self._answer_has_points = True
        self._n_tokens, self._milliseconds = 0, 0.0
        return has_come

    def end(self) -> None:
        """The answer is over: its last tokens are a point only if it has no other."""
        if not self._answer_has_points:
            self.look()
        self._n_tokens, self._milliseconds = 0, 0.0
        self._answer_has_points = False

    def clear(self) -> None:
        """Begin anew."""
        self._points.clear()
        self.end()

    def scale(self, width: int) -> float:
        """The speed at the top of as many points as there is width for; 0 without any."""
        most = max(self._last(width), default=0.0)
        if most <= 0:
            return 0.0
        power = 10.0 ** math.floor(math.log10(most))
        return power * next(step for step in _SCALES if step * power >= most * (1 - 1e-9))

    def rows(self, width: int, height: int) -> list[str]:
        """The points as bars, the newest at the right; the scale begins at nothing."""
        points, most = self._last(width), self.scale(width)
        bars = [0] * (width - len(points)) + [
            max(1, round(point / most * STEPS * height)) for point in points
        ]
        return [
            "".join(bar(steps - row * STEPS) for steps in bars) for row in reversed(range(height))
        ]

    def _last(self, width: int) -> list[float]:
        return list(self._points)[-width:]
