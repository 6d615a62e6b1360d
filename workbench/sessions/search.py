"""Looking for words in everything that was said."""

from __future__ import annotations

import itertools
import re
import sqlite3
from typing import Final

import msgspec

from workbench.sessions import index
from workbench.sessions.listing import escaped, titled
from workbench.untrusted import without_controls

# A word or, in quotation marks, several that follow each other.
_TYPED: Final = re.compile(r'"([^"]*)"?|([^\s"]+)')
# Scripts that put no space between words: the index takes a whole sentence for one.
_UNSPACED: Final = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
)
# From so many letters on the last word may be the start of one: it is still being typed.
_SHORTEST_START: Final = 2
# Only so many places are weighed against each other, the newest.
_WEIGHED: Final = 2000
# What is said in so many says nothing by being said: to weigh it all of them are counted, which
# takes 80 ms for the two commonest words, one after the other, of half a million messages.
_EVERYWHERE: Final = 20_000
# No text has them: what a terminal acts on is removed before it gets here.
_BEGINS, _ENDS = "\x02", "\x03"
_SNIPPET_TOKENS: Final = 16
_SNIPPET_CHARACTERS: Final = 40


class Piece(msgspec.Struct, frozen=True):
    """A part of a snippet; ``is_hit`` marks what was looked for."""

    text: str
    is_hit: bool = False


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """A message in which the words are said, or a conversation that is called so.

    ``message`` is its ``id`` in the opened conversation, ``row`` the store's number of it; both
    are None of a title, whose ``role`` is ``"title"``. ``at`` is in seconds of the epoch.
    """

    conversation: int
    title: str
    message: int | None
    row: int | None
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

        What a model thought counts, too. Before them come conversations that have all the words
        in their titles and in no message. Accents and capitals do not count (without the index
        only those of English); the last word may be the start of one, which comes after whole
        words; words in quotation marks follow each other. What is not a word is ignored. Of
        many places the newest are weighed, and of what is said everywhere the newest come first.
        Raises sqlite3.Error.
        """
        typed = [
            each
            for found in _TYPED.finditer(without_controls(words))
            if any(map(str.isalnum, each := (found[1] or found[2] or "")))
        ]
        if not typed:
            return []
        said = self._said(words, typed, limit)
        known = {hit.conversation for hit in said}
        titled = [hit for hit in self._titled(typed, limit) if hit.conversation not in known]
        return (titled + said)[:limit]

    def _said(self, words: str, typed: list[str], limit: int) -> list[Hit]:
        if not self.has_index or any(map(_UNSPACED.search, typed)):
            return self._scan(typed, limit)
        query = " ".join(f'"{each}"' for each in typed)
        found = self._ask(query, limit)
        if len(typed[-1]) >= _SHORTEST_START and not words.rstrip().endswith('"'):
            # Looking for beginnings takes longer: only where whole words do not say enough.
            known = {number for number, _ in found}
            if len(found) < limit:
                more = self._ask(f"{query} *", limit)
                found += [each for each in more if each[0] not in known][: limit - len(found)]
        return [self._hit(number, _pieces(marked)) for number, marked in found]

    def _ask(self, query: str, limit: int) -> list[tuple[int, str]]:
        """The messages, the best first, each with a snippet in which the hits are marked."""
        order, oldest = "rowid DESC", 0
        if not self._newest_but(_EVERYWHERE, query):
            order, oldest = "round(rank, 6), rowid DESC", self._newest_but(_WEIGHED, query)
        ranked = self._connection.execute(
            f"SELECT rowid FROM words WHERE words MATCH ? AND rowid > ? ORDER BY {order}",  # noqa: S608
            (query, oldest),
        )
        # What is shown alone is looked up: the messages lie all over the file.
        shown = list(itertools.islice((each for (each,) in ranked if self._is_there(each)), limit))
        if not shown:
            return []
        # In one pass: to begin at each of them anew takes as long as all that is weighed.
        marked = self._connection.execute(
            "SELECT rowid, snippet(words, -1, ?, ?, '…', ?) FROM words WHERE words MATCH ?"  # noqa: S608
            f" AND rowid BETWEEN ? AND ? AND +rowid IN ({', '.join('?' * len(shown))})",
            (_BEGINS, _ENDS, _SNIPPET_TOKENS, query, min(shown), max(shown), *shown),
        )
        snippets: dict[int, str] = dict(marked)
        return [(number, snippets[number]) for number in shown]

    def _newest_but(self, n: int, query: str) -> int:
        """The number of the message that ``n`` newer ones follow; 0 if there are not so many."""
        found = self._connection.execute(
            "SELECT rowid FROM words WHERE words MATCH ? ORDER BY rowid DESC LIMIT 1 OFFSET ?",
            (query, n),
        ).fetchone()
        return int(found[0]) if found else 0

    def _is_there(self, number: int) -> bool:
        found = self._connection.execute(
            "SELECT c.deleted IS NULL FROM messages m JOIN conversations c ON c.id = m.conversation"
            " WHERE m.id = ?",
            (number,),
        ).fetchone()
        return bool(found and found[0])

    def _scan(self, typed: list[str], limit: int) -> list[Hit]:
        likes = " AND (m.text LIKE ? ESCAPE '\\' OR m.thoughts LIKE ? ESCAPE '\\')" * len(typed)
        patterns = [f"%{escaped(each)}%" for each in typed for _ in ("text", "thoughts")]
        found = self._connection.execute(
            "SELECT m.id, m.text, m.thoughts FROM messages m"  # noqa: S608
            " JOIN conversations c ON c.id = m.conversation"
            f" WHERE c.deleted IS NULL{likes} ORDER BY m.id DESC LIMIT ?",
            (*patterns, limit),
        ).fetchall()
        return [
            self._hit(number, _cut(text, typed) or _cut(thoughts, typed) or [Piece(text)])
            for number, text, thoughts in found
        ]

    def _titled(self, typed: list[str], limit: int) -> list[Hit]:
        found = titled(self._connection, typed, limit=limit)
        return [
            Hit(
                conversation=each.id,
                title=each.title,
                message=None,
                row=None,
                role="title",
                at=each.updated,
                snippet=_cut(each.title, typed) or [Piece(each.title)],
            )
            for each in found
        ]

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
            row=number,
            role=without_controls(role),
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
        return []
    start = max(0, found.start() - _SNIPPET_CHARACTERS)
    end = found.end() + _SNIPPET_CHARACTERS
    marked = (
        ("…" if start else "")
        + f"{text[start : found.start()]}{_BEGINS}{found[0]}{_ENDS}{text[found.end() : end]}"
        + ("…" if end < len(text) else "")
    )
    return _pieces(marked)
