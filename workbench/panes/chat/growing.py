"""The last block of a text that grows, where its beginning need not be laid out again.

To parse a block anew with every word that comes costs the more the longer it is. Two kinds
are known by their beginning, and are most of what is ever written: code, and paragraphs of
plain words. Whatever else comes, the block goes the long way again.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple, Protocol

from rich.cells import cell_len
from textual.content import Content

from workbench.panes.chat.code import heading, language_of, rows_of
from workbench.panes.chat.line import Line, wrapped

# At the beginning of a line; what is indented, or within a list, goes the long way.
_FENCE: Final = re.compile(r"(?P<mark>`{3,}(?=[^`]*$)|~{3,})(?P<info>.*)")
# The first line of one, not yet at its end, right below something: a "`" makes it words of that.
_UNSURE: Final = re.compile(r"[^\n]\n {0,3}`{3,}[^`\n]*\Z")
# What means nothing to Markdown within a line that begins with a letter.
_PLAIN: Final = re.compile(r"[^\\`*_~\[\]<>&$\s]*(?: +[^\\`*_~\[\]<>&$\s]+)* *")


class Grown(NamedTuple):
    """Rows that stay as they are from now on, and those that more text may change."""

    complete: list[Line]
    growing: list[Line]


class Growing(Protocol):
    """A block whose end is still to come."""

    def rows(self, text: str) -> Grown | None:
        """What there is beyond the rows that were complete; ``text`` is the whole block.

        None if it is no longer what it was taken for.
        """
        ...


class _Fence:
    """A block of code, line by line."""

    def __init__(self, opening: str, mark: str, info: str, width: int) -> None:
        self._language = language_of(info)
        self._end = re.compile(rf" {{0,3}}{mark}{mark[0]}*[ \t]*")
        self._width = width
        self._done = len(opening) + 1
        self._heading = list(heading(self._language, width))

    def rows(self, text: str) -> Grown | None:
        *complete, last = text[self._done :].split("\n")
        if any(map(self._end.fullmatch, (*complete, last))):
            return None
        self._done = len(text) - len(last)
        above, self._heading = self._heading, []
        rows = [row for line in complete for row in rows_of(self._language, line, self._width)]
        return Grown([*above, *rows], [*rows_of(self._language, last, self._width)] if last else [])


class _Paragraph:
    """Plain words, of which only the last row can change."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._looked = 0
        # Where the last row begins, and what parts it from the one above.
        self._done = 0
        self._first = Line(Content())

    def rows(self, text: str) -> Grown | None:
        if not _PLAIN.fullmatch(text, self._looked):
            return None
        self._looked = len(text)
        first, *rest = wrapped(Content(text[self._done :]), self._width)
        *complete, last = first._replace(join=self._first.join), *rest
        end = self._done
        for line in (*complete, last):
            begun = text.index(line.plain, end)
            end = begun + len(line.plain)
            inside = begun > 0 and text[begun - 1] != " " and " " not in line.plain
            blanks = len(text) - end - len(text[end:].lstrip(" "))
            # The end of a word that is longer than a row: where the last of its rows does not hold
            # the blanks behind it Textual begins the next one with them, but not from here.
            if inside and cell_len(line.plain) + blanks > self._width:
                return None
        if complete:
            self._done = begun
            self._first = last
        return Grown(complete, [last])


def growing(text: str, width: int) -> Growing | None:
    """What ``text``, a last block, is known to be by its beginning."""
    if text[:1].isalpha():
        return _Paragraph(width)
    opening, newline, _ = text.partition("\n")
    begin = _FENCE.fullmatch(opening) if newline else None
    return _Fence(opening, begin["mark"], begin["info"], width) if begin else None


def may_be_words(text: str) -> bool:
    """Whether ``text`` ends with the beginning of a fence that more of its line can unmake."""
    return _UNSURE.search(text) is not None
