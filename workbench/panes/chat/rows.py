"""The transcript's entries as one column of rows."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate

from workbench.panes.chat.entry import Entry
from workbench.panes.chat.line import BLANK, Line, text_of


class Rows:
    """Which entry is in which row.

    Entries that nobody has seen have estimated heights: a long conversation opens at once.
    """

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        # The first row of each entry, and the row after the last.
        self._tops: list[int] = [0]
        self._width = 0

    @property
    def height(self) -> int:
        """All rows."""
        return self._tops[-1]

    def top(self, index: int) -> int:
        """The first row of an entry."""
        return self._tops[index]

    def index(self, entry: Entry) -> int:
        """Where an entry is, as a rule near the end."""
        for index in range(len(self.entries) - 1, -1, -1):
            if self.entries[index] is entry:
                return index
        raise ValueError("there is no such entry")

    def add(self, entry: Entry) -> None:
        """Append an entry."""
        entry.fit(self._width)
        self.entries.append(entry)
        self._tops.append(self._tops[-1] + entry.height)

    def cut(self, index: int) -> None:
        """Take away the entries from ``index`` on."""
        del self.entries[index:]
        del self._tops[index + 1 :]

    def fit(self, width: int) -> None:
        """Lay out anew for ``width`` columns, each entry when it is wanted."""
        if width == self._width:
            return
        self._width = width
        for entry in self.entries:
            entry.fit(width)
        self.recount()

    def recount(self, first: int = 0) -> None:
        """Heights have changed, from that of entry ``first`` on."""
        heights = (entry.height for entry in self.entries[first:])
        self._tops[first:] = accumulate(heights, initial=self._tops[first])

    def at(self, row: int) -> tuple[int, int]:
        """The entry's index and the row within it; of a row behind the end those of the last."""
        index = min(bisect_right(self._tops, max(0, row)), len(self.entries)) - 1
        return index, row - self._tops[index]

    def line_at(self, row: int) -> Line | None:
        """What is in a row; None if it is blank."""
        if not 0 <= row < self.height:
            return None
        index, within = self.at(row)
        return self.entries[index].line_at(within)

    def settle_from(self, row: int, count: int) -> int:
        """Lay out what ``count`` rows from ``row`` on show; returns where ``row`` is now.

        Whatever is below the first entry in sight stays where it is on the screen.
        """
        if not self.entries:
            return row
        index, within = self.at(row)
        below = self.entries[index].height - within
        if self._settle(iter(range(index, len(self.entries))), count + within):
            self.recount()
        return self._tops[index] + max(0, self.entries[index].height - below)

    def settle_end(self, count: int) -> None:
        """Lay out what the last ``count`` rows show."""
        if self._settle(iter(range(len(self.entries) - 1, -1, -1)), count):
            self.recount()

    def _settle(self, indexes: Iterator[int], count: int) -> bool:
        changed = False
        for index in indexes:
            entry = self.entries[index]
            changed |= entry.lay_out()
            count -= entry.height
            if count <= 0:
                break
        return changed

    def text_between(self, start: tuple[int, int], end: tuple[int, int]) -> str:
        """The text from one (row, column) to another."""
        shown = [self.line_at(row) for row in range(start[0], end[0] + 1)]
        lines = [line or BLANK for line in shown]
        return text_of(lines, start[1], end[1])

    def place(self, row: int) -> tuple[int, int]:
        """Where a row is in the text, at whatever width: the entry, and characters before it."""
        index, within = self.at(row)
        if index < 0:
            return 0, 0
        entry = self.entries[index]
        lines = entry.lines[: max(0, within - bool(entry.title))]
        return index, sum(line.length for line in lines)

    def row_of(self, place: tuple[int, int]) -> int:
        """The row that a place is in now."""
        index, before = place
        if index >= len(self.entries):
            return self.height
        entry = self.entries[index]
        row = self._tops[index] + (1 if before and entry.title else 0)
        for line in entry.lines if before else ():
            before -= line.length
            if before < 0:
                break
            row += 1
        return row
