"""Looking for words in everything that was said."""

from __future__ import annotations

import re
import sqlite3
from typing import Final

import msgspec

from workbench.sessions import index
from workbench.untrusted import without_controls

# A word or, in quotation marks, several that follow each other.
_TYPED: Final = re.compile(r'"([^"]*)"?|([^\s"]+)')
# Scripts that put no space between words: the index takes a whole sentence for one.
_UNSPACED: Final = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
)
# From so many letters on the last word may be the start of one: it is still being typed.
_SHORTEST_START: Final = 2
# Of words that are everywhere only the newest places are weighed against each other.
_WEIGHED: Final = 4000
# No text has them: what a terminal acts on is removed before it gets here.
_BEGINS, _ENDS = "\x02", "\x03"
_SNIPPET_TOKENS: Final = 16
_SNIPPET_CHARACTERS: Final = 40


class Piece(msgspec.Struct, frozen=True, array_like=True):
    """A part of a snippet; ``is_hit`` marks what was looked for."""

    text: str
    is_hit: bool = False


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """A message in which the words are said.

    ``message`` is its ``id`` in the opened conversation, ``at`` in seconds of the epoch.
    """

    conversation: int
    title: str
    message: int
    role: str
    at: float
    snippet: list[Piece]


class Search:
    """Finds words; with the index, or without it by reading all."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Raises sqlite3.Error."""
        self._connection = connection
        self.has_index = index.available(connection) and bool(
            connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'words_added'").fetchone()
        )

    def find(self, words: str, *, limit: int) -> list[Hit]:
        """Messages in which all the words are said, the best first (BM25), then the newest.

        Accents and capitals do not count; the last word may be the start of one; words in
        quotation marks follow each other. What is not a word is ignored. Of words that are
        said everywhere the newest places are weighed. Raises sqlite3.Error.
        """
        typed = [
            each
            for found in _TYPED.finditer(without_controls(words))
            if any(map(str.isalnum, each := (found[1] or found[2] or "")))
        ]
        if not typed:
            return []
        if not self.has_index or any(map(_UNSPACED.search, typed)):
            return self._scan(typed, limit)
        query = " ".join(f'"{each}"' for each in typed)
        if len(typed[-1]) >= _SHORTEST_START and not words.rstrip().endswith('"'):
            query += " *"
        return self._ask(query, limit)

    def _ask(self, query: str, limit: int) -> list[Hit]:
        oldest = self._connection.execute(
            "SELECT rowid FROM words WHERE words MATCH ? ORDER BY rowid DESC LIMIT 1 OFFSET ?",
            (query, _WEIGHED),
        ).fetchone()
        best = self._connection.execute(
            "SELECT w.rowid FROM words w JOIN messages m ON m.id = w.rowid"
            " JOIN conversations c ON c.id = m.conversation"
            " WHERE w.words MATCH ? AND w.rowid > ? AND c.deleted IS NULL"
            " ORDER BY round(w.rank, 6), w.rowid DESC LIMIT ?",
            (query, oldest[0] if oldest else 0, limit),
        ).fetchall()
        hits = []
        for (number,) in best:
            # Here and not above, where it would be made of every place that is weighed.
            [marked] = self._connection.execute(
                "SELECT snippet(words, 0, ?, ?, '…', ?) FROM words"
                " WHERE words MATCH ? AND rowid = ?",
                (_BEGINS, _ENDS, _SNIPPET_TOKENS, query, number),
            ).fetchone()
            hits.append(self._hit(number, _pieces(marked)))
        return hits

    def _scan(self, typed: list[str], limit: int) -> list[Hit]:
        likes = " AND m.text LIKE ? ESCAPE '\\'" * len(typed)
        patterns = [f"%{_escaped(each)}%" for each in typed]
        found = self._connection.execute(
            "SELECT m.id, m.text FROM messages m JOIN conversations c ON c.id = m.conversation"  # noqa: S608
            f" WHERE c.deleted IS NULL{likes} ORDER BY m.id DESC LIMIT ?",
            (*patterns, limit),
        ).fetchall()
        return [self._hit(number, _cut(text, typed)) for number, text in found]

    def _hit(self, number: int, snippet: list[Piece]) -> Hit:
        conversation, title, role, at, place = self._connection.execute(
            "SELECT m.conversation, c.title, m.role, m.at, (SELECT count(*) FROM messages o"
            " WHERE o.conversation = m.conversation AND o.id < m.id)"
            " FROM messages m JOIN conversations c ON c.id = m.conversation WHERE m.id = ?",
            (number,),
        ).fetchone()
        return Hit(
            conversation=conversation,
            title=without_controls(title),
            message=place,
            role=role,
            at=at / 1000,
            snippet=snippet,
        )


def _pieces(marked: str) -> list[Piece]:
    """A snippet of FTS5's, on one line."""
    pieces = []
    for part in re.split(f"({_BEGINS}[^{_ENDS}]*{_ENDS})", marked):
        text = re.sub(r"\s+", " ", without_controls(part))
        if text:
            pieces.append(Piece(text, part.startswith(_BEGINS)))
    return pieces


def _cut(text: str, typed: list[str]) -> list[Piece]:
    """The first place in ``text`` where one of the words is said, and what is around it."""
    found = re.search("|".join(map(re.escape, typed)), text, re.IGNORECASE)
    if found is None:
        return [Piece(text[: 2 * _SNIPPET_CHARACTERS])]
    start = max(0, found.start() - _SNIPPET_CHARACTERS)
    end = found.end() + _SNIPPET_CHARACTERS
    marked = (
        ("…" if start else "")
        + f"{text[start : found.start()]}{_BEGINS}{found[0]}{_ENDS}{text[found.end() : end]}"
        + ("…" if end < len(text) else "")
    )
    return _pieces(marked)


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
