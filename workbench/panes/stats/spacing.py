"""How evenly the tokens of an answer come."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from typing import Final

# So many times are kept, and percentiles are exact. Of more, as many are kept by chance, each
# as likely as any other: a rank is then right to half a per cent.
_MOST: Final = 4096


class Spacing:
    """The times between an answer's tokens, in no order."""

    def __init__(self) -> None:
        self._gaps: list[float] = []
        self._n_seen = 0
        self._is_sorted = True
        self._chance = random.Random(0)

    def add(self, gaps: Iterable[float]) -> None:
        """Count these times too."""
        for gap in gaps:
            self._n_seen += 1
            if len(self._gaps) < _MOST:
                self._gaps.append(gap)
            elif (place := self._chance.randrange(self._n_seen)) < _MOST:
                self._gaps[place] = gap
            self._is_sorted = False

    def clear(self) -> None:
        """Begin anew."""
        self._gaps.clear()
        self._n_seen = 0

    def percentile(self, share: float) -> float | None:
        """The least of the times that ``share`` of them, 0 to 1, do not exceed."""
        if not self._gaps:
            return None
        if not self._is_sorted:
            self._gaps.sort()
            self._is_sorted = True
        return self._gaps[max(0, math.ceil(share * len(self._gaps)) - 1)]
