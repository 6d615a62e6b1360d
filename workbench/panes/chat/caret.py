"""Selecting text by keys: a caret in the rows, and where it began."""

from __future__ import annotations

import re
from itertools import takewhile
from typing import Final

from textual.geometry import Offset
from textual.selection import Selection

from workbench.panes.chat.rows import Rows

_WORD: Final = re.compile(r"\S+")


class Caret:
    """Moves in the transcript; what lies between it and its beginning is selected."""

    def __init__(self, rows: Rows, row: int) -> None:
        self._rows = rows
        self._anchor = self.at = Offset(self._first(row), row)

    @property
    def selection(self) -> Selection:
        """The characters from the anchor to the caret, that under the caret included."""
        start, end = sorted((self._anchor, self.at), key=lambda offset: (offset.y, offset.x))
        return Selection(start, Offset(end.x + 1, end.y))

    def down(self, rows: int) -> None:
        """Move by rows, as far as there are any."""
        row = min(max(0, self.at.y + rows), self._rows.height - 1)
        self.at = Offset(min(self.at.x, self._last(row)), row)

    def right(self, columns: int) -> None:
        """Move in the line, and over its ends to the next."""
        column, row = self.at.x + columns, self.at.y
        if column < self._first(row) and row > 0:
            row -= 1
            column = self._last(row)
        elif column > self._last(row) and row < self._rows.height - 1:
            row += 1
            column = self._first(row)
        self.at = Offset(min(max(column, self._first(row)), self._last(row)), row)

    def edge(self, end: int) -> None:
        """Go to the line's beginning or end."""
        row = self.at.y
        self.at = Offset(self._last(row) if end else self._first(row), row)

    def word(self, direction: int) -> None:
        """Go to the next word's beginning, or back to one."""
        starts = [found.start() for found in _WORD.finditer(self._text(self.at.y))]
        if direction > 0:
            later = [start for start in starts if start > self.at.x]
            if later:
                self.at = Offset(later[0], self.at.y)
            elif self.at.y < self._rows.height - 1:
                self.at = Offset(self._first(self.at.y + 1), self.at.y + 1)
        else:
            earlier = list(takewhile(lambda start: start < self.at.x, starts))
            if earlier:
                self.at = Offset(earlier[-1], self.at.y)
            elif self.at.y > 0:
                self.at = Offset(self._last(self.at.y - 1), self.at.y - 1)

    def _text(self, row: int) -> str:
        line = self._rows.line_at(row)
        return line.plain if line else ""

    def _first(self, row: int) -> int:
        line = self._rows.line_at(row)
        return min(line.skip, max(0, len(line.plain) - 1)) if line else 0

    def _last(self, row: int) -> int:
        return max(0, len(self._text(row)) - 1)
