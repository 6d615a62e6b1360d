"""A model as it lies on the disk: one file, or all parts of a split one."""

from __future__ import annotations

import os
import re
import stat
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from workbench.models import naming, pocket

# How the Hub's cache and Ollama name a blob.
_BLOB: Final = re.compile(r"(?:sha256-)?([0-9a-f]{64})")


class ModelFile(msgspec.Struct, frozen=True):
    """A model that can be loaded.

    ``path`` is the file to hand to llama.cpp (of a split model, its first part), ``size`` the
    bytes of all its parts, ``missing`` the parts of a split model that are not there.
    ``files`` are all parts, ``hashes`` their SHA-256 where the place they are in tells.
    ``also`` says where else the same bytes are found, ``copies`` are the files there.
    """

    name: str
    path: Path
    size: int
    source: str
    quantisation: str = ""
    missing: int = 0
    files: tuple[Path, ...] = ()
    hashes: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    copies: tuple[Path, ...] = ()

    @property
    def place(self) -> str:
        """Where the model lives, in words or as a folder."""
        if self.path == pocket.MODEL_FILE:
            return "comes with Workbench"
        return _short(self.path.parent)

    @property
    def repo(self) -> str:
        """Whose model it is, ``owner/name``; empty where it does not lie in the Hub's cache."""
        # Its folder is called like a commit, and below it may be others.
        return self.source if "snapshots" in (each.name for each in self.path.parents) else ""

    @property
    def called(self) -> str:
        """The path, as a person knows it."""
        return _short(self.path)

    @property
    def incomplete(self) -> str:
        """What is missing, in words; empty if nothing is."""
        return naming.missing_words(self.missing)


def _short(path: Path) -> str:
    return str(path).replace(str(Path.home()), "~", 1)


def gathered(paths: Iterable[Path], *, source: str) -> list[ModelFile]:
    """Turn files into models: parts of a split one joined, projectors left out."""
    sets: dict[tuple[str, tuple[str, int]], dict[Path, int]] = {}
    for path in paths:
        folder, _, name = str(path).rpartition("/")
        # An image projector is no chat model.
        if not name.endswith(".gguf") or naming.kind(name) != "model":
            continue
        if (size := file_size(path)) is not None:
            sets.setdefault((folder, naming.set_of(name)), {})[path] = size
    stems = Counter((folder, stem) for folder, (stem, _) in sets)
    models = []
    for (folder, (stem, n_parts)), sizes in sets.items():
        parts = sorted(sizes)
        is_one_of_two = n_parts and stems[folder, stem] > 1
        models.append(
            ModelFile(
                name=f"{stem}-of-{n_parts:05}" if is_one_of_two else stem,
                path=parts[0],
                size=sum(sizes.values()),
                source=source,
                quantisation=naming.quantisation(stem),
                missing=naming.n_missing(part.name for part in parts),
                files=tuple(parts),
                hashes=tuple(map(told_hash, parts)),
            )
        )
    return sorted(models, key=in_order)


def named_parts(file: Path) -> list[Path]:
    """The file, or all parts of a split model by the name of its first."""
    count = naming.n_parts(file.name)
    if count == 1:
        return [file]
    whole = naming.stem(file.name)
    return [file.with_name(f"{whole}-{part:05}-of-{count:05}.gguf") for part in range(1, count + 1)]


def file_size(file: Path) -> int | None:
    """The bytes of a file; None for a folder, a broken link, or what cannot be looked at."""
    try:
        fact = file.stat()
    except OSError:
        return None
    return fact.st_size if stat.S_ISREG(fact.st_mode) else None


def told_hash(file: Path) -> str:
    """The SHA-256 that the name of a blob tells, or of the one that a link leads to; or empty."""
    try:
        # One step only: behind it the Hub's cache may have names of another kind.
        name = os.readlink(file).rpartition("/")[2]  # noqa: PTH115
    except OSError:
        # No link.
        name = file.name
    told = _BLOB.fullmatch(name)
    return told[1] if told else ""


def in_order(model: ModelFile) -> tuple[str, str]:
    """What models are sorted by: their source, then their name."""
    return model.source.lower(), model.name.lower()
