"""Taking models off the disk, as the program whose cache they are in would do it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from workbench.models import pocket
from workbench.models.elsewhere import OLLAMA
from workbench.models.model_file import ModelFile
from workbench.untrusted import is_file

if TYPE_CHECKING:
    # What speaks to the Hub takes long to import.
    from huggingface_hub import CachedFileInfo, DeleteCacheStrategy


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
    return _of_hub_cache(files) if any(map(_is_in_hub_cache, files)) else _of_files(files)


def _of_files(files: tuple[Path, ...]) -> Removal:
    def carry_out() -> None:
        for file in files:
            try:
                file.unlink(missing_ok=True)
            except OSError as error:
                raise RemovalError(f"{file} cannot be removed: {error.strerror}.") from error

    # A link gives nothing free, and what has another name neither.
    facts = [file.lstat() for file in files if is_file(file) and not file.is_symlink()]
    return Removal(files, sum(fact.st_size for fact in facts if fact.st_nlink == 1), carry_out)


def _of_hub_cache(files: tuple[Path, ...]) -> Removal:
    """The cache's own way: names in all revisions, and the blobs that no other name leads to.

    Nothing else will do: a blob without names is on no list.
    """
    gone, strategy = _planned(files)

    def carry_out() -> None:
        try:
            # By then others may have changed the cache.
            _, strategy = _planned(files)
            strategy.execute()
        except OSError as error:
            raise RemovalError(f"The cache cannot be changed: {error.strerror}.") from error
        # What may not be removed is only logged there.
        for blob in strategy.blobs:
            if is_file(blob):
                raise RemovalError(f"{blob} cannot be removed: remove it by hand.")
        for repo in {_repo_of(file.file_path) for file in gone}:
            _tidy(repo)

    return Removal(
        tuple(sorted(file.file_path for file in gone)), strategy.expected_freed_size, carry_out
    )


def _planned(files: tuple[Path, ...]) -> tuple[list[CachedFileInfo], DeleteCacheStrategy]:
    """What the cache has of ``files``, and how to remove it. Raises RemovalError."""
    from huggingface_hub import CacheNotFound, scan_cache_dir

    try:
        cache = scan_cache_dir()
    except (CacheNotFound, OSError) as error:
        raise RemovalError(f"The Hub's cache cannot be read: {error}.") from error
    inside = [
        file for repo in cache.repos for revision in repo.revisions for file in revision.files
    ]
    # One that is gone by now is what was wanted.
    wanted = {_placed(file) for file in files if file.is_symlink() or is_file(file)}
    blobs = {
        (file.blob_path, file.file_name) for file in inside if _placed(file.file_path) in wanted
    }
    gone = [file for file in inside if (file.blob_path, file.file_name) in blobs]
    if not wanted <= {_placed(file.file_path) for file in gone}:
        why = next(iter(cache.warnings), None)
        raise RemovalError(
            f"{files[0]} is in a damaged part of the Hub's cache: remove that part by hand."
            + (f" ({why})" if why else "")
        )
    return gone, cache.delete_files(*gone)


def _repo_of(file: Path) -> Path:
    """The folder of a repository that a snapshot's file is of."""
    snapshots = next(each for each in file.parents if each.name == "snapshots")
    return snapshots.parent


def _tidy(repo: Path) -> None:
    """Take the folders of a repository away of which nothing is there any more.

    Never what is not empty: something may be on its way into it.
    """
    with suppress(OSError):
        left = sorted((repo / "snapshots").rglob("*"))
        if any(each.is_symlink() or not each.is_dir() for each in left):
            return
        (repo / "blobs").rmdir()
        # Before the commits that they name: a name of nothing is a damaged cache.
        shutil.rmtree(repo / "refs", ignore_errors=True)
        for folder in (*reversed(left), repo / "snapshots", repo):
            folder.rmdir()


def _is_in_hub_cache(file: Path) -> bool:
    from huggingface_hub.constants import HF_HUB_CACHE

    cache = Path(HF_HUB_CACHE)
    return file.is_relative_to(cache) or _placed(file).is_relative_to(cache.resolve())


def _placed(file: Path) -> Path:
    """Where a name really stands: caches are links to a larger disk, names in them to blobs."""
    return file.parent.resolve() / file.name
