"""Bars of eight steps in a row of text."""

from __future__ import annotations

from typing import Final

STEPS: Final = 8
_BARS: Final = " ▁▂▃▄▅▆▇█"


def bar(steps: int) -> str:
    """A bar so many steps high; none below 0 and none above the row."""
    return _BARS[min(STEPS, max(0, steps))]
