"""What stands behind the title of a message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from workbench.panes.figures import per_second, tokens
from workbench.sessions.conversation import Message

_REASONS: Final = {
    "length": "max_tokens reached",
    "context": "context full",
    "cancelled": "stopped",
    "failed": "failed",
    "died": "the engine died",
    "cut off": "interrupted",
}


def remark(message: Message, versions: Sequence[Message]) -> str:
    """Which version it is, how long it took, and why it ended if not by itself."""
    number = versions.index(message) + 1
    return ", ".join(
        filter(
            None,
            (
                f"{number} of {len(versions)}" if len(versions) > 1 else "",
                tokens(message.n_tokens) if message.n_tokens and message.finish else "",
                f"{per_second(message.tps)} t/s" if message.tps else "",
                _REASONS.get(message.finish, ""),
            ),
        )
    )
