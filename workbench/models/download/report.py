"""How a download is, as it is told to whoever shows it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Literal

import msgspec

from workbench.models.download.order import Order

State = Literal["queued", "running", "waiting", "paused", "failed", "done", "cancelled"]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """How a download is.

    ``done`` of ``size`` bytes at ``speed`` bytes a second, ``remaining`` seconds (None: unknown).
    ``note`` says what it waits for or why it failed; ``path`` is the file to load, once done.
    ``at`` is when it was so, by the monotonic clock.
    """

    id: str
    repo: str
    name: str
    state: State
    done: int = 0
    size: int = 0
    speed: float = 0.0
    remaining: float | None = None
    note: str = ""
    path: Path | None = None
    at: float = 0.0


def said(
    order: Order,
    state: State,
    *,
    done: int = 0,
    speed: float = 0.0,
    remaining: float | None = None,
    note: str = "",
    path: Path | None = None,
) -> Report:
    """How ``order`` is now."""
    return Report(
        id=order.id,
        repo=order.repo,
        name=order.name,
        state=state,
        done=done,
        size=order.size,
        speed=speed,
        remaining=remaining,
        note=note,
        path=path,
        at=time.monotonic(),
    )
