"""Rendering only what a change lets be seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rich.console import Console
from rich.control import Control
from textual._compositor import ChopsUpdate, Compositor, CompositorUpdate
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget


class Piece(NamedTuple):
    """A part of a row, from the column ``x`` on."""

    y: int
    x: int
    strip: Strip


class Pieces(CompositorUpdate):
    """What has changed on the screen."""

    def __init__(self, pieces: list[Piece]) -> None:
        self.pieces = pieces

    def render_segments(self, console: Console) -> str:
        """The pieces, each written where it stands."""
        return "".join(
            Control.move_to(x, y).segment.text + strip.render(console)
            for y, x, strip in self.pieces
        )


class SparingCompositor(Compositor):
    """Asks widgets only for rows that a partial update shows, the foremost first.

    Textual's own asks every widget beside a changed one, and those behind it, for all their
    rows: nine widgets in place of one for a line of text that grows.
    """

    def render_partial_update(self) -> ChopsUpdate | None:
        """What has changed, as far as it is in sight; None if nothing is."""
        screen = self.size.region
        changed = [region.intersection(screen) for region in self._dirty_regions]
        self._dirty_regions.clear()
        spans = list(self._regions_to_spans(region for region in changed if region))
        # Whoever draws it takes any update.
        return Pieces(list(self._pieces(spans))) if spans else None  # type: ignore[return-value]

    def _pieces(self, spans: Iterable[tuple[int, int, int]]) -> Iterator[Piece]:
        # What no widget has filled yet: for each row some spans of columns.
        missing: dict[int, list[tuple[int, int]]] = {}
        for y, first, last in spans:
            missing.setdefault(y, []).append((first, last))
        for widget, (region, clip) in self.visible_widgets.items():
            if not missing:
                break
            shown = region.intersection(clip)
            left, right = shown.column_span
            rows = [
                y
                for y, gaps in missing.items()
                if shown.y <= y < shown.bottom
                and any(start < right and end > left for start, end in gaps)
            ]
            if not rows:
                continue
            for y, strip in _rendered(widget, shown, region, rows):
                gaps = missing.pop(y)
                for start, end in gaps:
                    first, last = max(start, left), min(end, right)
                    if first < last:
                        yield Piece(y, first, cut(strip, first - left, last - left))
                if rest := list(_without(gaps, left, right)):
                    missing[y] = rest


def _rendered(
    widget: Widget, shown: Region, region: Region, rows: list[int]
) -> Iterator[tuple[int, Strip]]:
    """Some of a widget's rows, those that follow each other asked for at once."""
    rows.sort()
    first = 0
    for at, y in enumerate(rows):
        if at + 1 == len(rows) or rows[at + 1] != y + 1:
            top = rows[first]
            crop = Region(shown.x - region.x, top - region.y, shown.width, y + 1 - top)
            yield from enumerate(widget.render_lines(crop), top)
            first = at + 1


def cut(strip: Strip, start: int, end: int) -> Strip:
    """A strip's cells from ``start`` up to ``end``."""
    return strip if start == 0 and end >= strip.cell_length else strip.crop(start, end)


def _without(gaps: Iterable[tuple[int, int]], left: int, right: int) -> Iterator[tuple[int, int]]:
    """What of ``gaps`` lies outside of the columns from ``left`` up to ``right``."""
    for start, end in gaps:
        if start < min(end, left):
            yield start, min(end, left)
        if max(start, right) < end:
            yield max(start, right), end
