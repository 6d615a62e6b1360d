"""The list of conversations."""

from __future__ import annotations

import sqlite3
from typing import Final

import msgspec

from workbench.untrusted import without_controls

_LONGEST_TITLE: Final = 60
# What was not sent yet stands for a title, too.
_SUMMARIES: Final = (
    "SELECT id, CASE title WHEN '' THEN substr(draft, 1, 600) ELSE title END, created, updated,"
    " pinned, n_messages FROM conversations"
)


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation as a list shows it; ``created`` and ``updated`` in seconds of the epoch."""

    id: int
    title: str
    created: float
    updated: float
    pinned: bool
    n_messages: int


def summaries(
    connection: sqlite3.Connection, *, limit: int, skip: int, titled: str, deleted: bool
) -> list[Summary]:
    """Pinned ones first, then those last written to; see ``Store.summaries``."""
    state = "IS NOT NULL" if deleted else "IS NULL"
    words = [f"%{escaped(word)}%" for word in without_controls(titled).split()]
    likes = " AND title LIKE ? ESCAPE '\\'" * len(words)
    found = connection.execute(
        f"{_SUMMARIES} WHERE deleted {state}{likes}"
        " ORDER BY pinned DESC, touched DESC LIMIT ? OFFSET ?",
        (*words, limit, skip),
    )
    return [_summary(*row) for row in found]


def summary(connection: sqlite3.Connection, conversation: int) -> Summary | None:
    """One of them; None if there is none."""
    row = connection.execute(f"{_SUMMARIES} WHERE id = ?", (conversation,)).fetchone()
    return _summary(*row) if row else None


def _summary(
    number: int, title: str, created: int, updated: int, pinned: int, n_messages: int
) -> Summary:
    return Summary(
        id=number,
        # Nearly all are; the list has thousands.
        title=title if title and title.isprintable() else title_of(title) or "untitled",
        created=created / 1000,
        updated=updated / 1000,
        pinned=bool(pinned),
        n_messages=n_messages,
    )


def title_of(text: str) -> str:
    """The first words of a text, on one line."""
    words = " ".join(without_controls(text[: 10 * _LONGEST_TITLE]).split())
    if len(words) <= _LONGEST_TITLE:
        return words
    return words[: _LONGEST_TITLE - 1].rstrip() + "…"


def escaped(word: str) -> str:
    """A word within a pattern of LIKE's."""
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
