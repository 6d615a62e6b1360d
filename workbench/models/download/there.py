"""What the disk has of a file that is wanted, finished or not."""

from __future__ import annotations

from pathlib import Path

from workbench.models.download import parts as parts_on_disk
from workbench.models.download.order import Order
from workbench.models.download.parts import Whose
from workbench.models.download.place import Place
from workbench.models.hub.repository import RemoteFile


def begun_files(cache: Path, repo: str, path: str, revision: str) -> list[tuple[Path, Whose]]:
    """The unfinished bytes of a file that were fetched for ``revision``, or are of that commit."""
    blobs = Place(cache, repo, path, "", "").folder / "blobs"
    found = []
    for state in sorted(blobs.glob("*.incomplete.parts")):
        incomplete = state.with_name(state.name.removesuffix(".parts"))
        begun = parts_on_disk.whose(incomplete)
        if (
            begun
            and begun.path == path
            and revision in (begun.revision, begun.commit)
            and incomplete.is_file()
        ):
            found.append((incomplete, begun))
    return found


def n_there(cache: Path, order: Order, file: RemoteFile) -> int:
    """How many bytes of one of the order's files are there."""
    placed = [Place(cache, order.repo, each.path, each.commit, each.etag)
              for each in order.placed if each.path == file.path]  # fmt: skip
    if any(place.link.is_file() for place in placed):
        return file.size
    if file.sha256 and (blob := Place(cache, order.repo, "", "", file.sha256).blob).is_file():
        return blob.stat().st_size
    begun = begun_files(cache, order.repo, file.path, order.revision)
    return max((parts_on_disk.n_there(each) for each, _ in begun), default=0)


def discard(cache: Path, order: Order) -> None:
    """Remove what was fetched for an order, and nothing that was there before. OSError."""
    for file in order.files:
        for incomplete, begun in begun_files(cache, order.repo, file.path, order.revision):
            parts_on_disk.discard(incomplete)
            Place(cache, order.repo, begun.path, begun.commit, begun.etag).tidy()
    for each in order.placed:
        place = Place(cache, order.repo, each.path, each.commit, each.etag)
        if place.remove():
            parts_on_disk.discard(place.incomplete)
        place.tidy()
