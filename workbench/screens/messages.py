"""What workers post to the app and its screens."""

from __future__ import annotations

from collections.abc import Sequence

from textual.message import Message

from workbench.engine.client import EngineDied
from workbench.engine.protocol import Event
from workbench.models.model_file import ModelFile
from workbench.sessions.rescue import CutOff


class EngineReported(Message, bubble=False):
    """The listening worker heard something from the engine."""

    def __init__(self, event: Event | EngineDied) -> None:
        super().__init__()
        self.event = event


class CutOffFound(Message):
    """A conversation was found whose app is gone."""

    def __init__(self, cut_off: CutOff) -> None:
        super().__init__()
        self.cut_off = cut_off


class NotKept(Message):
    """The conversation could not be written to the disk."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


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
