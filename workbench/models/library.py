"""The GGUF files that can be loaded now: built in, in the Hugging Face cache, in folders."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from workbench.models import pocket

POCKET: Final = "pocket"

# llama.cpp's gguf-split names; the first part loads all of them.
_SPLIT: Final = re.compile(r"-(\d{5})-of-(\d{5})$")
# File types as file names carry them: Q4_K_M, IQ3_XXS, UD-Q2_K_XL, TQ1_0, MXFP4, BF16.
_QUANTISATION: Final = re.compile(
    r"[-._]((?:UD-)?(?:I?Q\d\w*|TQ\d\w*|MXFP4\w*|NVFP4\w*|BF16|F16|F32))(?=[-._]|$)", re.IGNORECASE
)


class ModelFile(msgspec.Struct, frozen=True):
    """A model that can be loaded.

    ``path`` is the file to hand to llama.cpp (of a split model, its first part), ``size`` the
    bytes of all its parts, ``missing`` the parts of a split model that are not there.
    """

    name: str
    path: Path
    size: int
    source: str
    quantisation: str = ""
    missing: int = 0

    @property
    def place(self) -> str:
        """Where the model lives, in words or as a folder."""
        if self.path == pocket.MODEL_FILE:
            return "comes with Workbench"
        return str(self.path.parent).replace(str(Path.home()), "~", 1)

    @property
    def incomplete(self) -> str:
        """What is missing, in words; empty if nothing is."""
        return f"{self.missing} part{'s' * (self.missing > 1)} missing" if self.missing else ""


def resolve(reference: str, folders: Iterable[Path] = ()) -> Path:
    """The file that ``--model`` names: ``pocket``, a path, or a name as the browser lists it.

    It need not exist. Names are looked for only where there is no such file.
    """
    if reference == POCKET:
        return pocket.MODEL_FILE
    path = Path(reference).expanduser()
    if path.exists() or path.name != reference:
        return path
    stem = reference.removesuffix(".gguf")
    for models in (*map(in_folder, folders), in_hub_cache()):
        for model in models:
            if model.name == stem:
                return model.path
    return path


def built_in() -> ModelFile:
    """The model that comes with Workbench."""
    file = pocket.MODEL_FILE
    return ModelFile(POCKET, file, file.stat().st_size, source="built in", quantisation="Q8_0")


def named(path: Path) -> list[ModelFile]:
    """The model of a file given by name, whatever its suffix; none if there is no such file."""
    if not path.is_file():
        return []
    return _gathered([path], source="opened by name") or [
        ModelFile(path.name, path, path.stat().st_size, source="opened by name")
    ]


def weight(file: Path) -> int:
    """The bytes of a model file, all parts of a split one counted. Raises OSError."""
    stem = _SPLIT.sub("", file.stem)
    if stem == file.stem:
        return file.stat().st_size
    parts = file.parent.glob(f"{glob.escape(stem)}-*-of-*.gguf")
    return sum(part.stat().st_size for part in parts)


def in_folder(folder: Path) -> list[ModelFile]:
    """The models in ``folder`` and below it; none if it cannot be read."""
    return _gathered(folder.rglob("*.gguf"), source=str(folder)) if folder.is_dir() else []


def in_hub_cache() -> list[ModelFile]:
    """The models in the Hugging Face cache. Walks the disk: call it off the interface's path."""
    from huggingface_hub import CacheNotFound, scan_cache_dir

    try:
        cache = scan_cache_dir()
    except CacheNotFound:
        return []
    found: dict[tuple[str, Path], ModelFile] = {}
    for repository in cache.repos:
        for revision in sorted(repository.revisions, key=lambda each: each.last_modified):
            paths = [file.file_path for file in revision.files]
            for model in _gathered(paths, source=repository.repo_id):
                # Revisions share blobs: the same bytes under the same name are listed once.
                found[model.name, model.path.resolve()] = model
    return sorted(found.values(), key=_order)


def _order(model: ModelFile) -> tuple[str, str]:
    return model.source.lower(), model.name.lower()


def _gathered(paths: Iterable[Path], *, source: str) -> list[ModelFile]:
    """Turn files into models: parts of a split one joined, projectors left out."""
    groups: dict[Path, list[Path]] = {}
    for path in paths:
        # An image projector is no chat model.
        if path.suffix == ".gguf" and "mmproj" not in path.name.lower() and not path.is_dir():
            groups.setdefault(path.with_name(_SPLIT.sub("", path.stem)), []).append(path)
    models = []
    for whole, parts in groups.items():
        parts.sort()
        try:
            size = sum(part.stat().st_size for part in parts)
        except OSError:
            # A broken link in the cache, or a file that went away under us.
            continue
        split = _SPLIT.search(parts[0].stem)
        quantisation = _QUANTISATION.search(whole.name)
        models.append(
            ModelFile(
                name=whole.name,
                path=parts[0],
                size=size,
                source=source,
                quantisation=quantisation[1].upper() if quantisation else "",
                missing=int(split[2]) - len(parts) if split else 0,
            )
        )
    return sorted(models, key=_order)
