"""The store's file: how it is opened, and what is done where that fails."""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from time import monotonic, sleep
from typing import Final

from workbench.sessions import index, schema

# Transactions are short: who waits longer than that waits for somebody that hangs.
BUSY_SECONDS: Final = 1.0
_LOOK_SECONDS: Final = 0.005
_BESIDE: Final = ("", "-wal", "-shm")

_DAMAGED: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
# Numbers are given by the store: two of a kind come of an index that is out of step. Without
# saying which constraint it is the index of words speaks.
_DOUBLE: Final = {
    sqlite3.SQLITE_CONSTRAINT,
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
    sqlite3.SQLITE_CONSTRAINT_ROWID,
    sqlite3.SQLITE_CONSTRAINT_UNIQUE,
}
_CANNOT_WRITE: Final = {
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_AUTH,
}


class StoreError(Exception):
    """The store cannot be read or written; the message says why and what to do."""


class StoreDamagedError(StoreError):
    """The file is no database any more; ``set_aside`` makes room for a new one."""


class StoreLockedError(StoreError):
    """Another program does not let go of the file."""


class StoreMovedError(StoreError):
    """Another process has set the file aside and begun a new one."""


@contextmanager
def in_words(file: Path) -> Iterator[None]:
    """Turn what SQLite and the system complain of into StoreErrors."""
    try:
        yield
    except schema.NewerSchemaError as error:
        raise StoreError(
            f"{file} was written by a newer Workbench: update this one, or move the file away."
        ) from error
    except sqlite3.Error as error:
        raise _described(error, file) from error
    except OSError as error:
        raise StoreError(f"{file} cannot be written: {error.strerror or error}.") from error


def _described(error: sqlite3.Error, file: Path) -> StoreError:
    extended = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    code = extended & 0xFF
    if code in _DAMAGED or extended in _DOUBLE:
        return StoreDamagedError(f"{file} is damaged ({error}).")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreLockedError(f"{file} is locked by another program: close that, or wait for it.")
    if code == sqlite3.SQLITE_FULL:
        return StoreError(f"There is no room left for {file}: make some on that disk.")
    if code in _CANNOT_WRITE:
        return StoreError(f"{file} cannot be written: look at its permissions.")
    return StoreError(f"{file}: {error}.")


def connect(file: Path, *, has_fts5: bool | None = None) -> tuple[sqlite3.Connection, int]:
    """Open the store, which is made or brought to the present schema if need be.

    Returns also the file's number, which tells it from one that takes its place.

    WAL lets others read while somebody writes. ``synchronous=FULL``: with NORMAL a power cut
    takes all since the last checkpoint, which may be an hour's talk; FULL waits for the disk
    once a commit, and there is one of those a second, off the interface's path. A file that
    cannot be written is opened to be read. ``has_fts5`` is found out if it is not told.
    Raises StoreError.
    """
    with in_words(file):
        while True:
            may_write = _may_write(file)
            number = file.stat().st_ino
            connection = _writing(file, has_fts5) if may_write else _reading(file)
            if file.exists() and file.stat().st_ino == number:
                return connection, number
            # Another process has set it aside meanwhile: which one is open is not known.
            connection.close()


def _writing(file: Path, has_fts5: bool | None) -> sqlite3.Connection:
    connection = _plain(str(file))
    try:
        if not schema.version(connection):
            # Room that is not needed any more can be given back; only a new file is asked.
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        # What is removed is not to be read in the file any more.
        connection.execute("PRAGMA secure_delete = ON")
        # Kilobytes: room for the list of ten thousand conversations.
        connection.execute("PRAGMA cache_size = -8000")
        schema.migrate(connection)
        if has_fts5 is None:
            has_fts5 = index.available(connection)
        index.prepare(connection, has_fts5=has_fts5)
    except BaseException:
        connection.close()
        raise
    return connection


def _may_write(file: Path) -> bool:
    """Make the file if there is none; whether it can be written. Raises OSError.

    A file that is there is not opened: whoever closes a file takes all locks from it that the
    process has, SQLite's own too, and others would take the store for one that nobody uses.
    """
    if file.is_file():
        # WAL wants files beside it.
        return all(os.access(each, os.R_OK | os.W_OK) for each in (file, file.parent))
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        # What people write is nobody else's business; the files beside it get the same mode.
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    return True


def _plain(place: str, *, uri: bool = False) -> sqlite3.Connection:
    return sqlite3.connect(
        place, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, uri=uri
    )


def begin(connection: sqlite3.Connection, *, patience: float = BUSY_SECONDS) -> None:
    """Begin to write, after others that are at it. Raises sqlite3.Error.

    SQLite itself looks for its turn ten times a second: beside somebody who writes without a
    pause that is too seldom to get one.
    """
    until = monotonic() + patience
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or monotonic() >= until:
                    raise
                sleep(_LOOK_SECONDS)
            else:
                return
    finally:
        connection.execute(f"PRAGMA busy_timeout = {round(BUSY_SECONDS * 1000)}")


def _reading(file: Path) -> sqlite3.Connection:
    """A connection to a file that cannot be written."""
    connection = _plain(f"{file.as_uri()}?mode=ro", uri=True)
    try:
        schema.version(connection)
    except sqlite3.OperationalError:
        connection.close()
        # WAL wants files beside it, which cannot be made here. Nobody else has it open, or they
        # would be there.
        connection = _copied(file) if _has_more(file) else _unchanging(file)
    try:
        if schema.version(connection) > schema.VERSION:
            raise schema.NewerSchemaError
        if schema.version(connection) < schema.VERSION:
            raise StoreError(
                f"{file} was written by an older Workbench and must be brought up to date, but "
                "it cannot be written: look at its permissions."
            )
    except BaseException:
        connection.close()
        raise
    return connection


def _has_more(file: Path) -> bool:
    """Whether something was written that has not got into the file itself."""
    beside = Path(f"{file}-wal")
    return beside.exists() and beside.stat().st_size > 0


def _unchanging(file: Path) -> sqlite3.Connection:
    return _plain(f"{file.as_uri()}?mode=ro&immutable=1", uri=True)


def _copied(file: Path) -> sqlite3.Connection:
    """A connection to a copy, which is gone with the connection. Raises OSError."""
    with tempfile.TemporaryDirectory(prefix="workbench-sessions-") as folder:
        copy = Path(folder, file.name)
        for beside in ("", "-wal"):
            shutil.copyfile(f"{file}{beside}", f"{copy}{beside}")
        connection = _plain(f"{copy.as_uri()}?mode=ro", uri=True)
        # With the first read all files are open, and need their names no more.
        schema.version(connection)
        return connection


def set_aside(file: Path, *, surely: int = 0) -> Path | None:
    """Give a damaged store another name, so that a new one can be begun; returns it.

    None if it is sound, which is not asked of the file with the number ``surely``: not all
    damage is found by looking for it. None also if another process was quicker. Raises
    StoreError.
    """
    with in_words(file), _alone(file):
        is_known = bool(surely) and file.exists() and file.stat().st_ino == surely
        if not is_known and not _is_damaged(file):
            return None
        stem = f"{file.stem}-damaged-{datetime.now():%Y%m%d-%H%M%S}"
        aside = file.with_name(f"{stem}{file.suffix}")
        number = 1
        while aside.exists():
            number += 1
            aside = file.with_name(f"{stem}-{number}{file.suffix}")
        # Its own last: whoever opens it meanwhile must not find it beside another's.
        for beside in reversed(_BESIDE):
            part = Path(f"{file}{beside}")
            if part.exists():
                part.rename(f"{aside}{beside}")
        return aside


def _is_damaged(file: Path) -> bool:
    if not file.exists():
        return False
    connection = _plain(str(file))
    try:
        return str(connection.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok"
    except sqlite3.DatabaseError as error:
        return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED
    finally:
        connection.close()


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Keep other processes from setting the file aside meanwhile."""
    with file.with_name(f".{file.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
