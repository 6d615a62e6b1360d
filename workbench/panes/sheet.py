"""A sheet of text to be read: lines that are laid out for the width there is."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from workbench.panes.lines import WholeRows, drawn, segments

LayOut = Callable[[int], list[Content]]
"""Gives the lines of a text in so many columns."""


def _quiet(keys: str, action: str, name: str, tooltip: str) -> Binding:
    return Binding(keys, action, tooltip, show=False, id=f"sheet.{name}", tooltip=tooltip)


class Sheet(ScrollView, WholeRows, can_focus=True):
    """Draws the lines that are in sight."""

    BINDINGS: ClassVar[list[BindingType]] = [
        _quiet("j,down", "scroll(1)", "down", "Scroll down"),
        _quiet("k,up", "scroll(-1)", "up", "Scroll up"),
        _quiet("pagedown,space", "page(1)", "page_down", "A page down"),
        _quiet("pageup", "page(-1)", "page_up", "A page up"),
        _quiet("g,home", "edge(0)", "start", "Go to the start"),
        _quiet("G,end", "edge(1)", "end", "Go to the end"),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._lay_out: LayOut = lambda _: []
        self._lines: list[Content] = []
        self._width = 0
        self._words = ""
        # The lines in which they are, and which of those is the present one.
        self._hits: list[int] = []
        self._hit = 0

    @property
    def text(self) -> str:
        """What stands on it."""
        return "\n".join(line.plain for line in self._lines)

    def show(self, lay_out: LayOut, *, row: int = 0) -> None:
        """Show another text, from its start or a row of it."""
        self._lay_out = lay_out
        self._width = 0
        self._take_up()
        self.scroll_to(y=row, animate=False, immediate=True)

    def on_resize(self, _event: events.Resize) -> None:
        """Lines are as long as there is room."""
        self._take_up()

    def _take_up(self) -> None:
        width = max(8, self.scrollable_content_region.width)
        if width != self._width:
            self._width = width
            self._lines = self._lay_out(width)
            self._hits = self._lines_with(self._words)
            self._hit = min(self._hit, max(0, len(self._hits) - 1))
            self.virtual_size = Size(width, len(self._lines))
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """One row of the screen."""
        row = y + self.scroll_offset.y
        line = self._lines[row] if row < len(self._lines) else Content()
        if row in self._hits:
            for found in re.finditer(re.escape(self._words), line.plain, re.IGNORECASE):
                line = line.stylize("reverse", *found.span())
        return drawn(self, segments(self, line, self.visual_style))

    # ---- finding -----------------------------------------------------------------------------

    def find(self, words: str) -> None:
        """Mark ``words``, and go to the first line with them from where one is."""
        self._words = words
        self._hits = self._lines_with(words)
        here = self.scroll_offset.y
        self._hit = next((at for at, row in enumerate(self._hits) if row >= here), 0)
        self._show_hit()

    def _lines_with(self, words: str) -> list[int]:
        wanted = words.casefold()
        if not wanted:
            return []
        return [row for row, line in enumerate(self._lines) if wanted in line.plain.casefold()]

    @property
    def found(self) -> tuple[int, int]:
        """Which of the lines found is the present one, from 1 on, and how many there are."""
        return (self._hit + 1 if self._hits else 0, len(self._hits))

    def step(self, step: int) -> None:
        """Go to another of the lines found."""
        if self._hits:
            self._hit = (self._hit + step) % len(self._hits)
            self._show_hit()

    def _show_hit(self) -> None:
        if self._hits:
            row, height = self._hits[self._hit], self.scrollable_content_region.height
            if not self.scroll_offset.y <= row < self.scroll_offset.y + height:
                self.scroll_to(y=max(0, row - height // 3), animate=False)
        self.refresh()

    # ---- scrolling ---------------------------------------------------------------------------

    def action_scroll(self, rows: int) -> None:
        """Scroll by rows."""
        self.scroll_to(y=self.scroll_offset.y + rows, animate=False)

    def action_page(self, pages: int) -> None:
        """Scroll by what is in sight."""
        self.action_scroll(pages * max(1, self.scrollable_content_region.height - 1))

    def action_edge(self, end: int) -> None:
        """Go to an end."""
        self.scroll_to(y=end * self.virtual_size.height, animate=False)
