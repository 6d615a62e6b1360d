"""Waiting for conditions, never for a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

# Long enough for a loaded machine; only a failing test waits it out.
_LIMIT_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 0.01


async def wait_until(condition: Callable[[], object], what: str) -> None:
    """Let the event loop run until ``condition`` holds; fail naming ``what`` if it never does."""
    deadline = time.monotonic() + _LIMIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        await asyncio.sleep(_LOOK_SECONDS)


def wait_until_blocking(condition: Callable[[], object], what: str) -> None:
    """The same without an event loop."""
    deadline = time.monotonic() + _LIMIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(_LOOK_SECONDS)
