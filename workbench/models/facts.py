"""What the headers of model files say, kept so that each file is read once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from workbench import whole
from workbench.models import duplicates
from workbench.models.gguf import GgufError, Header, read_header
from workbench.models.model_file import ModelFile
from workbench.models.shape import shape_of, word


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
    """Facts of files as they were."""

    stamps: list[tuple[int, int]]
    facts: Facts
    sample: str = ""


class FactsCache:
    """Facts by path, size and time of change, in a file of the app's own.

    One thread may look while others ask for what is known.
    """

    def __init__(self, file: Path) -> None:
        """What ``file`` says; one that is missing or damaged says nothing."""
        self._file = file
        self._changed = False
        self._entries: dict[str, _Entry] = {}
        try:
            self._entries = msgspec.json.decode(file.read_bytes(), type=dict[str, _Entry])
        except (OSError, ValueError):
            # The headers are read again.
            self._changed = True

    def known(self, model: ModelFile) -> Facts | None:
        """The facts, if the model's files are still those that were read."""
        entry = self._entries.get(_key(model))
        return entry.facts if entry is not None and entry.stamps == _stamps(model) else None

    def look(self, model: ModelFile) -> Facts:
        """The facts, from the files' headers unless they are known. Reads the disk."""
        if (known := self.known(model)) is not None:
            return known
        stamps = _stamps(model)
        try:
            facts = read_facts(model)
        except OSError as error:
            # It need not stay so, and no stamp would tell.
            return Facts(problem=f"it cannot be read: {error.strerror}")
        self._entries[_key(model)] = _Entry(stamps, facts)
        self._changed = True
        return facts

    def known_sample(self, model: ModelFile) -> str:
        """What ``duplicates.sample`` has found of these files; empty if it was not asked yet."""
        entry = self._entries.get(_key(model))
        return entry.sample if entry is not None and entry.stamps == _stamps(model) else ""

    def sample(self, model: ModelFile) -> str:
        """The same, looked at now if need be. Reads the disk."""
        if known := self.known_sample(model):
            return known
        found = duplicates.sample(model)
        if found and self.known(model) is not None:
            entry = self._entries[_key(model)]
            self._entries[_key(model)] = msgspec.structs.replace(entry, sample=found)
            self._changed = True
        return found

    def fill(
        self,
        models: Iterable[ModelFile],
        on_facts: Callable[[ModelFile, Facts], object],
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        """Look at all models that are not known yet, for a thread beside the interface's."""
        for model in models:
            if stopped():
                break
            if self.known(model) is None:
                on_facts(model, self.look(model))
        for model in (each for alike in duplicates.same_sizes(models) for each in alike):
            if stopped():
                break
            self.sample(model)
        self.save(models)

    def save(self, models: Iterable[ModelFile]) -> None:
        """Write what is known of ``models``, if it is news. A disk that is full is no harm."""
        kept = {_key(model) for model in models}
        if not self._changed and kept >= self._entries.keys():
            return
        self._entries = {key: entry for key, entry in self._entries.items() if key in kept}
        try:
            whole.write(self._file, msgspec.json.encode(self._entries).decode())
        except OSError:
            return
        self._changed = False


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


def _stamps(model: ModelFile) -> list[tuple[int, int]]:
    """What tells files from others of their names; empty if one is not there."""
    try:
        facts = [file.stat() for file in model.files or (model.path,)]
    except OSError:
        return []
    return [(each.st_size, each.st_mtime_ns) for each in facts]
