"""A conversation is brought up to a snapshot, within a transaction."""

from __future__ import annotations

import sqlite3

from workbench.sessions import rows
from workbench.sessions.listing import title_of
from workbench.sessions.session import Place, Snapshot
from workbench.untrusted import without_controls


def begin(connection: sqlite3.Connection, *, now: int, title: str = "") -> int:
    """A new conversation without a message; ``now`` in milliseconds. Returns its number."""
    number = connection.execute(
        "INSERT INTO conversations (title, created, updated, touched)"
        " SELECT ?, ?, ?, coalesce(max(touched), 0) + 1 FROM conversations",
        (title_of(title), now, now),
    ).lastrowid
    assert number is not None
    return number


def bring_up(
    connection: sqlite3.Connection, snapshot: Snapshot, place: Place, *, writer: str, now: int
) -> Place:
    """Write what is new since ``place``; returns where the conversation stands then."""
    numbers, written = list(place.rows), dict(place.written)
    n_new = len(snapshot.messages) - len(numbers)
    changed = n_new > 0 or bool(written)
    for at in place.written:
        message = snapshot.messages[at]
        if message.is_open:
            written[at] = rows.add_piece(connection, numbers[at], message, written[at], writer)
        else:
            rows.finish(connection, numbers[at], message)
            del written[at]
    for message in snapshot.messages[len(numbers) :]:
        parent = None if message.parent is None else numbers[message.parent]
        number = rows.add(connection, place.id, parent, message, writer)
        numbers.append(number)
        if message.is_open:
            written[message.id] = rows.add_piece(connection, number, message, (0, 0), writer)
    connection.execute(
        "UPDATE conversations SET leaf = ?, system = ?, draft = ?, n_messages = n_messages + ?"
        " WHERE id = ?",
        (
            None if snapshot.leaf is None else numbers[snapshot.leaf],
            without_controls(snapshot.system),
            without_controls(snapshot.draft),
            n_new,
            place.id,
        ),
    )
    if changed:
        # What somebody goes on with is not to be thrown away, either.
        connection.execute(
            "UPDATE conversations SET updated = ?, deleted = NULL,"
            " touched = (SELECT max(touched) + 1 FROM conversations) WHERE id = ?",
            (now, place.id),
        )
    if n_new:
        first = next((each.text for each in snapshot.messages if each.role == "user"), "")
        connection.execute(
            "UPDATE conversations SET title = ? WHERE id = ? AND title = ''",
            (title_of(first), place.id),
        )
    return Place(place.file, place.id, numbers, written)


def hold(connection: sqlite3.Connection, conversation: int, writer: str) -> None:
    """Let it be known who has a conversation in hand."""
    connection.execute(
        "INSERT OR IGNORE INTO holders (conversation, writer) VALUES (?, ?)",
        (conversation, writer),
    )
