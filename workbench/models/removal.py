"""Taking models off the disk, as the program whose cache they are in would do it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from workbench.models import pocket
from workbench.models.elsewhere import OLLAMA
from workbench.models.model_file import ModelFile


class RemovalError(Exception):
    """A model cannot be removed; the message says why and what to do."""


class Removal(NamedTuple):
    """What would go: the names that lead to the model, and the bytes that get free.

    Nothing is gone before it is carried out: until then there is nothing to undo.
    """

    files: tuple[Path, ...]
    freed: int
    carry_out: Callable[[], None]
    """Blocks; raises RemovalError."""


def removal(model: ModelFile) -> Removal:
    """How to remove a model. Reads the disk; raises RemovalError."""
    if model.path == pocket.MODEL_FILE:
        raise RemovalError("The built-in model is a part of Workbench: it cannot be removed.")
    if model.source == OLLAMA:
        raise RemovalError(f"{model.name} is Ollama's: remove it by: ollama rm {model.name}")
    files = model.files or (model.path,)
    return _from_hub_cache(files) or _of_files(files)


def _of_files(files: tuple[Path, ...]) -> Removal:
    def carry_out() -> None:
        for file in files:
            try:
                file.unlink(missing_ok=True)
            except OSError as error:
                raise RemovalError(f"{file} cannot be removed: {error.strerror}.") from error

    # A link gives nothing free, and what has another name neither.
    facts = [file.lstat() for file in files if file.exists() and not file.is_symlink()]
    return Removal(files, sum(fact.st_size for fact in facts if fact.st_nlink == 1), carry_out)


def _from_hub_cache(files: tuple[Path, ...]) -> Removal | None:
    """The cache's own way: names in all revisions, and the blobs that no other name leads to."""
    from huggingface_hub import CacheNotFound, scan_cache_dir
    from huggingface_hub.constants import HF_HUB_CACHE

    # The scan knows files by the cache's real place; their own last names are links.
    placed = [file.parent.resolve() / file.name for file in files]
    if not all(file.is_relative_to(Path(HF_HUB_CACHE).resolve()) for file in placed):
        return None
    try:
        cache = scan_cache_dir(HF_HUB_CACHE)
    except CacheNotFound:
        return None
    inside = [
        file for repo in cache.repos for revision in repo.revisions for file in revision.files
    ]
    blobs = {(file.blob_path, file.file_name) for file in inside if file.file_path in placed}
    gone = [file for file in inside if (file.blob_path, file.file_name) in blobs]
    if not gone:
        raise RemovalError(
            f"{files[0]} is in the Hub's cache, and a scan of that does not find it: see hf cache "
            "verify."
        )
    strategy = cache.delete_files(*gone)

    def carry_out() -> None:
        try:
            strategy.execute()
        except OSError as error:
            raise RemovalError(f"The cache cannot be changed: {error.strerror}.") from error

    paths = tuple(sorted(file.file_path for file in gone))
    return Removal(paths, strategy.expected_freed_size, carry_out)
