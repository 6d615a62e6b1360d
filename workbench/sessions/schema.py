"""The store's tables, version by version.

``PRAGMA user_version`` says which version a file has; what comes after it is brought in, in one
transaction. A version that has been released is never changed: the next one is added.
"""

from __future__ import annotations

import sqlite3
from typing import Final

# A conversation is a tree of messages. Both are ordered by numbers that only grow: clocks go
# backwards, ``created``, ``updated``, ``at`` and ``deleted`` (milliseconds of the epoch) are
# for people alone.
_FIRST: Final = (
    """CREATE TABLE conversations (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        title TEXT NOT NULL DEFAULT '',
        created INTEGER NOT NULL,
        updated INTEGER NOT NULL,
        touched INTEGER NOT NULL,
        pinned INTEGER NOT NULL DEFAULT 0,
        system TEXT NOT NULL DEFAULT '',
        leaf INTEGER,
        n_messages INTEGER NOT NULL DEFAULT 0,
        deleted INTEGER
    )""",
    "CREATE UNIQUE INDEX conversations_touched ON conversations (touched)",
    """CREATE INDEX conversations_listed ON conversations (pinned DESC, touched DESC)
        WHERE deleted IS NULL""",
    """CREATE TABLE models (
        id INTEGER PRIMARY KEY,
        path TEXT NOT NULL,
        size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        sha256 TEXT NOT NULL,
        UNIQUE (path, size, mtime_ns, sha256)
    )""",
    """CREATE TABLE messages (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        conversation INTEGER NOT NULL REFERENCES conversations ON DELETE CASCADE,
        parent INTEGER,
        role TEXT NOT NULL,
        text TEXT NOT NULL DEFAULT '',
        thoughts TEXT NOT NULL DEFAULT '',
        at INTEGER NOT NULL DEFAULT 0,
        writer TEXT,
        finish TEXT NOT NULL DEFAULT '',
        model TEXT NOT NULL DEFAULT '',
        model_file INTEGER REFERENCES models,
        parameters TEXT NOT NULL DEFAULT '{}',
        seed INTEGER,
        n_tokens INTEGER NOT NULL DEFAULT 0,
        tps REAL NOT NULL DEFAULT 0,
        n_prompt INTEGER NOT NULL DEFAULT 0,
        n_cached INTEGER NOT NULL DEFAULT 0,
        n_ctx INTEGER NOT NULL DEFAULT 0,
        prompt_ms REAL NOT NULL DEFAULT 0,
        ttft_ms REAL NOT NULL DEFAULT 0,
        decode_ms REAL NOT NULL DEFAULT 0
    )""",
    "CREATE INDEX messages_of ON messages (conversation)",
    # Who is writing it; nobody is at nearly all of them.
    "CREATE INDEX messages_open ON messages (writer) WHERE writer IS NOT NULL",
    # What has come of an open message since it was begun, in the order it came.
    """CREATE TABLE pieces (
        id INTEGER PRIMARY KEY,
        message INTEGER NOT NULL REFERENCES messages ON DELETE CASCADE,
        text TEXT NOT NULL,
        thoughts TEXT NOT NULL
    )""",
    "CREATE INDEX pieces_of ON pieces (message)",
)

# Who has a conversation in hand: a writer that is gone has been cut off in it. And what of an
# answer the model was given to go on with.
_RESUMED: Final = (
    "ALTER TABLE conversations ADD COLUMN draft TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE messages ADD COLUMN given INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE messages ADD COLUMN given_thoughts INTEGER NOT NULL DEFAULT 0",
    """CREATE TABLE holders (
        conversation INTEGER NOT NULL REFERENCES conversations ON DELETE CASCADE,
        writer TEXT NOT NULL,
        PRIMARY KEY (conversation, writer)
    ) WITHOUT ROWID""",
)

# When something deleted was first found to be so for too long; in milliseconds of the epoch.
_EXPIRED: Final = ("ALTER TABLE conversations ADD COLUMN expired INTEGER",)

MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (_FIRST, _RESUMED, _EXPIRED)
"""What brings a store from each version to the next, from an empty file on."""

VERSION: Final = len(MIGRATIONS)


class NewerSchemaError(Exception):
    """The file was written by a newer Workbench."""


def version(connection: sqlite3.Connection) -> int:
    """The version that the file has; 0 if it is empty."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection, *, to: int = VERSION) -> None:
    """Bring the file to the version ``to``, or leave it as it was.

    Raises NewerSchemaError and sqlite3.Error.
    """
    if version(connection) == to:
        return
    # Another process may be at it: only behind the lock is the version certain.
    connection.execute("BEGIN IMMEDIATE")
    try:
        present = version(connection)
        if present > to:
            raise NewerSchemaError(present)
        for statements in MIGRATIONS[present:to]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {to:d}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
