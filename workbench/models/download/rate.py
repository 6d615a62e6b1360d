"""How fast bytes may come, and how fast they do."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Final

# Long enough to be calm, short enough to notice that a line got slow.
_WINDOW_SECONDS: Final = 5.0
# What is read at once under a limit, in seconds of it.
_READ_SECONDS: Final = 0.05


class Limit:
    """At most so many bytes a second, for all connections together."""

    def __init__(self, rate: float | None) -> None:
        """``rate`` in bytes a second; None lets everything through."""
        self.rate = rate
        self._free_at = 0.0
        self._lock = threading.Lock()

    @property
    def most(self) -> int | None:
        """How many bytes to read at once at most."""
        return max(1024, int(self.rate * _READ_SECONDS)) if self.rate else None

    def spend(self, n_bytes: int) -> float:
        """Take note of bytes that came; returns for how many seconds to take no more."""
        if not self.rate:
            return 0.0
        with self._lock:
            now = time.monotonic()
            self._free_at = max(self._free_at, now) + n_bytes / self.rate
            return max(0.0, self._free_at - now)


class Speed:
    """Bytes a second over the last seconds."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def saw(self, n_bytes: int) -> None:
        """``n_bytes`` are there by now."""
        now = time.monotonic()
        self._seen.append((now, n_bytes))
        while len(self._seen) > 2 and self._seen[1][0] < now - _WINDOW_SECONDS:
            self._seen.popleft()

    @property
    def rate(self) -> float:
        """Bytes a second; 0 before anything is known."""
        if len(self._seen) < 2:
            return 0.0
        (first, before), (last, now) = self._seen[0], self._seen[-1]
        return max(0.0, (now - before) / (last - first)) if last > first else 0.0
