"""What workers post to the app and its screens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from textual.message import Message

from workbench.engine.client import EngineDied
from workbench.engine.protocol import Event
from workbench.models import checksum
from workbench.models.facts import Facts
from workbench.models.marks import Marks
from workbench.models.model_file import ModelFile
from workbench.models.removal import Removal
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


class FileWritten(Message):
    """A conversation has been written to a file, but for a ``problem``."""

    def __init__(self, file: Path, problem: str) -> None:
        super().__init__()
        self.file = file
        self.problem = problem


class FilesTaken(Message):
    """Conversations of a file are in the store, but for a ``problem``.

    ``numbers`` are theirs, ``notes`` say what was left out.
    """

    def __init__(
        self, file: Path, numbers: Sequence[int], notes: Sequence[str], problem: str
    ) -> None:
        super().__init__()
        self.file = file
        self.numbers = numbers
        self.notes = notes
        self.problem = problem


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
    """The disk has been searched for models; ``facts`` are what was known of them before.

    ``used`` are the bytes that they take together.
    """

    def __init__(
        self,
        models: Sequence[ModelFile],
        marks: Marks,
        facts: Mapping[Path, Facts],
        used: int,
    ) -> None:
        super().__init__()
        self.models = models
        self.marks = marks
        self.facts = facts
        self.used = used


class FactsRead(Message):
    """The headers of some models have been read."""

    def __init__(self, facts: Mapping[Path, Facts]) -> None:
        super().__init__()
        self.facts = facts


class MarksChanged(Message):
    """Another model is a favourite, or was used; a ``problem`` kept that from lasting."""

    def __init__(self, marks: Marks, problem: str = "") -> None:
        super().__init__()
        self.marks = marks
        self.problem = problem


class Checked(Message):
    """A part of a model has been read; ``found`` is what came of it once all has."""

    def __init__(
        self, model: ModelFile, part: float, found: Sequence[checksum.Checked] | None = None
    ) -> None:
        super().__init__()
        self.model = model
        self.part = part
        self.found = found


class RemovalPlanned(Message):
    """It is known what would go with a model, or why it cannot be removed."""

    def __init__(self, model: ModelFile, plan: Removal | None, problem: str = "") -> None:
        super().__init__()
        self.model = model
        self.plan = plan
        self.problem = problem


class RemovalEnded(Message):
    """A model has been removed, but for a ``problem``."""

    def __init__(self, model: ModelFile, problem: str = "") -> None:
        super().__init__()
        self.model = model
        self.problem = problem
