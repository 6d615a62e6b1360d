"""One file's way from the Hub into the cache."""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from workbench.models.download import parts as parts_on_disk
from workbench.models.download.check import Check
from workbench.models.download.connections import ChangedError, Connections, disk_error
from workbench.models.download.errors import (
    DownloadError,
    NoRoomError,
    StoppedError,
    WrongBytesError,
)
from workbench.models.download.parts import Parts, Whose
from workbench.models.download.place import Place
from workbench.models.download.rate import Limit, Speed
from workbench.models.download.standing_back import stand_back
from workbench.models.download.there import begun_files
from workbench.models.hub.client import HubClient, Resolved
from workbench.models.hub.errors import NotFoundError, OfflineError
from workbench.models.hub.wire import Halt
from workbench.settings.config import Config

PARTS: Final = 4
# What stays free on the disk: systems with a full one fall over.
FLOOR_BYTES: Final = 1_000_000_000
SILENCE_SECONDS: Final = 30.0
# For so long a line may be away before the download counts as waiting for it.
PATIENCE_SECONDS: Final = 120.0
_REPORT_SECONDS: Final = 0.2
_LOOK_AT_ROOM_SECONDS: Final = 1.0
# What a line brings in so long a power cut may cost. Asked for oftener the disk, and not the line,
# says how fast bytes come.
_SYNC_SECONDS: Final = 5.0
_LOCK_SECONDS: Final = 0.5
_MOST_CHANGES: Final = 3


class Progress(msgspec.Struct, frozen=True):
    """How far a file is: ``done`` of ``size`` bytes, at ``speed`` bytes a second.

    ``note`` says what it waits for, if it does.
    """

    done: int
    size: int
    speed: float = 0.0
    note: str = ""


class Rules(msgspec.Struct, frozen=True):
    """How files are fetched: ``parts`` at once, ``max_rate`` bytes a second at most."""

    parts: int = PARTS
    max_rate: float | None = None
    floor: int = FLOOR_BYTES
    silence: float = SILENCE_SECONDS
    patience: float = PATIENCE_SECONDS

    @classmethod
    def of(cls, settings: Config) -> Rules:
        """As ``config.toml`` wants it."""
        rate = settings.max_rate * 1e6 if settings.max_rate else None
        return cls(parts=settings.download_parts, max_rate=rate)


def hub_cache() -> Path:
    """The Hugging Face cache, as the environment names it."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


class Transfer:
    """Fetches one file. ``stop`` may come from any thread, the rest is of one."""

    def __init__(
        self,
        hub: HubClient,
        repo: str,
        path: str,
        *,
        revision: str = "main",
        commit: str = "",
        n_to_come: int = 0,
        cache: Path | None = None,
        rules: Rules | None = None,
        report: Callable[[Progress], None] = lambda _: None,
    ) -> None:
        """``report`` is called from the thread of ``run``, about five times a second.

        ``commit`` is the one of ``revision`` that other parts of the model are of, if there are
        any; the disk has to have room for ``n_to_come`` bytes of more parts.
        """
        # Whatever the Hub is asked for ends by it as well.
        self._stopped = Halt()
        self._hub = hub.until(self._stopped)
        self._repo = repo
        self._path = path
        self._revision = revision
        self._commit = commit
        self._n_to_come = n_to_come
        self._cache = cache or hub_cache()
        self._rules = rules or Rules()
        self._limit = Limit(self._rules.max_rate)
        self._report = report
        self._note = ""
        self._unsafe: Place | None = None
        # Where the file is, after ``run``, and whether it was fetched for that.
        self.place: Place | None = None
        self.fetched = False

    def stop(self) -> None:
        """Have ``run`` end soon, by StoppedError; what is there stays."""
        self._stopped.set()

    def run(self) -> Path:
        """Fetch what is not there yet; the file's path by its name.

        Raises HubError, DownloadError.
        """
        for _ in range(_MOST_CHANGES):
            resolved, revision = self._settle()
            place = self._place(resolved)
            try:
                place.prepare()
                with self._locked(place):
                    self._make_sure(place, resolved)
                    place.put(revision)
                    self.place = place
                    return place.link
            except ChangedError:
                # Once more with what the Hub says now.
                continue
            except OSError as error:
                raise disk_error(error) from error
        raise DownloadError(f"{self._path} changes on the Hub while it is fetched; try later.")

    def secure(self) -> None:
        """Wait until the disk has what ``run`` has placed. Raises DownloadError.

        Apart, as disks take seconds for it, and the file can be used meanwhile. If the machine
        goes down before, the next ``run`` looks at the bytes again.
        """
        if (place := self._unsafe) is None:
            return
        try:
            handle = os.open(place.link, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
            parts_on_disk.discard(place.incomplete)
        except OSError as error:
            raise disk_error(error) from error
        self._unsafe = None

    # ---- which bytes -------------------------------------------------------------------------

    def _place(self, resolved: Resolved) -> Place:
        return Place(self._cache, self._repo, self._path, resolved.commit, resolved.etag)

    def _settle(self) -> tuple[Resolved, str | None]:
        """What to fetch: the revision's file, or an older one that was begun and is still there.

        With it the revision that then stands for its commit. What was begun for another revision
        is no older version of this one.
        """
        now = self._resolve(self._commit or self._revision)
        for incomplete, begun in begun_files(self._cache, self._repo, self._path, self._revision):
            if begun.etag == now.etag:
                continue
            # But where all parts are to be of one commit.
            with contextlib.suppress(NotFoundError):
                older = now if self._commit else self._resolve(begun.commit)
                if older.etag == begun.etag:
                    self._note = "The Hub has a newer version; this one was begun before."
                    return older, None
            self._note = "The file has changed on the Hub: begun again."
            self._drop(incomplete, begun)
        return now, None if self._commit else self._revision

    def _resolve(self, revision: str) -> Resolved:
        try:
            return self._hub.resolve(self._repo, self._path, revision)
        except OfflineError:
            self._stop_if_asked()
            raise

    def _drop(self, incomplete: Path, begun: Whose) -> None:
        place = Place(self._cache, self._repo, self._path, begun.commit, begun.etag)
        with self._locked(place):
            parts_on_disk.discard(incomplete)

    @contextlib.contextmanager
    def _locked(self, place: Place) -> Iterator[None]:
        """With the lock of the Hub's own client; waits for whoever has it."""
        from huggingface_hub.utils import WeakFileLock  # type: ignore[attr-defined]

        with contextlib.ExitStack() as held:
            while True:
                self._stop_if_asked()
                try:
                    held.enter_context(WeakFileLock(place.lock, timeout=_LOCK_SECONDS))
                    break
                except TimeoutError:
                    waits = "Another program fetches the same file; waiting for it."
                    self._report(Progress(0, 0, note=waits))
            yield

    def _stop_if_asked(self) -> None:
        if self._stopped.is_set():
            raise StoppedError("stopped")

    # ---- the bytes ---------------------------------------------------------------------------

    def _make_sure(self, place: Place, resolved: Resolved) -> None:
        """Have the right blob at its place."""
        # By its name where the disk knows no links.
        there = any(
            file.is_file() and file.stat().st_size == resolved.size
            for file in (place.blob, place.link)
        )
        if there and parts_on_disk.outlived_boot(place.incomplete) is not True:
            if parts_on_disk.state_of(place.incomplete).exists():
                self._unsafe = place
            return
        # The machine went down before the disk had it all: it may have holes.
        if there and self._is_right(place, resolved):
            self._unsafe = place
            return
        place.blob.unlink(missing_ok=True)
        self._fetch(place, resolved)
        self.fetched = True
        self._unsafe = place

    def _is_right(self, place: Place, resolved: Resolved) -> bool:
        self._report(Progress(resolved.size, resolved.size, note="Verifying."))
        check = Check(resolved.etag, resolved.size)
        there = place.blob if place.blob.exists() else place.link
        with there.open("rb") as file:
            return check.whole(file.fileno(), self._stopped.is_set)

    def _fetch(self, place: Place, resolved: Resolved) -> None:
        whose = Whose(
            self._repo, self._path, resolved.commit, resolved.etag, resolved.size, self._revision
        )
        check = Check(resolved.etag, resolved.size)
        with Parts(place.incomplete, whose) as parts:
            self._look_at_room(place, resolved.size - parts.done + self._n_to_come)
            right = self._watched(place, parts, check, resolved.location)
        if not right:
            parts_on_disk.discard(place.incomplete)
            raise WrongBytesError(
                f"The bytes of {self._path} are not the ones that the Hub announces "
                f"({resolved.etag[:16]}...), and were thrown away. Fetch it again; if that "
                "happens twice, something on the way changes them."
            )
        place.incomplete.replace(place.blob)

    def _watched(self, place: Place, parts: Parts, check: Check, location: str) -> bool:
        """Fetch all parts; whether the bytes are right."""
        connections = Connections(
            self._hub,
            parts,
            location,
            count=self._rules.parts,
            limit=self._limit,
            silence=self._rules.silence,
            patience=self._rules.patience,
        )
        over = threading.Event()
        follower = _Thread(lambda: check.follow(parts, over.is_set), over)
        safe = _Thread(lambda: _kept_safe(parts, over), over)
        try:
            connections.start()
            follower.start()
            safe.start()
            self._watch(place, parts, connections, follower, safe)
        finally:
            # Nothing is written or read any more when the files are closed.
            connections.stop()
            over.set()
            follower.join()
            safe.join()
        return bool(follower.result)

    def _watch(
        self,
        place: Place,
        parts: Parts,
        connections: Connections,
        follower: _Thread,
        safe: _Thread,
    ) -> None:
        speed = Speed()
        speed.saw(parts.done)
        looked = time.monotonic()
        while True:
            ended = follower.wait(_REPORT_SECONDS)
            at_work = connections.at_work
            # In this order: what the last of them has brought is seen.
            done = parts.done
            speed.saw(done)
            for error in (connections.error, follower.error, safe.error):
                if isinstance(error, OSError):
                    raise disk_error(error) from error
                if error is not None:
                    raise error
            note = connections.note or self._note
            if done == parts.whose.size and not ended:
                note = "Verifying."
            self._report(Progress(done, parts.whose.size, speed.rate, note))
            if ended:
                return
            self._stop_if_asked()
            if done < parts.whose.size and not at_work:
                raise OfflineError("The connections ended before all was there.")
            if time.monotonic() - looked > _LOOK_AT_ROOM_SECONDS:
                looked = time.monotonic()
                self._look_at_room(place, 0)

    def _look_at_room(self, place: Place, n_bytes: int) -> None:
        free = shutil.disk_usage(place.blob.parent).free
        if free - n_bytes < self._rules.floor:
            # Never none at all.
            short = math.ceil((self._rules.floor + n_bytes - free) / 1e8) / 10
            raise NoRoomError(
                f"The disk of {self._cache} has {free / 1e9:.1f} GB free, and "
                f"{self._rules.floor / 1e9:.1f} GB shall stay so: make {short:.1f} GB of room."
            )


class _Thread(threading.Thread):
    """Work with a result or an error; ``wait`` returns at its end."""

    def __init__(self, work: Callable[[], object], over: threading.Event) -> None:
        super().__init__(name="download", daemon=True)
        self._work = work
        self._ended = threading.Event()
        self._over = over
        self.result: object = None
        self.error: Exception | None = None

    def run(self) -> None:
        stand_back()
        try:
            self.result = self._work()
        except Exception as error:
            # It is told where the download is waited for, but not that it was stopped.
            if not self._over.is_set():
                self.error = error
        finally:
            self._ended.set()

    def wait(self, seconds: float) -> bool:
        return self._ended.wait(seconds)


def _kept_safe(parts: Parts, over: threading.Event) -> None:
    while not over.wait(_SYNC_SECONDS):
        parts.sync()
