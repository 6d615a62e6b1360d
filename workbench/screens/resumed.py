"""Conversations that were cut off: how they are offered."""

from __future__ import annotations

from collections.abc import Sequence
from time import time

from workbench.panes.figures import ago
from workbench.sessions.listing import Summary


def offer(found: Sequence[Summary]) -> str:
    """A word on what was found, the newest first."""
    newest, *others = found
    n_messages = newest.n_messages
    messages = f"{n_messages} message{'s' if n_messages != 1 else ''}"
    what, size = ("A conversation", messages) if n_messages else ("A prompt", "not sent")
    since = ago(max(0.0, time() - newest.updated))
    said = f"{what} was cut off ({size}, {since}): ctrl+r brings it back."
    if others:
        said += " Older ones wait: each new chat offers the next."
    return said
