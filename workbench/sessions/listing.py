"""The list of conversations."""

from __future__ import annotations

import itertools
import re
import sqlite3
import unicodedata
from collections.abc import Sequence
from typing import Final

import msgspec

from workbench.untrusted import without_controls

_LONGEST_TITLE: Final = 60
_ACCENTS: Final = re.compile("[\u0300-\u036f]")
# What was not sent yet stands for a title, too.
_SUMMARIES: Final = (
    "SELECT id, coalesce(nullif(title, ''), nullif(substr(trim(draft), 1, 600), ''),"
    " substr(system, 1, 600)), created, updated, pinned, n_messages FROM conversations"
)
# What is in hand and was never written to, or no longer has a word in it, is no conversation yet.
WORDLESS: Final = (
    "n_messages = 0 AND trim(draft, char(9, 10, 32)) = '' AND system = '' AND title = ''"
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
    connection: sqlite3.Connection, *, limit: int, called: str, deleted: bool
) -> list[Summary]:
    """Pinned ones first, then those last written to; see ``Store.summaries``."""
    state = "IS NOT NULL" if deleted else "IS NULL"
    words = without_controls(called).split()
    if words:
        return titled(connection, words, limit=limit, state=state)
    found = connection.execute(
        f"{_SUMMARIES} WHERE deleted {state} AND NOT ({WORDLESS})"
        " ORDER BY pinned DESC, touched DESC LIMIT ?",
        (limit,),
    )
    return [_summary(*row) for row in found]


def titled(
    connection: sqlite3.Connection, words: Sequence[str], *, limit: int, state: str = "IS NULL"
) -> list[Summary]:
    """Those whose title has all the words in it; accents and capitals do not count."""
    wanted = [folded(word) for word in words]
    found = connection.execute(
        f"SELECT id, title FROM conversations WHERE deleted {state} AND title != ''"  # noqa: S608
        " ORDER BY pinned DESC, touched DESC"
    )
    numbers = (number for number, title in found if all(map(folded(title).__contains__, wanted)))
    first = itertools.islice(numbers, limit if limit >= 0 else None)
    return [each for number in list(first) if (each := summary(connection, number))]


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
        title=title
        if title and len(title) <= _LONGEST_TITLE and title.isprintable()
        else title_of(title) or "untitled",
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


def folded(text: str) -> str:
    """Without what accents and capitals make of it."""
    # Long titles end so, and would be looked at more closely for that alone.
    text = text.removesuffix("…")
    if text.isascii():
        return text.lower()
    return _ACCENTS.sub("", unicodedata.normalize("NFKD", text.casefold()))


def escaped(word: str) -> str:
    """A word within a pattern of LIKE's."""
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
