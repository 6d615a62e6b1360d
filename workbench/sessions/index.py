"""The index of all words, where this Python's SQLite has FTS5.

Without FTS5 everything works but the index: searches read through all messages. A store goes
from one kind of Python to the other and back: what the index missed is added.
"""

from __future__ import annotations

import sqlite3
from typing import Final

_TABLE: Final = """CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (
    text,
    content = 'messages',
    content_rowid = 'id',
    tokenize = "unicode61 remove_diacritics 2",
    prefix = '2 3'
)"""
_ADD: Final = "INSERT INTO words (rowid, text) VALUES (new.id, new.text);"
_REMOVE: Final = "INSERT INTO words (words, rowid, text) VALUES ('delete', old.id, old.text);"
_TRIGGERS: Final = {
    "words_added": f"AFTER INSERT ON messages BEGIN {_ADD} END",
    "words_removed": f"AFTER DELETE ON messages BEGIN {_REMOVE} END",
    "words_changed": f"AFTER UPDATE OF text ON messages BEGIN {_REMOVE} {_ADD} END",
}


def available(connection: sqlite3.Connection) -> bool:
    """Whether this SQLite has FTS5."""
    modules = connection.execute("SELECT 1 FROM pragma_module_list WHERE name = 'fts5'")
    return modules.fetchone() is not None


def prepare(connection: sqlite3.Connection, *, has_fts5: bool) -> None:
    """Have the index follow the messages, or leave them alone where it cannot."""
    triggers = connection.execute(
        "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger' AND name GLOB 'words_*'"
    ).fetchone()[0]
    if (triggers == len(_TRIGGERS)) if has_fts5 else not triggers:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for name in _TRIGGERS:
            connection.execute(f"DROP TRIGGER IF EXISTS {name}")
        if has_fts5:
            connection.execute(_TABLE)
            for name, body in _TRIGGERS.items():
                connection.execute(f"CREATE TRIGGER {name} {body}")
            rebuild(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def rebuild(connection: sqlite3.Connection) -> None:
    """Make the index anew of what the messages say."""
    connection.execute("INSERT INTO words (words) VALUES ('rebuild')")
