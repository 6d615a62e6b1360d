"""Which models a person likes, and which they used last; in a file of the app's own."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import msgspec
import tomli_w

from workbench import whole
from workbench.models.model_file import ModelFile

_MOST_USED: Final = 200
# Two keys in short order are two threads.
_changing: Final = threading.Lock()


class Marks(msgspec.Struct, frozen=True):
    """Models by their paths: ``favourites``, and when each was ``used`` last, in Unix time."""

    favourites: list[str] = []
    used: dict[str, float] = {}

    def last_used(self, model: ModelFile) -> float:
        """When the model was used last, in Unix time; 0 if never."""
        return self.used.get(str(model.path), 0.0)

    def is_favourite(self, model: ModelFile) -> bool:
        """Whether a person marked it."""
        return str(model.path) in self.favourites

    def using(self, path: Path, now: float) -> Marks:
        """The marks once a model is used."""
        latest = sorted({**self.used, str(path): now}.items(), key=lambda each: -each[1])
        return Marks(self.favourites, dict(latest[:_MOST_USED]))

    def toggled(self, path: Path) -> Marks:
        """The marks with the model a favourite, or no longer one."""
        others = [each for each in self.favourites if each != str(path)]
        was = len(others) < len(self.favourites)
        return Marks(others if was else [*others, str(path)], self.used)

    def ordered(self, models: Iterable[ModelFile]) -> list[ModelFile]:
        """Favourites first, then what was used last, then the others as they come."""
        return sorted(
            models, key=lambda model: (not self.is_favourite(model), -self.last_used(model))
        )


def load(file: Path) -> Marks:
    """What ``file`` says; a file that is missing or damaged says nothing."""
    try:
        return msgspec.toml.decode(file.read_bytes(), type=Marks)
    except (OSError, ValueError):
        return Marks()


def save(file: Path, marks: Marks) -> None:
    """Write all of it or nothing. Raises OSError."""
    # Paths need not be Unicode, files of TOML must be; such a path is not remembered.
    kept = Marks(
        [path for path in marks.favourites if _writable(path)],
        {path: time for path, time in marks.used.items() if _writable(path)},
    )
    whole.write(file, tomli_w.dumps(msgspec.to_builtins(kept)))


def change(file: Path, changed: Callable[[Marks], Marks]) -> None:
    """Write what ``changed`` makes of the marks. Raises OSError, also where they are not read."""
    with _changing:
        if file.exists():
            # What cannot be read now must not be taken for nothing and written over.
            file.read_bytes()
        save(file, changed(load(file)))


def used_now(file: Path, model: Path) -> None:
    """Remember that a model is used now. A disk that is full is no harm."""
    with contextlib.suppress(OSError):
        change(file, lambda marks: marks.using(model, time.time()))


def _writable(path: str) -> bool:
    return path.isprintable()
