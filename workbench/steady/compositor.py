"""Rendering only what a change lets be seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import cast

from textual._compositor import ChopsUpdate, Compositor
from textual.geometry import Region
from textual.strip import Strip

_Span = tuple[int, int, int]
_Chops = dict[int, dict[int, Strip | None]]


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
        if not spans:
            return None
        ends = {y: self.cuts[y][1:] for y, _, _ in spans}
        # Both are asked for the rows of the spans only.
        return ChopsUpdate(
            cast("Sequence[dict[int, Strip | None]]", self._chops(spans)),
            spans,
            cast("list[list[int]]", ends),
        )

    def _chops(self, spans: Iterable[_Span]) -> _Chops:
        """For each row of ``spans`` its pieces, by the column that they begin in."""
        chops: _Chops = {}
        # Pieces that no widget has filled yet.
        missing: dict[int, set[int]] = {}
        for y, first, last in spans:
            cuts = self.cuts[y]
            chops.setdefault(y, dict.fromkeys(cuts[:-1]))
            missing.setdefault(y, set()).update(
                start for start, end in pairwise(cuts) if start < last and end > first
            )
        for widget, (region, clip) in self.visible_widgets.items():
            if not missing:
                break
            shown = region.intersection(clip)
            left, right = shown.column_span
            rows = [
                y
                for y, starts in missing.items()
                if shown.y <= y < shown.bottom and any(left <= start < right for start in starts)
            ]
            if not rows:
                continue
            top, bottom = min(rows), max(rows) + 1
            strips = widget.render_lines(
                Region(left - region.x, top - region.y, shown.width, bottom - top)
            )
            for y in rows:
                cuts = [cut for cut in self.cuts[y] if left <= cut <= right]
                parts = strips[y - top].divide([cut - left for cut in cuts[1:]])
                for start, part in zip(cuts, parts, strict=False):
                    if chops[y][start] is None:
                        chops[y][start] = part
                missing[y].difference_update(cuts[:-1])
                if not missing[y]:
                    del missing[y]
        return chops
