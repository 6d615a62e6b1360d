"""The GGUF files that can be loaded now: built in, in folders, in the caches of other programs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from workbench.models import duplicates, elsewhere, pocket
from workbench.models.facts import FactsCache
from workbench.models.hub.reference import USUAL, Reference
from workbench.models.marks import Marks
from workbench.models.model_file import ModelFile, file_size, gathered, in_order, named_parts
from workbench.untrusted import is_file, named_file, same_file

POCKET: Final = "pocket"


def resolve(reference: str, folders: Iterable[Path] = ()) -> Path:
    """The file that ``--model`` names: ``pocket``, a path, or a name as the browser lists it.

    It need not exist; the path of one that does is absolute. Names are looked for only where
    there is no such file.
    """
    if reference == POCKET:
        return pocket.MODEL_FILE
    path = named_file(reference)
    if is_file(path):
        # It is remembered, and may be looked for from another folder.
        return path.absolute()
    if path.name != reference:
        return path
    stem = reference.removesuffix(".gguf")
    for models in _places(folders):
        for model in models:
            if model.name == stem:
                return model.path
    return path


def everything(
    folders: Iterable[Path] = (), facts: FactsCache | None = None, marks: Marks | None = None
) -> list[ModelFile]:
    """Every model on this machine, the same bytes once. Walks the disk: not on the UI's path.

    Copies that no place tells to be some are known only by ``facts``; of several that one is
    listed which ``marks`` know best.
    """
    ours, *others = each_place(folders)
    # A person's own copy of the one that is built in is theirs to keep or to remove; itself it
    # is where a folder holds all of Workbench.
    others = [model for model in others if not same_file(model.path, ours.path)]
    return [ours, *duplicates.once(others, facts, marks)]


def each_place(folders: Iterable[Path] = ()) -> Iterator[ModelFile]:
    """Every model as often as it is there. Walks the disk."""
    yield built_in()
    for models in _places(folders):
        yield from models


def disk_use(models: Iterable[ModelFile]) -> int:
    """Bytes that the models and their copies take on the disk, what they share once."""
    facts = {}
    for model in models:
        for file in (*(model.files or (model.path,)), *model.copies):
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
    size = file_size(path)
    if size is None:
        return []
    return gathered(named_parts(path), source="opened by name") or [
        ModelFile(path.name, path, size, source="opened by name")
    ]


def weight(file: Path) -> int:
    """The bytes of a model file, all parts of a split one counted. Raises OSError."""
    return sum(part.stat().st_size for part in named_parts(file))


def in_folder(folder: Path) -> list[ModelFile]:
    """The models in ``folder`` and below it; none if it cannot be read."""
    return gathered(_below(folder), source=str(folder))


def closed(folders: Iterable[Path]) -> list[str]:
    """What is wrong with those of ``folders`` that cannot be looked into, a sentence for each."""
    problems = []
    for folder in folders:
        try:
            os.scandir(folder).close()
        except FileNotFoundError:
            problems.append(f"there is no folder {folder}")
        except OSError as error:
            problems.append(f"{folder} cannot be looked into: {error.strerror}")
    return problems


def in_hub_cache() -> list[ModelFile]:
    """The models in the Hugging Face cache. Walks the disk: call it off the interface's path."""
    from huggingface_hub import constants

    found: dict[tuple[str, object], ModelFile] = {}
    for repository in _folders_in(Path(constants.HF_HUB_CACHE)):
        if not repository.name.startswith("models--"):
            continue
        name = repository.name.removeprefix("models--").replace("--", "/")
        for revision in _revisions(repository):
            for model in gathered(_below(revision), source=name):
                # Revisions share blobs: the same bytes under the same name are listed once.
                found[
                    model.name, model.hashes if all(model.hashes) else duplicates.inodes(model)
                ] = model
    return sorted(found.values(), key=in_order)


def cached(reference: Reference) -> ModelFile | None:
    """The model of the Hub's cache that ``reference`` names, if all of it is there.

    Without a quantisation or a file it is the usual one, or the only one there is. Of several
    revisions that which the branch has counts first, then the newest.
    """
    from huggingface_hub import constants

    if reference.revision != "main":
        # Which commit that is only the Hub knows.
        return None
    repository = Path(constants.HF_HUB_CACHE) / f"models--{reference.repo.replace('/', '--')}"
    main = _text(repository / "refs" / "main")
    revisions = _revisions(repository)[::-1]
    revisions.sort(key=lambda each: each.name != main)
    found: dict[Path, tuple[Path, ModelFile]] = {}
    for revision in revisions:
        for model in gathered(_below(revision), source=reference.repo):
            if not model.missing and _is_named(model, reference, revision):
                found.setdefault(model.path.relative_to(revision), (revision, model))
    matches = list(found.values())
    if len(matches) > 1 and not (reference.path or reference.quantisation):
        matches = [match for match in matches if match[1].quantisation == USUAL]
    if len(matches) > 1:
        # The files of a repository may have got other names.
        matches = [match for match in matches if match[0] == matches[0][0]]
    return matches[0][1] if len(matches) == 1 else None


def _is_named(model: ModelFile, reference: Reference, revision: Path) -> bool:
    if reference.path:
        return revision / reference.path in model.files
    if not reference.quantisation:
        return True
    return model.quantisation == reference.quantisation.upper()


def _revisions(repository: Path) -> list[Path]:
    """The snapshots of a repository in the Hub's cache, the newest last."""
    found = _folders_in(repository / "snapshots")
    if len(found) < 2:
        return found
    dated = []
    for revision in found:
        try:
            dated.append((revision.stat().st_mtime, revision))
        except OSError:
            continue
    return [revision for _, revision in sorted(dated)]


def _folders_in(folder: Path) -> list[Path]:
    """The folders in a folder; none if it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if _is_folder(entry))
    except OSError:
        return []
    return [folder / name for name in names]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8").strip()
    except (OSError, ValueError):
        return ""


def _places(folders: Iterable[Path]) -> Iterator[list[ModelFile]]:
    yield from map(in_folder, folders)
    yield in_hub_cache()
    yield from elsewhere.places()


def _below(folder: Path) -> Iterator[Path]:
    for place, _, names in os.walk(folder):
        for name in names:
            if name.endswith(".gguf"):
                yield Path(place, name)
