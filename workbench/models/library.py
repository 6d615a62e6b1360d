"""The GGUF files that can be loaded now: built in, in folders, in the caches of other programs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from workbench.models import elsewhere, pocket
from workbench.models.hub.reference import USUAL, Reference
from workbench.models.model_file import (
    ModelFile,
    gathered,
    in_order,
    is_file,
    is_folder,
    named_parts,
)

POCKET: Final = "pocket"


def resolve(reference: str, folders: Iterable[Path] = ()) -> Path:
    """The file that ``--model`` names: ``pocket``, a path, or a name as the browser lists it.

    It need not exist. Names are looked for only where there is no such file.
    """
    if reference == POCKET:
        return pocket.MODEL_FILE
    path = Path(reference).expanduser()
    if is_file(path) or path.name != reference:
        return path
    stem = reference.removesuffix(".gguf")
    for models in _places(folders):
        for model in models:
            if model.name == stem:
                return model.path
    return path


def everything(folders: Iterable[Path] = ()) -> list[ModelFile]:
    """Every model on this machine, the same bytes once. Walks the disk: not on the UI's path."""
    found: dict[object, ModelFile] = {}
    for model in (built_in(), *(model for place in _places(folders) for model in place)):
        key = _identity(model)
        if (first := found.get(key)) is None:
            found[key] = model
        elif model.source not in (first.source, *first.also):
            found[key] = msgspec.structs.replace(first, also=(*first.also, model.source))
    return list(found.values())


def disk_use(models: Iterable[ModelFile]) -> int:
    """Bytes that the models take together on the disk, what they share once."""
    facts = {}
    for model in models:
        for file in model.files or (model.path,):
            try:
                fact = file.stat()
            except OSError:
                continue
            facts[fact.st_dev, fact.st_ino] = fact.st_size
    return sum(facts.values())


def built_in() -> ModelFile:
    """The model that comes with Workbench."""
    file = pocket.MODEL_FILE
    return ModelFile(POCKET, file, file.stat().st_size, source="built in", quantisation="Q8_0")


def named(path: Path) -> list[ModelFile]:
    """The model of a file given by name, whatever its suffix; none if there is no such file."""
    if not is_file(path):
        return []
    parts = [part for part in named_parts(path) if is_file(part)]
    return gathered(parts, source="opened by name") or [
        ModelFile(path.name, path, path.stat().st_size, source="opened by name")
    ]


def weight(file: Path) -> int:
    """The bytes of a model file, all parts of a split one counted. Raises OSError."""
    return sum(part.stat().st_size for part in named_parts(file))


def in_folder(folder: Path) -> list[ModelFile]:
    """The models in ``folder`` and below it; none if it cannot be read."""
    return gathered(_below(folder), source=str(folder)) if is_folder(folder) else []


def in_hub_cache() -> list[ModelFile]:
    """The models in the Hugging Face cache. Walks the disk: call it off the interface's path."""
    from huggingface_hub import constants

    found: dict[tuple[str, object], ModelFile] = {}
    for repository in Path(constants.HF_HUB_CACHE).glob("models--*"):
        name = repository.name.removeprefix("models--").replace("--", "/")
        for revision in _snapshots(repository):
            for model in gathered(_below(revision), source=name):
                # Revisions share blobs: the same bytes under the same name are listed once.
                found[model.name, _identity(model)] = model
    return sorted(found.values(), key=in_order)


def _snapshots(repository: Path) -> list[Path]:
    """The newest last; none of a folder that cannot be read."""
    try:
        found = [each for each in repository.glob("snapshots/*") if is_folder(each)]
        return sorted(found, key=lambda each: each.stat().st_mtime)
    except OSError:
        return []


def cached(reference: Reference) -> ModelFile | None:
    """The model of the Hub's cache that ``reference`` names, if all of it is there.

    Without a quantisation or a file it is the usual one, or the only one there is.
    """
    found = [
        model
        for model in in_hub_cache()
        if model.source == reference.repo and not model.missing and _is_named(model, reference)
    ]
    # Of several revisions that of the branch, or else the newest.
    by_name: dict[str, ModelFile] = {}
    for model in found:
        if model.name not in by_name or not _is_of_branch(by_name[model.name]):
            by_name[model.name] = model
    found = list(by_name.values())
    if len(found) > 1:
        found = [model for model in found if model.quantisation == USUAL]
    return found[0] if len(found) == 1 else None


def _is_of_branch(model: ModelFile) -> bool:
    """Whether it is of the commit that the cache has for the branch."""
    snapshots = next(each for each in model.path.parents if each.parent.name == "snapshots")
    try:
        return (snapshots.parents[1] / "refs" / "main").read_text().strip() == snapshots.name
    except OSError:
        return False


def _is_named(model: ModelFile, reference: Reference) -> bool:
    if reference.revision != "main":
        # Which commit that is only the Hub knows.
        return False
    if reference.path:
        files = model.files or (model.path,)
        return any(file.as_posix().endswith(f"/{reference.path}") for file in files)
    if not reference.quantisation:
        return True
    return model.quantisation == reference.quantisation.upper()


def _places(folders: Iterable[Path]) -> Iterator[list[ModelFile]]:
    yield from map(in_folder, folders)
    yield in_hub_cache()
    yield from elsewhere.places()


def _identity(model: ModelFile) -> object:
    """What two models have in common only if they are the same bytes."""
    if model.hashes and all(model.hashes):
        return model.hashes
    return tuple(file.resolve() for file in model.files or (model.path,))


def _below(folder: Path) -> Iterator[Path]:
    for place, _, names in os.walk(folder):
        for name in names:
            if name.endswith(".gguf"):
                yield Path(place, name)
