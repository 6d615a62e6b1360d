"""Messages as rows of the store.

An open answer's text comes in pieces, each a row of its own: to write the whole text anew and
into the index of words once a second would cost more the longer it gets. When the answer is
complete the message has all of it, and the pieces are gone.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable
from typing import Any, Final, get_args

import msgspec

from workbench.parameters.kinds import Value
from workbench.sessions.conversation import Message, ModelFile, Role
from workbench.untrusted import without_controls

_ABOUT: Final = (
    "finish",
    "model",
    "model_file",
    "parameters",
    "seed",
    "n_tokens",
    "tps",
    "n_prompt",
    "n_cached",
    "n_ctx",
    "prompt_ms",
    "ttft_ms",
    "decode_ms",
    "given",
    "given_thoughts",
)
_COLUMNS: Final = ("conversation", "parent", "role", "text", "thoughts", "at", "writer", *_ABOUT)
_INSERT: Final = (
    f"INSERT INTO messages ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608
)
_FINISH: Final = (
    f"UPDATE messages SET text = ?, thoughts = ?, {', '.join(f'{each} = ?' for each in _ABOUT)},"  # noqa: S608
    " writer = NULL WHERE id = ?"
)
_SELECT: Final = (
    "SELECT m.id, m.parent, m.role, m.text, m.thoughts, m.at, m.writer, m.finish, m.model,"
    " m.parameters, m.seed, m.n_tokens, m.tps, m.n_prompt, m.n_cached, m.n_ctx, m.prompt_ms,"
    " m.ttft_ms, m.decode_ms, m.given, m.given_thoughts, f.path, f.size, f.mtime_ns, f.sha256"
    " FROM messages m LEFT JOIN models f ON f.id = m.model_file"
    " WHERE m.conversation = ? ORDER BY m.id"
)
_ROLES: Final = get_args(Role)
_PARAMETERS: Final = msgspec.json.Decoder(dict[str, Value])
_NO_PARAMETERS: Final = "{}"


def add(
    connection: sqlite3.Connection,
    conversation: int,
    parent: int | None,
    message: Message,
    writer: str,
) -> int:
    """Add a message, of an open one all but its text; returns its number in the store."""
    is_open = message.is_open
    number = connection.execute(
        _INSERT,
        (
            conversation,
            parent,
            message.role,
            "" if is_open else without_controls(message.text),
            "" if is_open else without_controls(message.thoughts),
            round(message.at * 1000),
            writer if is_open else None,
            *_about(connection, message),
        ),
    ).lastrowid
    assert number is not None
    return number


def add_piece(
    connection: sqlite3.Connection,
    number: int,
    message: Message,
    written: tuple[int, int],
    writer: str,
) -> tuple[int, int]:
    """Add what has come of text and thoughts; ``written`` is how much was there, and is now."""
    # Should somebody have thought the writer gone, it is not.
    connection.execute(
        "UPDATE messages SET writer = coalesce(writer, ?), n_tokens = ? WHERE id = ?",
        (writer, message.n_tokens, number),
    )
    n_text, n_thoughts = written
    text, thoughts = message.text, message.thoughts
    if len(text) > n_text or len(thoughts) > n_thoughts:
        connection.execute(
            "INSERT INTO pieces (message, text, thoughts) VALUES (?, ?, ?)",
            (
                number,
                without_controls(text[n_text:]),
                without_controls(thoughts[n_thoughts:]),
            ),
        )
    return len(text), len(thoughts)


def finish(connection: sqlite3.Connection, number: int, message: Message) -> None:
    """The answer is complete."""
    text, thoughts = without_controls(message.text), without_controls(message.thoughts)
    connection.execute(_FINISH, (text, thoughts, *_about(connection, message), number))
    connection.execute("DELETE FROM pieces WHERE message = ?", (number,))


def open_messages(connection: sqlite3.Connection) -> list[tuple[int, str]]:
    """The numbers of all that are open, each with its writer."""
    return connection.execute("SELECT id, writer FROM messages WHERE writer IS NOT NULL").fetchall()


def put_together(connection: sqlite3.Connection, number: int) -> None:
    """Close a message whose writer is gone with what came of it.

    Should the writer be there after all, what it writes at the end is what counts.
    """
    text, thoughts = _pieces(connection, number)
    connection.execute(
        "UPDATE messages SET text = text || ?, thoughts = thoughts || ?, writer = NULL,"
        " finish = 'cut off' WHERE id = ?",
        (text, thoughts, number),
    )
    connection.execute("DELETE FROM pieces WHERE message = ?", (number,))


def messages(
    connection: sqlite3.Connection, conversation: int, finish_of: Callable[[str], str]
) -> tuple[list[int], list[Message]]:
    """A conversation's messages and their numbers in the store.

    ``finish_of`` says of an open message's writer how it ended.
    """
    found = connection.execute(_SELECT, (conversation,)).fetchall()
    numbers = [row[0] for row in found]
    place_of = {number: place for place, number in enumerate(numbers)}
    made = []
    for place, (number, parent, role, text, thoughts, *rest) in enumerate(found):
        at, writer, finish, *about = rest
        if writer is not None:
            more_text, more_thoughts = _pieces(connection, number)
            text, thoughts = text + more_text, thoughts + more_thoughts
            finish = finish_of(writer)
        made.append(_message(place, place_of.get(parent), role, text, thoughts, at, finish, about))
    return numbers, made


def _pieces(connection: sqlite3.Connection, number: int) -> tuple[str, str]:
    found = connection.execute(
        "SELECT text, thoughts FROM pieces WHERE message = ? ORDER BY id", (number,)
    ).fetchall()
    return "".join(text for text, _ in found), "".join(thoughts for _, thoughts in found)


def _message(
    place: int,
    parent: int | None,
    role: Any,
    text: str,
    thoughts: str,
    at: int,
    finish: str,
    about: list[Any],
) -> Message:
    if role not in _ROLES:
        raise ValueError(f"message {place} is nobody's")
    model, parameters, *figures, path, size, mtime_ns, sha256 = about
    file = None
    if path is not None:
        file = ModelFile(path=without_controls(path), size=size, mtime_ns=mtime_ns, sha256=sha256)
    seed, n_tokens, tps, n_prompt, n_cached, n_ctx, prompt_ms, ttft_ms, decode_ms, *given = figures
    return Message(
        id=place,
        parent=parent,
        role=role,
        # The file may have been changed by anything.
        text=without_controls(text),
        thoughts=without_controls(thoughts),
        at=at / 1000,
        # Whatever an answer ended by, it is not open here.
        finish=without_controls(finish) or ("unknown" if role == "assistant" else ""),
        model=without_controls(model),
        model_file=file,
        parameters=_parameters(parameters) if parameters != _NO_PARAMETERS else {},
        seed=seed,
        n_tokens=n_tokens,
        tps=tps,
        n_prompt=n_prompt,
        n_cached=n_cached,
        n_ctx=n_ctx,
        prompt_ms=prompt_ms,
        ttft_ms=ttft_ms,
        decode_ms=decode_ms,
        given=given[0],
        given_thoughts=given[1],
    )


def _parameters(encoded: str) -> dict[str, Value]:
    found = _PARAMETERS.decode(encoded)
    return {without_controls(key): _clean(value) for key, value in found.items()}


def _clean(value: Value) -> Value:
    match value:
        case str():
            return without_controls(value)
        case tuple():
            return tuple(map(without_controls, value))
    return value


def _about(connection: sqlite3.Connection, message: Message) -> tuple[Any, ...]:
    """What the columns of ``_ABOUT`` say."""
    parameters = _NO_PARAMETERS
    if message.parameters:
        parameters = msgspec.json.encode(message.parameters).decode()
    return (
        message.finish,
        without_controls(message.model),
        _model_file(connection, message.model_file),
        parameters,
        message.seed,
        message.n_tokens,
        _figure(message.tps),
        message.n_prompt,
        message.n_cached,
        message.n_ctx,
        _figure(message.prompt_ms),
        _figure(message.ttft_ms),
        _figure(message.decode_ms),
        message.given,
        message.given_thoughts,
    )


def _figure(value: float) -> float:
    """What can be kept: of no number SQLite makes NULL, and JSON knows none."""
    return value if math.isfinite(value) else 0.0


def _model_file(connection: sqlite3.Connection, file: ModelFile | None) -> int | None:
    if file is None:
        return None
    facts = (file.path, file.size, file.mtime_ns, file.sha256)
    connection.execute(
        "INSERT OR IGNORE INTO models (path, size, mtime_ns, sha256) VALUES (?, ?, ?, ?)", facts
    )
    found = connection.execute(
        "SELECT id FROM models WHERE path = ? AND size = ? AND mtime_ns = ? AND sha256 = ?", facts
    ).fetchone()
    return int(found[0])
