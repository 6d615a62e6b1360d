"""A conversation: a tree of messages, each knowing its parent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from time import time
from typing import Annotated, Final, Literal

import msgspec

from workbench.parameters.kinds import Value
from workbench.untrusted import without_controls

Role = Literal["system", "user", "assistant"]

# What a file brings is held to these; SQLite has no larger whole numbers.
Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Figure = Annotated[float, msgspec.Meta(ge=0)]
_LAST_MOMENT: Final = 253_370_764_800
Moment = Annotated[float, msgspec.Meta(ge=0, le=_LAST_MOMENT)]
"""Seconds of the epoch, until the year 9999."""


def local(at: float) -> datetime:
    """A moment by the clock of this place, whatever a file says it is."""
    return datetime.fromtimestamp(min(max(at, 0), _LAST_MOMENT)).astimezone()


def to_the_minute(at: float) -> str:
    """The same for people: ``2026-11-26 09:05``."""
    return f"{local(at):%Y-%m-%d %H:%M}"


class ModelFile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The file of the model that wrote an answer, and what tells it from others of its name.

    ``size`` is in bytes, ``mtime_ns`` when it was last changed; ``sha256`` is empty where
    nobody has computed it.
    """

    path: str
    size: Count = 0
    mtime_ns: Count = 0
    sha256: str = ""

    @classmethod
    def of(cls, file: Path) -> ModelFile:
        """What is known of ``file`` without reading it."""
        try:
            facts = file.stat()
        except OSError:
            return cls(path=without_controls(str(file)))
        return cls(path=without_controls(str(file)), size=facts.st_size, mtime_ns=facts.st_mtime_ns)


class Message(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What one side said.

    ``thoughts`` is what a model thought before it wrote ``text``. ``finish`` is empty while
    an answer is open, then says why it ended: whoever writes sets it last, and the message
    does not change any more. ``at`` is when it was begun, in seconds of the epoch; 0 is not
    known.

    Of an answer: ``model`` names the model that wrote it, ``model_file`` its file;
    ``parameters`` are all that differed from the table's defaults, be it by a person, a preset
    or the model's file, and ``seed`` is the one drawn by. ``n_tokens`` of it were written at
    ``tps`` tokens per second, after a prompt of ``n_prompt`` tokens, ``n_cached`` of which were
    not read anew; ``n_ctx`` is the context's length. Times are in milliseconds. The first
    ``given`` characters of ``text`` and ``given_thoughts`` of ``thoughts`` were not drawn: the
    model was to go on with them.
    """

    id: int
    parent: int | None
    role: Role
    text: str = ""
    thoughts: str = ""
    model: str = ""
    finish: str = ""
    n_tokens: Count = 0
    tps: Figure = 0.0
    at: Moment = 0.0
    model_file: ModelFile | None = None
    parameters: dict[str, Value] = {}
    seed: Count | None = None
    n_prompt: Count = 0
    n_cached: Count = 0
    n_ctx: Count = 0
    prompt_ms: Figure = 0.0
    ttft_ms: Figure = 0.0
    decode_ms: Figure = 0.0
    given: Count = 0
    given_thoughts: Count = 0

    @property
    def is_as_given(self) -> bool:
        """Whether a model that was to go on with it wrote nothing more."""
        return len(self.text) == self.given and len(self.thoughts) == self.given_thoughts

    @property
    def is_open(self) -> bool:
        """Whether it is being written."""
        return self.role == "assistant" and not self.finish


class Conversation:
    """Messages as a tree; a transcript is the path from the root to the present leaf."""

    def __init__(self, messages: Sequence[Message] = (), leaf: int | None = None) -> None:
        """``messages`` in the order of their ids. Raises ValueError if they are no tree."""
        self._messages: list[Message] = []
        self._children: defaultdict[int | None, list[Message]] = defaultdict(list)
        for number, message in enumerate(messages):
            parent = message.parent
            if message.id != number or (parent is not None and not 0 <= parent < number):
                raise ValueError(f"message {number} has no place in the tree")
            self._append(message)
        if leaf is not None and not 0 <= leaf < len(messages):
            raise ValueError(f"there is no message {leaf}")
        self._leaf = leaf
        # What a fork has versions of; all of it where nothing was forked off.
        self._own: set[int] | None = None

    def fork(self) -> Conversation:
        """Another path in the same tree: what is added to either is there for both.

        What others add from now on is no version of what this path shows.
        """
        other = Conversation()
        other._messages, other._children = self._messages, self._children
        other._leaf = self._leaf
        other._own = set(range(len(self._messages)) if self._own is None else self._own)
        return other

    @property
    def messages(self) -> list[Message]:
        """Every message, also those off the path."""
        return list(self._messages)

    def add(self, role: Role, text: str = "", *, model: str = "") -> Message:
        """Append a message under the present leaf and make it the leaf."""
        message = Message(
            id=len(self._messages),
            parent=self._leaf,
            role=role,
            text=text,
            model=model,
            at=round(time(), 3),
        )
        self._append(message)
        self._leaf = message.id
        if self._own is not None:
            self._own.add(message.id)
        return message

    def _append(self, message: Message) -> None:
        self._messages.append(message)
        self._children[message.parent].append(message)

    def path(self) -> list[Message]:
        """The messages from the root to the present leaf."""
        path: list[Message] = []
        step = self._leaf
        while step is not None:
            path.append(self._messages[step])
            step = path[-1].parent
        return path[::-1]

    @property
    def leaf(self) -> int | None:
        """The last message of the path; None before there is any."""
        return self._leaf

    def message(self, number: int) -> Message:
        """The message of this ``id``."""
        return self._messages[number]

    def was_asked(self, number: int) -> bool:
        """Whether a message is a prompt, or an answer to one."""
        message = self._messages[number]
        return message.role == "user" or (
            message.parent is not None and self._messages[message.parent].role == "user"
        )

    def versions(self, message: Message) -> list[Message]:
        """What was written in the place of ``message``, itself included, the oldest first.

        Prompts that never got an answer do not count, nor do answers that never began.
        """
        return [
            each
            for each in self._children[message.parent]
            if each is message or (each.role == message.role and self._counts(each))
        ]

    def _counts(self, message: Message) -> bool:
        """Whether it is one of this path's, and more than a prompt that was taken back."""
        if self._own is not None and message.id not in self._own:
            return False
        if message.role == "user":
            return any(map(self._counts, self._children[message.id]))
        # A model may have had nothing to say.
        return bool(message.text or message.thoughts) or message.finish == "stop"

    def go_to(self, leaf: int | None) -> None:
        """Let the path end with this message; those behind it stay in the tree."""
        self._leaf = leaf
        if self._own is not None:
            self._own.update(message.id for message in self.path())

    def show(self, message: Message) -> None:
        """Let the path lead through ``message``, and on by what was written last behind it.

        What does not count as a version is passed over.
        """
        while behind := [*filter(self._counts, self._children[message.id])]:
            message = behind[-1]
        self.go_to(message.id)
