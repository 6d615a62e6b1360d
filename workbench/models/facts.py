"""What the headers of model files say, kept so that each file is read once."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec

from workbench import whole
from workbench.models import duplicates
from workbench.models.gguf import GgufError, Header, read_header
from workbench.models.model_file import ModelFile
from workbench.models.shape import shape_of, word

Stamps = list[tuple[int, int]]
"""The sizes and the times of change of a model's files."""


class Facts(msgspec.Struct, frozen=True):
    """What a person wants to know of a model before loading it.

    ``n_ctx`` is the trained length in tokens; ``problem`` says why the file is of no use.
    """

    architecture: str = ""
    title: str = ""
    quantisation: str = ""
    n_params: int = 0
    n_ctx: int = 0
    n_layers: int = 0
    problem: str = ""


class _Entry(msgspec.Struct, frozen=True):
    """What is known of files as they were."""

    stamps: Stamps
    facts: Facts | None = None
    hashes: list[str] = []
    sample: str = ""


class FactsCache:
    """What is known by path, size and time of change, in a file of the app's own.

    Threads may look and ask at the same time.
    """

    def __init__(self, file: Path) -> None:
        """What ``file`` says; one that is missing or damaged says nothing."""
        self._file = file
        self._changed = False
        self._entries: dict[str, _Entry] = {}
        # What was asked for is kept, listed or not.
        self._asked: set[str] = set()
        self._lock = threading.Lock()
        try:
            self._entries = msgspec.json.decode(file.read_bytes(), type=dict[str, _Entry])
        except (OSError, ValueError):
            # The headers are read again.
            self._changed = True

    def known(self, model: ModelFile) -> Facts | None:
        """The facts, if the model's files are still those that were read."""
        return self._entry(model).facts

    def look(self, model: ModelFile) -> Facts:
        """The facts, from the files' headers unless they are known. Reads the disk."""
        entry = self._entry(model)
        if entry.facts is not None:
            return entry.facts
        try:
            facts = read_facts(model)
        except OSError as error:
            # It need not stay so, and no stamp would tell.
            return Facts(problem=f"it cannot be read: {error.strerror}")
        self._keep(model, entry.stamps, facts=facts)
        return facts

    def hashes(self, model: ModelFile) -> tuple[str, ...]:
        """The SHA-256 of the model's files: as they were read, or else as their place tells."""
        with self._lock:
            entry = self._entries.get(_key(model))
        # Few have been; the others' files need not be looked at.
        if entry is None or not entry.hashes:
            return model.hashes
        return tuple(self._entry(model).hashes) or model.hashes

    def keep_hashes(self, model: ModelFile, stamps: Stamps, hashes: Sequence[str]) -> None:
        """Remember the SHA-256 of files that had these stamps before they were read."""
        self._keep(model, stamps, hashes=list(hashes))
        self._write()

    def known_sample(self, model: ModelFile) -> str:
        """What ``duplicates.sample`` has found of these files; empty if nothing yet."""
        return self._entry(model).sample

    def fill(
        self,
        models: Iterable[ModelFile],
        on_facts: Callable[[ModelFile, Facts], object],
        stopped: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Look at all models that are not known yet, for a thread beside the interface's.

        Returns whether some of them may turn out to be the same as others by now.
        """
        models = list(models)
        for model in models:
            if stopped():
                break
            if self.known(model) is None:
                on_facts(model, self.look(model))
        is_news = False
        for model in duplicates.doubtful(models, self):
            if stopped():
                break
            is_news = self._take_sample(model) or is_news
        self.save(models)
        return is_news

    def _take_sample(self, model: ModelFile) -> bool:
        entry = self._entry(model)
        if entry.sample:
            return False
        try:
            sample = duplicates.sample(model.files or (model.path,))
        except (GgufError, OSError):
            return False
        self._keep(model, entry.stamps, sample=sample)
        return True

    def save(self, models: Iterable[ModelFile]) -> None:
        """Write what is known of ``models``, if it is news. A disk that is full is no harm."""
        with self._lock:
            kept = {_key(model) for model in models} | self._asked
            if not self._changed and kept >= self._entries.keys():
                return
            self._entries = {key: entry for key, entry in self._entries.items() if key in kept}
        self._write()

    def _write(self) -> None:
        with self._lock:
            text = msgspec.json.encode(self._entries).decode()
            try:
                whole.write(self._file, text)
            except OSError:
                return
            self._changed = False

    def _entry(self, model: ModelFile) -> _Entry:
        """What is known of the files as they are now."""
        key, stamps = _key(model), stamps_of(model)
        with self._lock:
            self._asked.add(key)
            entry = self._entries.get(key)
        return entry if entry is not None and entry.stamps == stamps else _Entry(stamps)

    def _keep(self, model: ModelFile, stamps: Stamps, **news: object) -> None:
        key = _key(model)
        with self._lock:
            entry = self._entries.get(key)
            if entry is None or entry.stamps != stamps:
                entry = _Entry(stamps)
            self._entries[key] = msgspec.structs.replace(entry, **news)
            self._changed = True


def read_facts(model: ModelFile) -> Facts:
    """The facts as the files' headers have them now. Raises OSError."""
    headers: list[Header] = []
    try:
        for file in model.files or (model.path,):
            header = read_header(file)
            if header.file_size > file.stat().st_size:
                return Facts(problem="part of its data is missing")
            headers.append(header)
    except GgufError as error:
        return Facts(problem=word(str(error)))
    shape = shape_of(headers)
    title = headers[0].metadata.get("general.name")
    return Facts(
        architecture=shape.architecture,
        title=word(title) if isinstance(title, str) else "",
        quantisation=model.quantisation or shape.quantisation,
        n_params=shape.n_params,
        n_ctx=shape.n_ctx,
        n_layers=shape.n_layers,
    )


def _key(model: ModelFile) -> str:
    # Paths need not be Unicode; JSON must be.
    return os.fsencode(model.path).decode("latin-1")


def stamps_of(model: ModelFile) -> Stamps:
    """What tells files from others of their names; empty if one is not there."""
    try:
        facts = [file.stat() for file in model.files or (model.path,)]
    except OSError:
        return []
    return [(each.st_size, each.st_mtime_ns) for each in facts]
