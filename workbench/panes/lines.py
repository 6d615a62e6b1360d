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


class WholeRows(Widget):
    """A widget whose ``render_line`` gives rows that need nothing more: see ``drawn``.

    Textual puts styles, borders, tints and caches around every row. Where there are none of
    them that is a fifth of what a streaming answer costs.
    """

    def render_lines(self, crop: Region) -> list[Strip]:
        """The rows of ``crop``, as they are drawn."""
        if not self.is_attached:
            # It was taken away after the screen was last arranged, and has no styles any more.
            return [Strip.blank(crop.width)] * crop.height
        if self.styles.gutter:
            return super().render_lines(crop)
        strips = [self.render_line(y) for y in crop.line_range]
        for line_filter in self.get_line_filters():
            background = self.background_colors[1]
            strips = [strip.apply_filter(line_filter, background) for strip in strips]
        # The column of a scroll bar is a widget of its own.
        return [strip.crop_extend(crop.x, crop.right, None) for strip in strips]


class Lines(WholeRows):
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
