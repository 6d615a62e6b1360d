"""What is done to every line on its way to a terminal of few colours, or none."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

_BRIGHT_BLACK: Final = 8


class Faint(LineFilter):
    """Draws bright black text as faint text in the terminal's own colour.

    As a colour it is hard to read on many palettes, and some make it that of the background.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        return [
            Segment(text, style and _faint(style), control) for text, style, control in segments
        ]


class Colourless(LineFilter):
    """Leaves bold, faint, underlined, reversed, and no colour at all."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        return [
            Segment(text, style and _colourless(style), control)
            for text, style, control in segments
        ]


@lru_cache(1024)
def _faint(style: Style) -> Style:
    if style.color is None or style.color.number != _BRIGHT_BLACK:
        return style
    # On a reversed row faint cells would be holes.
    return style + Style(color=RichColor.default(), dim=not style.reverse)


@lru_cache(1024)
def _colourless(style: Style) -> Style:
    return style.without_color
