"""A model as it lies on the disk: one file, or all parts of a split one."""

from __future__ import annotations

import os
import re
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
    ``files`` are all parts, ``hashes`` their SHA-256 where the place they are in tells, and
    ``also`` says where else the same bytes are found.
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

    @property
    def place(self) -> str:
        """Where the model lives, in words or as a folder."""
        if self.path == pocket.MODEL_FILE:
            return "comes with Workbench"
        if self.path.parent.parent.name == "snapshots":
            # Its folder is called like a commit.
            return f"{self.source} (the Hub's cache)"
        return str(self.path.parent).replace(str(Path.home()), "~", 1)

    @property
    def incomplete(self) -> str:
        """What is missing, in words; empty if nothing is."""
        return f"{self.missing} part{'s' * (self.missing > 1)} missing" if self.missing else ""


def gathered(paths: Iterable[Path], *, source: str) -> list[ModelFile]:
    """Turn files into models: parts of a split one joined, projectors left out."""
    # A whole model may lie beside its parts, or be split in two ways.
    groups: dict[tuple[Path, int], list[Path]] = {}
    for path in paths:
        # An image projector is no chat model.
        if path.suffix == ".gguf" and naming.kind(path.name) == "model" and not is_folder(path):
            whole = path.with_name(naming.stem(path.name))
            groups.setdefault((whole, naming.n_parts(path.name)), []).append(path)
    models = []
    for (whole, _), parts in groups.items():
        parts.sort()
        try:
            size = sum(part.stat().st_size for part in parts)
        except OSError:
            # A broken link in the cache, or a file that went away under us.
            continue
        models.append(
            ModelFile(
                name=whole.name,
                path=parts[0],
                size=size,
                source=source,
                quantisation=naming.quantisation(whole.name),
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


def is_folder(path: Path) -> bool:
    """Whether it is a folder; not one that cannot be looked at, of which ``Path`` raises."""
    return os.path.isdir(path)  # noqa: PTH112


def is_file(path: Path) -> bool:
    """Whether it is a file that can be looked at."""
    return os.path.isfile(path)  # noqa: PTH113


def told_hash(file: Path) -> str:
    """The SHA-256 that the name of a blob tells, or of the one that a link leads to; or empty."""
    try:
        # One step only: behind it the Hub's cache may have names of another kind.
        name = Path(os.readlink(file)).name if file.is_symlink() else file.name  # noqa: PTH115
    except OSError:
        return ""
    told = _BLOB.fullmatch(name)
    return told[1] if told else ""


def in_order(model: ModelFile) -> tuple[str, str]:
    """What models are sorted by: their source, then their name."""
    return model.source.lower(), model.name.lower()
