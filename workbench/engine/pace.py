"""How often the engine reports."""

from __future__ import annotations

from time import perf_counter
from typing import Final

# A terminal shows no more, and each event costs the interface.
_SECONDS: Final = 1 / 30


class Pace:
    """Lets through at most thirty events a second."""

    def __init__(self) -> None:
        self._last = float("-inf")

    def due(self) -> bool:
        """Whether an event may go out now; counts it as gone if so."""
        now = perf_counter()
        if now - self._last < _SECONDS:
            return False
        self._last = now
        return True
