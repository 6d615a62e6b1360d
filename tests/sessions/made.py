"""Conversations for tests, and stores that hold them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.sessions.conversation import Conversation
from workbench.sessions.journal import Journal
from workbench.sessions.session import Session
from workbench.sessions.store import Store

Begin = Callable[..., Journal]


def conversation(*texts: str) -> Conversation:
    """Prompt, answer, prompt, and so on; every answer is complete."""
    made = Conversation()
    for number, text in enumerate(texts):
        message = made.add("assistant" if number % 2 else "user", text)
        message.finish = "stop" if number % 2 else ""
    return made


def session(*texts: str) -> Session:
    """The same, to be kept."""
    return Session(conversation(*texts))


def put(store: Store, *texts: str) -> int:
    """Keep a conversation; returns its number."""
    kept = session(*texts)
    return store.write(kept.snapshot()).id


def texts(kept: Session) -> list[str]:
    """What is said on the path."""
    return [message.text for message in kept.conversation.path()]


def kept(file: Path) -> list[list[str]]:
    """What is said in each conversation, the newest first."""
    with Store(file) as store:
        return [texts(store.open(each.id)) for each in store.summaries()]


def assert_sound(file: Path) -> None:
    """The file and its index are as they should be."""
    with Store(file) as store, checked(store) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        # 1: also against what the messages say.
        connection.execute("INSERT INTO words (words, rank) VALUES ('integrity-check', 1)")
        assert connection.execute("SELECT count(*) FROM pieces").fetchone() == (0,)
        counted = "SELECT count(*) FROM messages m WHERE m.conversation = c.id"
        wrong = f"SELECT id FROM conversations c WHERE n_messages != ({counted})"
        assert connection.execute(wrong).fetchall() == []


@contextmanager
def checked(store: Store) -> Iterator[sqlite3.Connection]:
    """The store's own connection."""
    with store._reading() as connection:
        yield connection


def damage(file: Path) -> bytes:
    """Overwrite all pages but the first; returns what the file is then."""
    whole = bytearray(file.read_bytes())
    whole[4096:] = b"\x5a" * (len(whole) - 4096)
    file.write_bytes(whole)
    return bytes(whole)
