"""All conversations, in one SQLite file.

Every call takes its time on the disk and may be made in any thread, one after another. Two
processes may have the same conversation in hand: each adds messages of its own to the one tree,
nobody's are overwritten, and each sees the other's when it opens the conversation again. The
leaf, the system prompt and the draft are those of whoever wrote last.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import time
from typing import Final, Self

import msgspec

from workbench.sessions import index, rows
from workbench.sessions.conversation import Conversation
from workbench.sessions.database import (
    StoreDamagedError,
    StoreError,
    StoreMovedError,
    connect,
    in_words,
)
from workbench.sessions.search import Hit, Search
from workbench.sessions.session import Place, Session, Snapshot
from workbench.sessions.writer import is_alive
from workbench.untrusted import without_controls

_LONGEST_TITLE: Final = 60
# So long a conversation that was deleted can be had back.
_KEPT_DAYS: Final = 30


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation as a list shows it; ``created`` and ``updated`` in seconds of the epoch."""

    id: int
    title: str
    created: float
    updated: float
    pinned: bool
    n_messages: int
    draft: str = ""


class Store:
    """The file, opened."""

    def __init__(
        self,
        file: Path,
        *,
        clock: Callable[[], float] = time,
        has_fts5: bool | None = None,
    ) -> None:
        """Open or make ``file``. Raises StoreError, StoreDamagedError where it is no store."""
        self.file = file
        self._clock = clock
        self._lock = threading.RLock()
        self._connection = connect(file, has_fts5=has_fts5)
        try:
            with in_words(file):
                self._inode = file.stat().st_ino
                self._search = Search(self._connection)
            with suppress(StoreError):
                # Where it can only be read this has to wait.
                self._recover()
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def writers(self) -> Path:
        """The folder of the writers' marks."""
        return self.file.with_name("writers")

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock, in_words(self.file):
            yield self._connection

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all that is done in it, or nothing."""
        with self._lock, in_words(self.file):
            connection = self._connection
            if not self._is_in_place():
                raise StoreMovedError(f"{self.file} has been set aside by another process.")
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def _is_in_place(self) -> bool:
        try:
            return os.stat(self.file).st_ino == self._inode  # noqa: PTH116
        except FileNotFoundError:
            return False

    # ---- the list ----------------------------------------------------------------------------

    def summaries(
        self, *, limit: int = -1, skip: int = 0, titled: str = "", deleted: bool = False
    ) -> list[Summary]:
        """The conversations, pinned ones first, then those last written to first.

        ``titled`` leaves only those whose title has these words in it. Raises StoreError.
        """
        state = "IS NOT NULL" if deleted else "IS NULL"
        words = [f"%{_escaped(word)}%" for word in without_controls(titled).split()]
        likes = " AND title LIKE ? ESCAPE '\\'" * len(words)
        with self._reading() as connection:
            found = connection.execute(
                "SELECT id, title, created, updated, pinned, n_messages, draft FROM conversations"  # noqa: S608
                f" WHERE deleted {state}{likes}"
                " ORDER BY pinned DESC, touched DESC LIMIT ? OFFSET ?",
                (*words, limit, skip),
            )
            return [_summary(*row) for row in found]

    def summary(self, conversation: int) -> Summary:
        """One of them, deleted or not. Raises StoreError."""
        with self._reading() as connection:
            row = connection.execute(
                "SELECT id, title, created, updated, pinned, n_messages, draft FROM conversations"
                " WHERE id = ?",
                (conversation,),
            ).fetchone()
        if row is None:
            raise _no(conversation)
        return _summary(*row)

    def named(self, reference: str) -> int:
        """The conversation that a person means: by its number, its title, or a part of that.

        Raises StoreError if there is none, or several.
        """
        reference = reference.strip()
        if reference.isdecimal():
            return self.summary(int(reference)).id
        found = self.summaries(titled=reference) if reference else []
        exact = [each for each in found if each.title.casefold() == reference.casefold()]
        found = exact or found
        if not found:
            raise StoreError(f"There is no conversation '{reference}': look at the list.")
        if len(found) > 1:
            listed = ", ".join(f"{each.id} ({each.title})" for each in found[:5])
            raise StoreError(f"Several conversations are called so: {listed}. Give the number.")
        return found[0].id

    def search(self, words: str, *, limit: int = 50) -> list[Hit]:
        """Where the words are said; see ``Search.find``. Raises StoreError."""
        try:
            with self._reading():
                return self._search.find(words, limit=limit)
        except StoreDamagedError:
            # Most likely the index alone, and that can be made anew.
            self.repair()
            with self._reading():
                return self._search.find(words, limit=limit)

    # ---- one conversation --------------------------------------------------------------------

    def open(self, conversation: int) -> Session:
        """The whole conversation. Raises StoreError.

        An answer whose writer is gone is marked as cut off; one that another process is
        writing at this moment is as far as that has come, and marked too.
        """
        with self._reading() as connection:
            row = connection.execute(
                "SELECT leaf, system, draft FROM conversations WHERE id = ?", (conversation,)
            ).fetchone()
            if row is None:
                raise _no(conversation)
            leaf, system, draft = row
            try:
                numbers, messages = rows.messages(connection, conversation, self._finish_of)
                number_of = {number: at for at, number in enumerate(numbers)}
                tree = Conversation(messages, number_of.get(leaf))
            except ValueError as error:
                raise StoreError(
                    f"Conversation {conversation} in {self.file} makes no sense: {error}."
                ) from error
        return Session(
            tree,
            system=without_controls(system),
            draft=without_controls(draft),
            place=Place(self._inode, conversation, numbers),
        )

    def _finish_of(self, writer: str) -> str:
        return "elsewhere" if is_alive(self.writers, writer) else "cut off"

    def rename(self, conversation: int, title: str) -> None:
        """Give it a title; without one it is called after its first prompt. Raises StoreError."""
        title = _title(title)
        with self._writing() as connection:
            if not title:
                first = connection.execute(
                    "SELECT text FROM messages WHERE conversation = ? AND role = 'user'"
                    " ORDER BY id LIMIT 1",
                    (conversation,),
                ).fetchone()
                title = _title(first[0]) if first else ""
            self._set(connection, conversation, "title", title)

    def pin(self, conversation: int, *, pinned: bool = True) -> None:
        """Keep it at the top of the list, or no longer. Raises StoreError."""
        with self._writing() as connection:
            self._set(connection, conversation, "pinned", pinned)

    def delete(self, conversation: int) -> None:
        """Take it from the list and out of searches; ``restore`` undoes it. Raises StoreError."""
        with self._writing() as connection:
            self._set(connection, conversation, "deleted", self._now())

    def restore(self, conversation: int) -> None:
        """Undo a deletion. Raises StoreError."""
        with self._writing() as connection:
            self._set(connection, conversation, "deleted", None)

    def purge(self, *, older_than_days: float = _KEPT_DAYS) -> int:
        """Remove for good what was deleted so long ago; returns how many. Raises StoreError."""
        with self._writing() as connection:
            return connection.execute(
                "DELETE FROM conversations WHERE deleted IS NOT NULL AND deleted <= ?",
                (self._now() - round(older_than_days * 86_400_000),),
            ).rowcount

    def _set(
        self, connection: sqlite3.Connection, conversation: int, column: str, value: object
    ) -> None:
        changed = connection.execute(
            f"UPDATE conversations SET {column} = ? WHERE id = ?",  # noqa: S608
            (value, conversation),
        )
        if not changed.rowcount:
            raise _no(conversation)

    # ---- writing -----------------------------------------------------------------------------

    def write(
        self,
        snapshot: Snapshot,
        place: Place | None = None,
        *,
        writer: str = "",
        title: str = "",
    ) -> Place:
        """Bring a conversation up to ``snapshot``; returns where it stands then.

        ``place`` is what the last call for it returned; without it, or where it was in another
        file, the conversation is new.
        Answers that are open go on being so as long as ``writer`` lives. Raises StoreError,
        and nothing is changed.
        """
        if place is not None and place.file != self._inode:
            place = None
        with self._writing() as connection:
            conversation, numbers = self._found(connection, place, writer, title)
            written = dict(place.written) if place and numbers else {}
            n_new = len(snapshot.messages) - len(numbers)
            changed = n_new > 0 or bool(written)
            for at in list(written):
                message = snapshot.messages[at]
                if message.is_open:
                    written[at] = rows.add_piece(
                        connection, numbers[at], message, written[at], writer
                    )
                else:
                    rows.finish(connection, numbers[at], message)
                    del written[at]
            for message in snapshot.messages[len(numbers) :]:
                parent = None if message.parent is None else numbers[message.parent]
                numbers.append(rows.add(connection, conversation, parent, message, writer))
                if message.is_open:
                    written[message.id] = rows.add_piece(
                        connection, numbers[-1], message, (0, 0), writer
                    )
            self._update(connection, conversation, snapshot, numbers, max(n_new, 0), changed)
        return Place(self._inode, conversation, numbers, written)

    def _found(
        self,
        connection: sqlite3.Connection,
        place: Place | None,
        writer: str,
        title: str,
    ) -> tuple[int, list[int]]:
        """The conversation's number and those of its messages that are there already."""
        numbers = list(place.rows) if place else []
        conversation = place.id if place else None
        if conversation is not None:
            known = connection.execute(
                "SELECT 1 FROM conversations WHERE id = ?", (conversation,)
            ).fetchone()
            if known is None:
                # Somebody has removed it for good; what is in hand here is not lost by that.
                conversation, numbers = None, []
        if conversation is None:
            now = self._now()
            conversation = connection.execute(
                "INSERT INTO conversations (title, created, updated, touched)"
                " SELECT ?, ?, ?, coalesce(max(touched), 0) + 1 FROM conversations",
                (_title(title), now, now),
            ).lastrowid
            assert conversation is not None
        if writer:
            connection.execute(
                "INSERT OR IGNORE INTO holders (conversation, writer) VALUES (?, ?)",
                (conversation, writer),
            )
        return conversation, numbers

    def _update(
        self,
        connection: sqlite3.Connection,
        conversation: int,
        snapshot: Snapshot,
        numbers: list[int],
        n_new: int,
        changed: bool,
    ) -> None:
        connection.execute(
            "UPDATE conversations SET leaf = ?, system = ?, draft = ?, n_messages = n_messages + ?"
            " WHERE id = ?",
            (
                None if snapshot.leaf is None else numbers[snapshot.leaf],
                without_controls(snapshot.system),
                without_controls(snapshot.draft),
                n_new,
                conversation,
            ),
        )
        if changed:
            connection.execute(
                "UPDATE conversations SET updated = ?,"
                " touched = (SELECT max(touched) + 1 FROM conversations) WHERE id = ?",
                (self._now(), conversation),
            )
        if n_new:
            first = next((each.text for each in snapshot.messages if each.role == "user"), "")
            connection.execute(
                "UPDATE conversations SET title = ? WHERE id = ? AND title = ''",
                (_title(first), conversation),
            )

    def leave(self, conversation: int, writer: str) -> None:
        """It is left in good order; without a word in it, it is gone. Raises StoreError."""
        with self._writing() as connection:
            connection.execute(
                "DELETE FROM holders WHERE conversation = ? AND writer = ?", (conversation, writer)
            )
            connection.execute(
                "DELETE FROM conversations WHERE id = ? AND n_messages = 0"
                " AND trim(draft, char(9, 10, 32)) = ''"
                " AND id NOT IN (SELECT conversation FROM holders)",
                (conversation,),
            )

    # ---- what was cut off --------------------------------------------------------------------

    def cut_off(self) -> list[Summary]:
        """Conversations whose writers are gone without leaving them, the newest first.

        Raises StoreError.
        """
        with self._reading() as connection:
            held = connection.execute("SELECT conversation, writer FROM holders").fetchall()
        alive = {writer: is_alive(self.writers, writer) for _, writer in held}
        orphaned = {conversation for conversation, _ in held}
        orphaned -= {conversation for conversation, writer in held if alive[writer]}
        return [each for each in self.summaries() if each.id in orphaned] if orphaned else []

    def take(self, conversation: int, writer: str) -> bool:
        """Take up what was cut off; False if another was quicker. Raises StoreError."""
        with self._writing() as connection:
            held = connection.execute(
                "SELECT writer FROM holders WHERE conversation = ?", (conversation,)
            ).fetchall()
            dead = [each for (each,) in held if not is_alive(self.writers, each)]
            if not dead or len(dead) < len(held):
                return False
            connection.execute("DELETE FROM holders WHERE conversation = ?", (conversation,))
            if writer:
                connection.execute("INSERT INTO holders VALUES (?, ?)", (conversation, writer))
            return True

    def _recover(self) -> None:
        """Put the pieces of answers together whose writers are gone."""
        with self._reading() as connection:
            open_now = rows.open_messages(connection)
        dead = [number for number, writer in open_now if not is_alive(self.writers, writer)]
        if dead:
            with self._writing() as connection:
                for number in dead:
                    rows.put_together(connection, number)

    def repair(self) -> None:
        """Make the index of words anew. Raises StoreError."""
        with self._writing() as connection:
            if self._search.has_index:
                index.rebuild(connection)

    def _now(self) -> int:
        return round(self._clock() * 1000)


def _summary(
    number: int, title: str, created: int, updated: int, pinned: int, n_messages: int, draft: str
) -> Summary:
    return Summary(
        id=number,
        title=without_controls(title) or _title(draft) or "untitled",
        created=created / 1000,
        updated=updated / 1000,
        pinned=bool(pinned),
        n_messages=n_messages,
        draft=without_controls(draft),
    )


def _title(text: str) -> str:
    """The first words of a text, on one line."""
    words = " ".join(without_controls(text[: 10 * _LONGEST_TITLE]).split())
    if len(words) <= _LONGEST_TITLE:
        return words
    return words[: _LONGEST_TITLE - 1].rstrip() + "…"


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _no(conversation: int) -> StoreError:
    return StoreError(f"There is no conversation {conversation}: look at the list.")
