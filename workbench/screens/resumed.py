"""Conversations that are taken up again: what is said of them, and who goes on with them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from time import time

from workbench.panes.figures import ago
from workbench.sessions.listing import Summary
from workbench.sessions.session import Session


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


def model_of(session: Session) -> Path | None:
    """The file of the model that wrote the last answer, if it is still there."""
    for message in reversed(session.conversation.path()):
        if message.model_file is not None:
            file = Path(message.model_file.path)
            return file if file.is_file() else None
    return None
