"""What is to be fetched, on the disk: one file for each download, of all processes together."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from workbench import whole
from workbench.models.hub.repository import RemoteFile
from workbench.models.hub.said import is_path, is_repo

_FORMAT: Final = 1


class Placed(msgspec.Struct, frozen=True):
    """A file that was fetched for an order and has its place in the cache."""

    path: str
    commit: str
    etag: str


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A download that is wanted; the lowest ``rank`` comes first.

    ``paused`` ones wait for a person, as do those that ``failed``, which says why. ``placed`` are
    the files that were not there before; of a ``finished`` one all can be used, though the disk
    may not have it all yet.
    """

    id: str
    repo: str
    name: str
    files: tuple[RemoteFile, ...]
    rank: float
    revision: str = "main"
    paused: bool = False
    failed: str = ""
    placed: tuple[Placed, ...] = ()
    finished: bool = False
    format: int = _FORMAT

    @property
    def size(self) -> int:
        """The bytes of all files."""
        return sum(file.size for file in self.files)


class Orders:
    """The folder of them. Raises OSError where it cannot be written to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # Between reading an order and writing it: a person's threads, and the queue's.
        self._lock = threading.Lock()

    def all(self) -> list[Order]:
        """All of them, the next first; what cannot be read is left out."""
        return sorted(
            filter(None, map(_read, self._folder.glob("*.json"))), key=lambda each: each.rank
        )

    def get(self, number: str) -> Order | None:
        """The order of this id, if it is still there."""
        return _read(self._file(number))

    def add(self, repo: str, name: str, files: Sequence[RemoteFile], revision: str) -> Order:
        """A new one behind all others, or the one that wants the same, which then goes on."""
        for known in self.all():
            same = (known.repo, known.revision, known.files) == (repo, revision, tuple(files))
            # A finished one ends without another word.
            if (
                same
                and not known.finished
                and (changed := self.change(known.id, paused=False, failed=""))
            ):
                return changed
        last = max((order.rank for order in self.all()), default=0.0)
        return self.put(
            Order(
                id=secrets.token_hex(6),
                repo=repo,
                name=name,
                files=tuple(files),
                revision=revision,
                rank=last + 1,
            )
        )

    def change(
        self,
        number: str,
        *,
        paused: bool | None = None,
        failed: str | None = None,
        rank: float | None = None,
        placed: Placed | None = None,
        finished: bool | None = None,
    ) -> Order | None:
        """Change what is given of it, ``placed`` being one more; None if it is not there."""
        with self._lock:
            if (order := self.get(number)) is None:
                return None
            return self.put(
                msgspec.structs.replace(
                    order,
                    paused=order.paused if paused is None else paused,
                    failed=order.failed if failed is None else failed,
                    rank=order.rank if rank is None else rank,
                    placed=order.placed if placed is None else (*order.placed, placed),
                    finished=order.finished if finished is None else finished,
                )
            )

    def put(self, order: Order) -> Order:
        """Write it down."""
        whole.write(self._file(order.id), msgspec.json.encode(order).decode())
        return order

    def remove(self, number: str) -> None:
        """Forget it."""
        with self._lock:
            self._file(number).unlink(missing_ok=True)

    def lock(self, number: str) -> Path:
        """What the process that works on it locks."""
        return self._folder / f"{number}.lock"

    def _file(self, number: str) -> Path:
        return self._folder / f"{number}.json"


def _read(file: Path) -> Order | None:
    try:
        order = msgspec.json.decode(file.read_bytes(), type=Order)
    except (OSError, msgspec.DecodeError):
        return None
    names = [name for each in order.placed for name in (each.commit, each.etag)]
    sound = (
        is_repo(order.repo)
        and all(is_path(each.path) for each in order.files)
        and all(is_path(each.path) for each in order.placed)
        and all(is_path(name) and "/" not in name for name in names)
    )
    return order if sound and order.id == file.stem and order.format == _FORMAT else None
