"""Conversations that are taken away: for a while, then for good."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection
from typing import Final

_DAY: Final = 86_400_000
# So long a conversation that was deleted can be had back.
_KEPT: Final = 30 * _DAY
# And so long after it was first found to be as old as that: a clock that is set forward makes
# everything old, such as that of a board which begins with 1970 until it has asked for the time.
_DOUBTED: Final = 7 * _DAY
# So many pages of the file are tidied at a time, which takes a quarter of a second at most
# where nobody else is at work.
_PAGES: Final = 500
# In between others have their turn; they look for it ten times a second.
_PAUSE_SECONDS: Final = 0.05


def delete(connection: sqlite3.Connection, conversation: int, *, now: int) -> bool:
    """Take it from the list; ``now`` in milliseconds. Returns whether it was there."""
    changed = connection.execute(
        "UPDATE conversations SET deleted = ?, expired = NULL WHERE id = ? AND deleted IS NULL",
        (now, conversation),
    )
    return bool(changed.rowcount)


def restore_last(connection: sqlite3.Connection) -> int | None:
    """Put what was deleted last on the list again; returns its number."""
    found = connection.execute(
        "SELECT id FROM conversations WHERE deleted IS NOT NULL ORDER BY deleted DESC LIMIT 1"
    ).fetchone()
    if found is None:
        return None
    connection.execute("UPDATE conversations SET deleted = NULL WHERE id = ?", found)
    return int(found[0])


def purge(connection: sqlite3.Connection, *, now: int) -> int:
    """Remove what was deleted long ago; returns how many.

    The index of words forgets theirs when it is next tidied.
    """
    connection.execute(
        "UPDATE conversations SET expired = ?1"
        " WHERE deleted <= ?2 AND (expired IS NULL OR expired > ?1)",
        (now, now - _KEPT),
    )
    return connection.execute(
        "DELETE FROM conversations WHERE deleted <= ? AND expired <= ?",
        (now - _KEPT, now - _DOUBTED),
    ).rowcount


def remove(connection: sqlite3.Connection, conversations: Collection[int]) -> None:
    """Remove them for good."""
    connection.executemany("DELETE FROM conversations WHERE id = ?", ((n,) for n in conversations))


def tidy(connection: sqlite3.Connection, *, has_index: bool) -> None:
    """Leave nothing in the file of what was removed, and no more room than is needed.

    In steps, for it takes seconds where there is much: others who have to write need not wait
    for the end. Raises sqlite3.Error.
    """
    if has_index:
        # Words that are gone are only said to be gone until what has them is merged.
        step = -_PAGES
        while True:
            before = connection.total_changes
            connection.execute("INSERT INTO words (words, rank) VALUES ('merge', ?)", (step,))
            # So FTS5 says that there was nothing left to do.
            if step > 0 and connection.total_changes - before < 2:
                break
            step = _PAGES
            time.sleep(_PAUSE_SECONDS)
    while connection.execute("PRAGMA freelist_count").fetchone()[0] > 0:
        before = connection.execute("PRAGMA page_count").fetchone()[0]
        # It gives back a page a step, and has no columns: ``execute`` steps but once.
        connection.executescript(f"PRAGMA incremental_vacuum({_PAGES})")
        if connection.execute("PRAGMA page_count").fetchone()[0] == before:
            break
        time.sleep(_PAUSE_SECONDS)
    # What was written last lies in the file beside it, too.
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
