"""What the workbench's workers post to it."""

from __future__ import annotations

from collections.abc import Sequence

from textual.message import Message

from workbench.engine.client import EngineDied
from workbench.engine.protocol import Event
from workbench.models.library import ModelFile


class EngineReported(Message):
    """The listening worker heard something from the engine."""

    def __init__(self, event: Event | EngineDied) -> None:
        super().__init__()
        self.event = event


class ModelsFound(Message):
    """The disk has been searched for models."""

    def __init__(self, models: Sequence[ModelFile]) -> None:
        super().__init__()
        self.models = models
