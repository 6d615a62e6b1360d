"""Styled lines of which only those that change are drawn again."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import zip_longest

from rich.segment import Segment
from textual.content import Content
from textual.geometry import Region
from textual.strip import Strip
from textual.style import Style
from textual.widget import Widget


class Lines(Widget):
    """A block of lines, as many as it is high."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._lines: list[Content] = []

    def show(self, lines: list[Content]) -> None:
        """Show these lines instead."""
        before, self._lines = self._lines, lines
        for row, (old, new) in enumerate(zip_longest(before, lines)):
            if old is None or new is None or not old.is_same(new):
                self.refresh(Region(0, row, self.content_size.width, 1))

    def render_line(self, y: int) -> Strip:
        """One row of the screen."""
        line = self._lines[y] if y < len(self._lines) else Content()
        return drawn(self, segments(self, line, self.visual_style))


def segments(widget: Widget, line: Content, style: Style) -> Iterable[Segment]:
    """A line in the colours of the theme, on ``style``."""
    for text, part in line.render(style, end="", parse_style=widget.app.stylesheet.parse_style):
        yield Segment(text, part.rich_style)


def drawn(widget: Widget, pieces: Iterable[Segment]) -> Strip:
    """A row of ``widget``, as wide as it is."""
    return (
        Strip(pieces)
        .adjust_cell_length(widget.size.width, widget.visual_style.rich_style)
        .simplify()
    )


def component_style(widget: Widget, name: str) -> Style:
    """The style of one of ``widget``'s component classes, ``reverse`` included.

    Textual's own ``get_visual_style`` forgets that word.
    """
    reverse = widget.get_component_styles(name).text_style.reverse
    return Widget.get_visual_style(widget, name) + Style(reverse=reverse or None)
