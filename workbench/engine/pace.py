"""How often the engine reports."""

from __future__ import annotations

from time import perf_counter
from typing import Final

# More cannot be read, and every event wakes whoever listens: where llama.cpp computes on all
# cores that takes one of them for that long, and the others wait.
REPORTS_A_SECOND: Final = 20


class Pace:
    """Lets through at most so many events a second."""

    def __init__(self, reports_a_second: int = REPORTS_A_SECOND) -> None:
        self._seconds = 1 / reports_a_second
        self._last = float("-inf")

    def due(self) -> bool:
        """Whether an event may go out now; counts it as gone if so."""
        now = perf_counter()
        if now - self._last < self._seconds:
            return False
        self._last = now
        return True
