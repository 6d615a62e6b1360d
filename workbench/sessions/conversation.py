"""A conversation: a tree of messages, each knowing its parent."""

from __future__ import annotations

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

    def __init__(self) -> None:
        self._messages: list[Message] = []
        self._leaf: int | None = None

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
