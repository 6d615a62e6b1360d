"""A conversation: a tree of messages, each knowing its parent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

Role = Literal["system", "user", "assistant"]


class Message(msgspec.Struct, kw_only=True):
    """What one side said.

    ``thoughts`` is what a model thought before it wrote ``text``. ``finish`` is empty while
    an answer is open, then says why it ended; ``model`` names the model that wrote it.
    """

    id: int
    parent: int | None
    role: Role
    text: str = ""
    thoughts: str = ""
    model: str = ""
    finish: str = ""


class Conversation:
    """Messages as a tree; a transcript is the path from the root to the present leaf."""

    def __init__(self, messages: Sequence[Message] = (), leaf: int | None = None) -> None:
        """``messages`` in the order of their ids. Raises ValueError if they are no tree."""
        for number, message in enumerate(messages):
            parent = message.parent
            if message.id != number or (parent is not None and not 0 <= parent < number):
                raise ValueError(f"message {number} has no place in the tree")
        if leaf is not None and not 0 <= leaf < len(messages):
            raise ValueError(f"there is no message {leaf}")
        self._messages = list(messages)
        self._leaf = leaf

    @property
    def messages(self) -> list[Message]:
        """Every message, also those off the path."""
        return list(self._messages)

    @property
    def leaf(self) -> int | None:
        """The present leaf's id."""
        return self._leaf

    def add(self, role: Role, text: str = "", *, model: str = "") -> Message:
        """Append a message under the present leaf and make it the leaf."""
        message = Message(
            id=len(self._messages), parent=self._leaf, role=role, text=text, model=model
        )
        self._messages.append(message)
        self._leaf = message.id
        return message

    def path(self) -> list[Message]:
        """The messages from the root to the present leaf."""
        path: list[Message] = []
        step = self._leaf
        while step is not None:
            path.append(self._messages[step])
            step = path[-1].parent
        return path[::-1]

    def withdraw(self, message: Message) -> None:
        """Make ``message``'s parent the leaf again; the message itself stays in the tree."""
        self._leaf = message.parent
