"""Styled lines of which only the cells that change are drawn again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile

from rich.cells import cell_len
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
        self.refresh(*changes(before, lines, 0, 0))

    def render_line(self, y: int) -> Strip:
        """One row of the screen."""
        line = self._lines[y] if y < len(self._lines) else Content()
        return drawn(self, segments(self, line, self.visual_style))


def segments(widget: Widget, line: Content, style: Style) -> Iterable[Segment]:
    """A line in the colours of the theme, on ``style``."""
    for text, part in line.render(style, end="", parse_style=widget.app.stylesheet.parse_style):
        yield Segment(text, part.rich_style)


def drawn(widget: Widget, pieces: Iterable[Segment]) -> Strip:
    """A row of ``widget``; every piece costs forty bytes of colours on its way to a terminal."""
    return Strip(pieces).adjust_cell_length(widget.size.width, widget.rich_style).simplify()


def changes(
    before: Sequence[Content], after: Sequence[Content], left: int, top: int
) -> Iterator[Region]:
    """The cells that differ in lines that begin in column ``left`` and row ``top``.

    Both count from where a widget's content begins, inside its border and padding.
    """
    for row in range(max(len(before), len(after))):
        old = before[row] if row < len(before) else Content()
        new = after[row] if row < len(after) else Content()
        if old is new or old.is_same(new):
            continue
        width = max(old.cell_length, new.cell_length)
        kept = 0
        if set(old.spans) <= set(new.spans):
            kept = cell_len(_common(old.plain, new.plain))
        yield Region(left + kept, top + row, width - kept, 1)


def _common(old: str, new: str) -> str:
    """What both begin with; beside wide characters whole words, as some are made of several."""
    same = takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False))
    common = "".join(character for character, _ in same)
    if (old + new).isascii():
        return common
    return common[: common.rfind(" ") + 1]
