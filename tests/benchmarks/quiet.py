"""Measuring on a machine that others use too.

llama.cpp's threads wait for each other in spin loops: a neighbour on one of two cores costs
not a few per cent but nine tenths of the speed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Final, TypeVar

import psutil

_Value = TypeVar("_Value")

_QUIET: Final = 0.05
_PATIENCE_SECONDS: Final = 20.0
_LOOK_SECONDS: Final = 0.5


def measured(measure: Callable[[], _Value], *, attempts: int) -> tuple[_Value, float]:
    """What ``measure`` returns and how many cores others used meanwhile.

    It starts when others leave the machine alone (or patience ends), and is done again if
    they did not stay away: the least disturbed of ``attempts`` counts. With a single attempt
    it starts at once. All processes that ``measure`` starts must have ended when it returns.
    """
    tries: list[tuple[float, _Value]] = []
    for _ in range(attempts):
        if attempts > 1:
            _wait_until_quiet()
        others = _Others()
        value = measure()
        tries.append((others.cores(), value))
        if tries[-1][0] < _QUIET:
            break
    disturbed, value = min(tries, key=lambda each: each[0])
    return value, disturbed


class _Others:
    """CPU time that neither this process nor its children used, from now on."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._before = self._seconds()

    def cores(self) -> float:
        """On average since the start."""
        return max(0.0, self._seconds() - self._before) / (time.perf_counter() - self._started)

    @staticmethod
    def _seconds() -> float:
        times = psutil.cpu_times()
        busy: float = sum(times) - times.idle
        # What does not exist on every system, or is counted within user time already.
        busy -= getattr(times, "iowait", 0.0)
        busy -= getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
        own = os.times()
        return busy - own.user - own.system - own.children_user - own.children_system


def _wait_until_quiet() -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        others = _Others()
        time.sleep(_LOOK_SECONDS)
        if others.cores() < _QUIET:
            return
