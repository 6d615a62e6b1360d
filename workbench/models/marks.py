"""Which models a person likes, and which they used last; in a file of the app's own."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import msgspec
import tomli_w

from workbench import whole
from workbench.models.model_file import ModelFile

_MOST_USED: Final = 200


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
        return _read(file)
    except (OSError, ValueError):
        return Marks()


def toggle(file: Path, model: Path) -> None:
    """Make a model a favourite, or no longer one. Raises OSError."""
    _change(file, lambda marks: marks.toggled(model))


def used_now(file: Path, model: Path) -> None:
    """Remember that a model is used now. A disk that is full is no harm."""
    with contextlib.suppress(OSError):
        _change(file, lambda marks: marks.using(model, time.time()))


def _change(file: Path, change: Callable[[Marks], Marks]) -> None:
    """Write all of what is changed or nothing, one after another. Raises OSError.

    What is there and cannot be read stays as it is: it may be all of a person's favourites.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.with_name(f".{file.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            marks = _read(file)
        except FileNotFoundError:
            marks = Marks()
        except ValueError as error:
            damaged = f"{file} is damaged; mend it or remove it"
            raise OSError(errno.EINVAL, damaged) from error
        _save(file, change(marks))


def _read(file: Path) -> Marks:
    return msgspec.toml.decode(file.read_bytes(), type=Marks)


def _save(file: Path, marks: Marks) -> None:
    # Paths need not be Unicode, files of TOML must be; such a path is not remembered.
    kept = Marks(
        [path for path in marks.favourites if _writable(path)],
        {path: time for path, time in marks.used.items() if _writable(path)},
    )
    whole.write(file, tomli_w.dumps(msgspec.to_builtins(kept)))


def _writable(path: str) -> bool:
    return path.isprintable()
