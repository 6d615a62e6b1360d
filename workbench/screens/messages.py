"""What workers post to the app and its screens."""

from __future__ import annotations

from collections.abc import Sequence

from textual.message import Message

from workbench.engine.client import EngineDied
from workbench.engine.protocol import Event
from workbench.models.library import ModelFile
from workbench.screens.sessions.screen import Wanted
from workbench.sessions.listing import Summary
from workbench.sessions.session import Session


class EngineReported(Message, bubble=False):
    """The listening worker heard something from the engine."""

    def __init__(self, event: Event | EngineDied) -> None:
        super().__init__()
        self.event = event


class CutOffFound(Message):
    """Conversations were found whose apps are gone, the newest first."""

    def __init__(self, found: Sequence[Summary]) -> None:
        super().__init__()
        self.found = found


class SessionOpened(Message):
    """A conversation has been read from the store; None if another process took it."""

    def __init__(self, session: Session | None, wanted: Wanted | None = None) -> None:
        """``wanted`` says where in it to begin."""
        super().__init__()
        self.session = session
        self.wanted = wanted


class Begun(Message):
    """It is known what the app opens with; None is a new conversation."""

    def __init__(self, session: Session | None) -> None:
        super().__init__()
        self.session = session


class NotKept(Message):
    """The store does not do what it should; ``trouble`` is a sentence on that."""

    def __init__(self, trouble: str) -> None:
        super().__init__()
        self.trouble = trouble


class Copied(Message):
    """Text has been copied; ``ways`` is a sentence on where to."""

    def __init__(self, ways: str) -> None:
        super().__init__()
        self.ways = ways


class ModelsFound(Message):
    """The disk has been searched for models."""

    def __init__(self, models: Sequence[ModelFile]) -> None:
        super().__init__()
        self.models = models
