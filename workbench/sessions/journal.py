"""What is said goes to the disk while it is said, off the interface's path.

One thread owns the connection and does all the writing: the order is that of the calls, what
has not been written yet is superseded by what is newer, and a disk that hangs keeps nobody
waiting. A lock shared with the interface would be held by whoever is at the disk just when a
signal asks for all to be saved; a queue is not.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Final

import msgspec

from workbench.sessions.database import (
    BUSY_SECONDS,
    StoreDamagedError,
    StoreError,
    StoreLockedError,
    StoreMovedError,
    in_words,
    set_aside,
)
from workbench.sessions.session import Place, Session, Snapshot
from workbench.sessions.store import Store
from workbench.sessions.writer import Writer

# With the time to write it, less than a second of a stream is lost by any death.
_SECONDS: Final = 0.5
# A disk that is full need not be tried twice a second.
_MOST_SECONDS: Final = 30.0
# A disk that hangs must not keep anyone from leaving. Twice it is waited for a lock: by what is
# under way, and by what is to come.
_PATIENCE_SECONDS: Final = 2 * BUSY_SECONDS + 0.5


class _Job(msgspec.Struct, eq=False):
    """Something for the thread to do, and how it went."""

    session: Session | None = None
    snapshot: Snapshot | None = None
    leaves: bool = False
    urgent: bool = False
    ends: bool = False
    error: StoreError | None = None
    done: threading.Event = msgspec.field(default_factory=threading.Event)


class Journal:
    """Keeps sessions in the store as they go.

    ``keep``, ``keep_now`` and ``leave`` are for the thread that changes the conversation, also
    for a signal handler in it; ``settle`` is for any other. The file is opened with the
    first word that there is to keep.
    """

    def __init__(
        self,
        file: Path,
        *,
        on_trouble: Callable[[str], None],
        on_written: Callable[[Session], None] | None = None,
        seconds: float = _SECONDS,
    ) -> None:
        """Both are called in the journal's thread: ``on_trouble`` with a sentence, once for each
        trouble; ``on_written`` when all of a session up to some moment is on the disk.

        ``seconds`` pass between two writes at least.
        """
        self.file = file
        self._on_trouble = on_trouble
        self._on_written = on_written
        self._seconds = seconds
        # Its ``put`` may be interrupted by a signal whose handler puts, too.
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        # From here on the thread's own.
        self._store: Store | None = None
        self._writer: Writer | None = None
        self._pending: dict[Session, _Job] = {}
        self._trouble = ""
        self._wait = seconds
        # Not only with the first word: a signal might come in between. It sleeps until then,
        # and a disk that hangs does not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    # ---- in the interface's thread -----------------------------------------------------------

    def keep(self, session: Session) -> None:
        """Have it written soon. It costs little, and may be called with every piece of text."""
        self._jobs.put(_Job(session, session.snapshot()))

    def keep_now(self, session: Session, *, patience: float = _PATIENCE_SECONDS) -> Path | None:
        """Have it written at once; returns the file, None if there was not a word to keep.

        Raises StoreError.
        """
        snapshot = session.snapshot()
        self._wait_for(_Job(session, snapshot, urgent=True), patience)
        return None if snapshot.is_empty else self.file

    def leave(self, session: Session) -> None:
        """Have it written at once, and be known as left in good order.

        To keep it again is to have it in hand again.
        """
        self._jobs.put(_Job(session, session.snapshot(), leaves=True, urgent=True))

    def settle(self, *, patience: float = _PATIENCE_SECONDS) -> None:
        """Wait until all that was to be kept is on the disk. Raises StoreError."""
        if self._thread.is_alive():
            self._wait_for(_Job(urgent=True), patience)

    def close(self, *, patience: float = _PATIENCE_SECONDS) -> None:
        """Write what there is to write and end. Raises StoreError if that did not go well."""
        if self._thread.is_alive():
            self._wait_for(_Job(urgent=True, ends=True), patience)
            self._thread.join(patience)

    def _wait_for(self, job: _Job, patience: float) -> None:
        self._jobs.put(job)
        if not job.done.wait(patience):
            raise StoreError(f"{self.file} does not answer: the disk is busy, or hangs.")
        if job.error is not None:
            raise job.error

    # ---- in the journal's thread -------------------------------------------------------------

    def _run(self) -> None:
        due = last = float("-inf")
        while True:
            job = None
            try:
                job = self._jobs.get(timeout=max(0.0, due - monotonic()) if self._pending else None)
            except queue.Empty:
                pass
            else:
                if job.session is not None:
                    # It says all that the one before it would have said.
                    self._pending[job.session] = job
                if not self._trouble:
                    due = last + self._seconds
            urgent = job is not None and job.urgent
            if urgent or (self._pending and monotonic() >= due):
                error = self._write()
                last = monotonic()
                due = last + self._wait
                if job is not None and urgent:
                    job.error = error
                    job.done.set()
            if job is not None and job.ends:
                self._end()
                return

    def _write(self) -> StoreError | None:
        """Write all that waits, or say why not; returns that."""
        failed: StoreError | None = None
        for session, job in list(self._pending.items()):
            assert job.snapshot is not None
            try:
                self._keep(session, job.snapshot, leaves=job.leaves)
            except StoreLockedError as error:
                # So it is for the others, and each would wait.
                failed = error
                break
            except StoreError as error:
                failed = error
            # A mistake of our own must not end the thread that keeps everything else.
            except Exception as error:
                failed = StoreError(f"{type(error).__name__}: {error}")
            else:
                del self._pending[session]
        if failed is None:
            self._trouble = ""
            self._wait = self._seconds
        else:
            self._wait = min(2 * self._wait, _MOST_SECONDS)
            self._say(str(failed))
        return failed

    def _keep(self, session: Session, snapshot: Snapshot, *, leaves: bool) -> None:
        if snapshot.is_empty and session.place is None:
            return
        try:
            place = self._written(session, snapshot)
        except StoreDamagedError as error:
            place = self._mended(str(error), session, snapshot)
        except StoreMovedError:
            self._close()
            place = self._written(session, snapshot)
        session.place = place
        if leaves:
            store, writer = self._opened()
            store.leave(place.id, writer.name)
        if self._on_written is not None:
            self._on_written(session)

    def _written(self, session: Session, snapshot: Snapshot) -> Place:
        store, writer = self._opened()
        return store.write(snapshot, session.place, writer=writer.name)

    def _opened(self) -> tuple[Store, Writer]:
        if self._store is None:
            self._store = Store(self.file)
            self._store.purge()
        if self._writer is None:
            with in_words(self.file):
                self._writer = Writer(self._store.writers)
        return self._store, self._writer

    def _mended(self, trouble: str, session: Session, snapshot: Snapshot) -> Place:
        """The store is damaged: mend it, or keep it aside and begin another; then write."""
        self._close()
        aside = set_aside(self.file)
        if aside is None:
            # Another process has seen to it, or an index is damaged that can be made anew.
            file = self.file.stat().st_ino if self.file.exists() else 0
            try:
                self._opened()[0].repair()
                return self._written(session, snapshot)
            except StoreDamagedError:
                self._close()
                aside = set_aside(self.file, surely=file)
        if aside is not None:
            self._say(
                f"{trouble} It is kept as {aside}, and a new one is begun with what is open now. "
                f"The program sqlite3 may get more out of it: sqlite3 {aside} .recover"
            )
        return self._written(session, snapshot)

    def _say(self, trouble: str) -> None:
        if trouble != self._trouble:
            self._trouble = trouble
            # Whoever is told must not end the thread that keeps everything.
            with suppress(Exception):
                self._on_trouble(trouble)

    def _close(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None

    def _end(self) -> None:
        # All is written, or it was said why not: nothing is lost by a mark that stays.
        with suppress(OSError, StoreError):
            self._close()
            if self._writer is not None:
                self._writer.close()
                self._writer = None
