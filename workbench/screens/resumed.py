"""A conversation that was cut off: how it is offered."""

from __future__ import annotations

from time import time

from workbench.panes.figures import ago
from workbench.sessions.rescue import CutOff


def offer(cut_off: CutOff) -> str:
    """A word on what was found."""
    n_messages = len(cut_off.conversation.path())
    messages = f"{n_messages} message{'s' if n_messages != 1 else ''}"
    what, size = ("A conversation", messages) if n_messages else ("A prompt", "not sent")
    said = f"{what} was cut off ({size}, {ago(time() - cut_off.at)}): ctrl+r brings it back."
    if cut_off.others:
        said += " Older ones wait: each new chat offers the next."
    return said
