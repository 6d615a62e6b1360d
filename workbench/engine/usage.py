"""What the engine and the interface take of this machine."""

from __future__ import annotations

import os
from collections.abc import Callable
from time import perf_counter
from typing import Any, Final, NamedTuple

# The system counts in hundredths of a second: less would be noise.
_LEAST_SECONDS: Final = 0.1


class Usage(NamedTuple):
    """A measurement.

    ``engine`` and ``interface`` are the bytes that each process has in memory, mapped weights
    included; 0 where there is no process. ``cores`` says how busy each core of the machine
    was since the measurement before, 0 to 1; it is empty where that is not known.
    """

    engine: int
    interface: int
    cores: list[float]


class Meter:
    """Measures from its first measurement on; a call takes less than a millisecond."""

    def __init__(self, engine: Callable[[], int | None]) -> None:
        """``engine`` gives the engine's process id while there is one."""
        self._engine = engine
        self._at = float("-inf")
        self._times: list[tuple[float, float]] = []

    def measure(self) -> Usage:
        """What is used now. To be called from one thread at a time."""
        pid = self._engine()
        return Usage(
            engine=_resident(pid) if pid is not None else 0,
            interface=_resident(os.getpid()),
            cores=self._cores(),
        )

    def _cores(self) -> list[float]:
        # Here and below: it would take a good part of the time in which the interface starts.
        import psutil

        now = perf_counter()
        if now - self._at < _LEAST_SECONDS:
            return []
        before, self._times = self._times, [_busy(each) for each in psutil.cpu_times(percpu=True)]
        self._at = now
        return [
            min(1.0, max(0.0, busy - busy_before) / max(whole - whole_before, 1e-9))
            for (busy, whole), (busy_before, whole_before) in zip(self._times, before, strict=False)
        ]


def _resident(pid: int) -> int:
    import psutil

    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


def _busy(times: Any) -> tuple[float, float]:
    """Seconds that a core has computed, and all its seconds."""
    # Not every system tells all of them. A guest's time is counted as the user's already.
    waited = times.idle + getattr(times, "iowait", 0.0)
    twice = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
    whole = sum(times) - twice
    return whole - waited, whole
