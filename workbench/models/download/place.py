"""Where a file has its place in the Hugging Face cache, in that cache's own layout.

    models--owner--name/blobs/<etag>            the bytes
    models--owner--name/snapshots/<commit>/...  links to them, by name
    models--owner--name/refs/main               the commit that the revision is

as ``huggingface_hub`` 2.4 writes and reads it (``file_download.py``).
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from workbench import whole


class Place(msgspec.Struct, frozen=True):
    """The place of one file of ``repo`` at ``commit``; ``etag`` names its bytes."""

    cache: Path
    repo: str
    path: str
    commit: str
    etag: str

    @property
    def folder(self) -> Path:
        """All that the cache has of the repository."""
        return self.cache / self._name

    @property
    def _name(self) -> str:
        return f"models--{self.repo.replace('/', '--')}"

    @property
    def blob(self) -> Path:
        """The bytes, once they are all there."""
        return self.folder / "blobs" / self.etag

    @property
    def incomplete(self) -> Path:
        """The bytes until then; a name that ``hf cache`` knows as an unfinished download's."""
        return self.blob.with_name(f"{self.etag}.incomplete")

    @property
    def link(self) -> Path:
        """The file by its name, to be handed to llama.cpp."""
        return self.folder / "snapshots" / self.commit / self.path

    @property
    def lock(self) -> Path:
        """What ``huggingface_hub`` locks while it fetches the same bytes."""
        return self.cache / ".locks" / self._name / f"{self.etag}.lock"

    def prepare(self) -> None:
        """Make the folders, so that a scan of the cache takes it for a sound one. OSError."""
        for folder in (self.blob.parent, self.link.parent, self.lock.parent):
            folder.mkdir(parents=True, exist_ok=True)

    def put(self, revision: str | None) -> None:
        """Link the blob under its name, and let ``revision`` be this commit. OSError.

        Without ``revision`` a branch is left where it is.
        """
        self.prepare()
        if self.blob.exists() and not _leads_to(self.link, self.blob):
            self._make_link()
        if revision and revision != self.commit:
            reference = self.folder / "refs" / revision
            if not reference.is_file() or reference.read_text() != self.commit:
                whole.write(reference, self.commit)
                # Whoever may read the bytes may read which they are: caches are shared.
                reference.chmod(self.link.stat().st_mode & 0o666)

    def remove(self) -> bool:
        """Take the file out again; whether its bytes are gone. OSError.

        They are not where another commit has them as well.
        """
        self.link.unlink(missing_ok=True)
        others = (self.folder / "snapshots").rglob("*")
        if any(each.is_symlink() and each.readlink().name == self.etag for each in others):
            return False
        self.blob.unlink(missing_ok=True)
        return True

    def tidy(self) -> None:
        """Remove what is of no use without the file: empty folders, and branches to nowhere."""
        snapshot = self.folder / "snapshots" / self.commit
        folder = self.link.parent
        while folder.is_relative_to(snapshot) and _remove_if_empty(folder):
            folder = folder.parent
        references = self.folder / "refs"
        if not snapshot.exists():
            for reference in references.rglob("*"):
                if reference.is_file() and reference.read_text() == self.commit:
                    reference.unlink()
        for folder in (references, snapshot.parent, self.blob.parent, self.folder):
            _remove_if_empty(folder)

    def _make_link(self) -> None:
        fresh = self.link.with_name(f".{self.etag[:16]}.{os.getpid()}.link")
        fresh.unlink(missing_ok=True)
        try:
            fresh.symlink_to(os.path.relpath(self.blob, self.link.parent))
        except OSError:
            # A disk without links, such as a stick's; the library then has the file itself here.
            self.blob.replace(self.link)
            return
        fresh.replace(self.link)


def _leads_to(link: Path, blob: Path) -> bool:
    return link.is_symlink() and link.resolve() == blob.resolve()


def _remove_if_empty(folder: Path) -> bool:
    try:
        folder.rmdir()
    except OSError:
        return False
    return True
