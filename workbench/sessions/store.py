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
from typing import Self

from workbench.sessions import index, listing, removal, rows, writing
from workbench.sessions.conversation import Conversation
from workbench.sessions.database import (
    BUSY_SECONDS,
    StoreDamagedError,
    StoreError,
    StoreMovedError,
    begin,
    connect,
    in_words,
)
from workbench.sessions.documents import Document
from workbench.sessions.listing import Summary, folded, title_of
from workbench.sessions.search import Hit, Search
from workbench.sessions.session import Place, Session, Snapshot
from workbench.sessions.writer import is_alive
from workbench.untrusted import without_controls


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
        self._connection, self._inode = connect(file, has_fts5=has_fts5)
        try:
            with in_words(file):
                self._search = Search(self._connection)
            with suppress(StoreError):
                # Where it can only be read, or another has it, this can wait.
                self._recover()
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Close the file. Raises StoreError."""
        with self._lock, in_words(self.file):
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
        """A transaction, too: what others write meanwhile is not seen by halves."""
        with self._lock, in_words(self.file):
            connection = self._connection
            if connection.in_transaction:
                yield connection
                return
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                if connection.in_transaction:
                    connection.execute("COMMIT")

    @contextmanager
    def _writing(self, *, patience: float = BUSY_SECONDS) -> Iterator[sqlite3.Connection]:
        """A transaction: all that is done in it, or nothing."""
        with self._lock, in_words(self.file):
            connection = self._connection
            if not self._is_in_place():
                raise StoreMovedError(f"{self.file} has been set aside by another process.")
            begin(connection, patience=patience)
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
        self, *, limit: int = -1, titled: str = "", deleted: bool = False
    ) -> list[Summary]:
        """The conversations, pinned ones first, then those last written to first.

        ``titled`` leaves only those whose title has these words in it. Raises StoreError.
        """
        with self._reading() as connection:
            return listing.summaries(connection, limit=limit, called=titled, deleted=deleted)

    def summary(self, conversation: int) -> Summary:
        """One of them, deleted or not. Raises StoreError."""
        with self._reading() as connection:
            found = listing.summary(connection, conversation)
        if found is None:
            raise _no(conversation)
        return found

    def named(self, reference: str, *, deleted: bool = False) -> int:
        """The conversation that a person means: by its number, its title, or a part of that.

        By its title it is looked for among those that are ``deleted``, or those that are not.
        Raises StoreError if there is none, or several.
        """
        reference = reference.strip()
        # SQLite has no larger ones.
        is_number = reference.isdecimal() and len(reference) < 19
        if is_number:
            with suppress(StoreError):
                return self.summary(int(reference)).id
        found = self.summaries(titled=reference, deleted=deleted) if reference else []
        exact = [each for each in found if folded(each.title) == folded(reference)]
        # A number that is not there is no part of another one's title.
        found = exact if exact or is_number else found
        if not found:
            raise StoreError(f"There is no conversation '{reference}': look at the list.")
        if len(found) > 1:
            listed = ", ".join(f"{each.id} ({each.title})" for each in found[:5])
            raise StoreError(f"Several conversations are called so: {listed}. Give the number.")
        return found[0].id

    def latest(self) -> int | None:
        """The conversation that was written to last; None if there is none. Raises StoreError."""
        with self._reading() as connection:
            found = connection.execute(
                f"SELECT id FROM conversations WHERE deleted IS NULL AND NOT ({listing.WORDLESS})"  # noqa: S608
                " ORDER BY touched DESC LIMIT 1"
            ).fetchone()
        return int(found[0]) if found else None

    def is_held(self, conversation: int) -> bool:
        """Whether somebody who is alive has it in hand. Raises StoreError."""
        with self._reading() as connection:
            held = connection.execute(
                "SELECT writer FROM holders WHERE conversation = ?", (conversation,)
            ).fetchall()
        return any(is_alive(self.writers, writer) for (writer,) in held)

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
        title = title_of(title)
        with self._writing() as connection:
            if not title:
                first = connection.execute(
                    "SELECT text FROM messages WHERE conversation = ? AND role = 'user'"
                    " ORDER BY id LIMIT 1",
                    (conversation,),
                ).fetchone()
                title = title_of(first[0]) if first else ""
            self._set(connection, conversation, "title", title)

    def pin(self, conversation: int, *, pinned: bool = True) -> None:
        """Keep it at the top of the list, or no longer. Raises StoreError."""
        with self._writing() as connection:
            self._set(connection, conversation, "pinned", pinned)

    def delete(self, conversation: int) -> bool:
        """Take it from the list and out of searches; ``restore`` undoes it.

        Returns whether it was there: False if it had been deleted before. Raises StoreError.
        """
        with self._writing() as connection:
            if not _has(connection, conversation):
                raise _no(conversation)
            return removal.delete(connection, conversation, now=self._now())

    def restore(self, conversation: int) -> None:
        """Undo a deletion. Raises StoreError."""
        with self._writing() as connection:
            self._set(connection, conversation, "deleted", None)

    def restore_last(self) -> Summary | None:
        """Undo the last deletion of all; None if there is none to undo. Raises StoreError."""
        with self._writing() as connection:
            number = removal.restore_last(connection)
            return listing.summary(connection, number) if number is not None else None

    def remove(self, *conversations: int) -> None:
        """Remove them for good, at once, and every word of theirs. Raises StoreError.

        With half a million messages in the store it takes half a minute; others can write
        meanwhile.
        """
        with self._writing() as connection:
            for conversation in conversations:
                if not _has(connection, conversation):
                    raise _no(conversation)
            removal.remove(connection, conversations)
        with self._lock, in_words(self.file):
            removal.tidy(self._connection, has_index=self._search.has_index)

    def purge(self) -> int:
        """Remove what was deleted 30 days ago, if the clock is to be trusted; returns how many.

        Raises StoreError.
        """
        with self._writing() as connection:
            return removal.purge(connection, now=self._now())

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
    ) -> Place:
        """Bring a conversation up to ``snapshot``; returns where it stands then.

        ``place`` is what the last call for it returned; without it, or where it was in another
        file, the conversation is new.
        Answers that are open go on being so as long as ``writer`` lives. Raises StoreError,
        and nothing is changed.
        """
        with self._writing() as connection:
            now = self._now()
            if place is None or place.file != self._inode or not _has(connection, place.id):
                # Somebody may have removed it for good: what is in hand here is not lost by it.
                place = Place(self._inode, writing.begin(connection, now=now), [])
            if writer:
                writing.hold(connection, place.id, writer)
            return writing.bring_up(connection, snapshot, place, writer=writer, now=now)

    def add(self, document: Document) -> int:
        """Take in a conversation from outside; returns its number. Raises StoreError."""
        snapshot = Snapshot(document.messages, document.leaf, document.system, document.draft)
        with self._writing() as connection:
            now = self._now()
            number = writing.begin(connection, now=now, title=document.title)
            writing.bring_up(
                connection, snapshot, Place(self._inode, number, []), writer="", now=now
            )
            connection.execute(
                "UPDATE conversations SET created = ?, updated = ?, pinned = ? WHERE id = ?",
                (
                    round(document.created * 1000) or now,
                    round(document.updated * 1000) or now,
                    document.pinned,
                    number,
                ),
            )
            return number

    def document(self, conversation: int) -> Document:
        """A conversation as it leaves the store. Raises StoreError."""
        with self._reading():
            session, summary = self.open(conversation), self.summary(conversation)
        return Document(
            title=summary.title,
            created=summary.created,
            updated=summary.updated,
            pinned=summary.pinned,
            system=session.system,
            draft=session.draft,
            leaf=session.conversation.leaf,
            messages=session.conversation.messages,
        )

    def leave(self, conversation: int, writer: str) -> None:
        """It is left in good order; without a word in it, it is gone. Raises StoreError."""
        with self._writing() as connection:
            connection.execute(
                "DELETE FROM holders WHERE conversation = ? AND writer = ?", (conversation, writer)
            )
            connection.execute(
                f"DELETE FROM conversations WHERE id = ? AND {listing.WORDLESS}"  # noqa: S608
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
            with self._writing(patience=0.0) as connection:
                for number in dead:
                    rows.put_together(connection, number)

    def repair(self) -> None:
        """Make all indexes anew. Raises StoreError."""
        with self._writing() as connection:
            connection.execute("REINDEX")
            if self._search.has_index:
                index.remake(connection)

    def _now(self) -> int:
        return round(self._clock() * 1000)


def _has(connection: sqlite3.Connection, conversation: int) -> bool:
    found = connection.execute("SELECT 1 FROM conversations WHERE id = ?", (conversation,))
    return found.fetchone() is not None


def _no(conversation: int) -> StoreError:
    return StoreError(f"There is no conversation {conversation}: look at the list.")
