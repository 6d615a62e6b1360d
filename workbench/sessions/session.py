"""A conversation, and where it stands in the store."""

from __future__ import annotations

import copy

import msgspec

from workbench.sessions.conversation import Conversation, Message


class Place(msgspec.Struct, frozen=True):
    """Where a conversation stands in the store.

    ``rows`` are the store's numbers of its messages, in their order; ``written`` says of those
    that were open when they were last written how much of text and thoughts is there. ``file``
    tells the store from one that takes its place.
    """

    file: int
    id: int
    rows: list[int]
    written: dict[int, tuple[int, int]] = {}


class Snapshot(msgspec.Struct, frozen=True):
    """What there is to keep at a moment; messages that may still change are copies."""

    messages: list[Message]
    leaf: int | None
    system: str
    draft: str

    @property
    def is_empty(self) -> bool:
        """Whether there is not a word in it."""
        return not (self.messages or self.draft.strip() or self.system)


class Session:
    """A conversation with its system prompt, and what is written in the prompt but not sent.

    It belongs to the thread that changes the conversation; ``place`` to whoever writes it.
    """

    def __init__(
        self,
        conversation: Conversation | None = None,
        *,
        system: str = "",
        draft: str = "",
        place: Place | None = None,
    ) -> None:
        self.conversation = conversation or Conversation()
        self.system = system
        self.draft = draft
        self.place = place
        # Those from here on, and these before, may have changed since the last snapshot. What
        # the store holds open is somebody else's.
        self._n_seen = len(place.rows) if place else 0
        self._open: set[int] = set()

    @property
    def id(self) -> int | None:
        """The store's number of it; None before anything was written."""
        return self.place.id if self.place else None

    def snapshot(self) -> Snapshot:
        """What there is to keep now. It costs little; writing it is for another thread."""
        messages = self.conversation.messages
        candidates = [*self._open, *range(self._n_seen, len(messages))]
        self._open = {number for number in candidates if messages[number].is_open}
        self._n_seen = len(messages)
        for number in self._open:
            messages[number] = copy.copy(messages[number])
        return Snapshot(messages, self.conversation.leaf, self.system, self.draft)
