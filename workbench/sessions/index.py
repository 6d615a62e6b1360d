"""The index of all words, where this Python's SQLite has FTS5.

Without FTS5 everything works but the index: searches read through all messages. A store goes
from one kind of Python to the other and back: what the index missed is added.
"""

from __future__ import annotations

import sqlite3
from typing import Final

_TABLE: Final = """CREATE VIRTUAL TABLE words USING fts5 (
    text,
    thoughts,
    content = 'messages',
    content_rowid = 'id',
    tokenize = "unicode61 remove_diacritics 2",
    prefix = '2 3'
)"""
_ADD: Final = "INSERT INTO words (rowid, text, thoughts) VALUES (new.id, new.text, new.thoughts);"
_REMOVE: Final = (
    "INSERT INTO words (words, rowid, text, thoughts)"
    " VALUES ('delete', old.id, old.text, old.thoughts);"
)
_TRIGGERS: Final = {
    "words_added": f"CREATE TRIGGER words_added AFTER INSERT ON messages BEGIN {_ADD} END",
    "words_removed": f"CREATE TRIGGER words_removed AFTER DELETE ON messages BEGIN {_REMOVE} END",
    "words_changed": "CREATE TRIGGER words_changed AFTER UPDATE OF text, thoughts ON messages"
    f" BEGIN {_REMOVE} {_ADD} END",
}


def available(connection: sqlite3.Connection) -> bool:
    """Whether this SQLite has FTS5."""
    modules = connection.execute("SELECT 1 FROM pragma_module_list WHERE name = 'fts5'")
    return modules.fetchone() is not None


def prepare(connection: sqlite3.Connection, *, has_fts5: bool) -> None:
    """Have the index follow the messages, or leave them alone where it cannot."""
    wanted = _TRIGGERS if has_fts5 else {}
    if _triggers(connection) == wanted:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have seen to it meanwhile.
        if _triggers(connection) != wanted:
            if has_fts5:
                remake(connection)
            else:
                _drop_triggers(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _triggers(connection: sqlite3.Connection) -> dict[str, str]:
    found = connection.execute(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND name GLOB 'words_*'"
    )
    return dict(found.fetchall())


def _drop_triggers(connection: sqlite3.Connection) -> None:
    for name in _TRIGGERS:
        connection.execute(f"DROP TRIGGER IF EXISTS {name}")


def remake(connection: sqlite3.Connection) -> None:
    """Make the index anew of what the messages say, whatever there is of one."""
    _drop_triggers(connection)
    connection.execute("DROP TABLE IF EXISTS words")
    connection.execute(_TABLE)
    for trigger in _TRIGGERS.values():
        connection.execute(trigger)
    connection.execute("INSERT INTO words (words) VALUES ('rebuild')")
