"""Finding words in the transcript."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from workbench.panes.chat.entry import Entry


class Piece(NamedTuple):
    """Characters of a line, from ``start`` up to ``end``."""

    line: int
    start: int
    end: int


class Hit(NamedTuple):
    """A place where the words are: in one line of an entry, or broken over several."""

    entry: Entry
    pieces: tuple[Piece, ...]


def hits(entry: Entry, words: str) -> Iterator[Hit]:
    """Where ``words`` are in an entry's text, in capitals or not, broken by the width or not."""
    starts: list[int] = []
    flat = ""
    for line in entry.lines:
        flat += line.join if starts else ""
        starts.append(len(flat))
        flat += line.plain[line.skip :]
    for found in re.finditer(re.escape(words), flat, re.IGNORECASE):
        pieces: list[Piece] = []
        for number in range(bisect_right(starts, found.start()) - 1, len(starts)):
            start, line = starts[number], entry.lines[number]
            if start >= found.end():
                break
            length = len(line.plain) - line.skip
            first, last = max(found.start() - start, 0), min(found.end() - start, length)
            if first < last:
                pieces.append(Piece(number, line.skip + first, line.skip + last))
        if pieces:
            yield Hit(entry, tuple(pieces))
