"""Rows of figures, as many as there is room for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from textual.content import Content

DASH: Final = "-"
# The longest unit; figures stand in one column, and their units in another.
UNIT_WIDTH: Final = 3
_COLUMN_WIDTH: Final = 27
_LEAST_WIDTH: Final = 20
# A figure farther from its name would be hard to find.
_MOST_WIDTH: Final = 44
_BETWEEN: Final = 3


class Part(NamedTuple):
    """Rows that come and go together, drawn in a given width.

    Where room is short, those of the highest ``rank`` go first.
    """

    rank: int
    height: int
    draw: Callable[[int], list[Content]]


class Graph(NamedTuple):
    """Rows that are as wide as all columns, and higher where there is room to spare."""

    rank: int
    least: int
    most: int
    draw: Callable[[int, int], list[Content]]


# Most rows say what they said half a second ago.
@lru_cache(maxsize=256)
def figure(name: str, value: str, width: int) -> Content:
    """A name at the left, a figure and its unit at the right."""
    number, _, unit = value.rpartition(" ") if " " in value else (value, "", "")
    room = max(1, width - len(name) - len(number) - UNIT_WIDTH - 1)
    return Content.assemble(
        (name, "$foreground-muted"),
        " " * room,
        (number, "$foreground-muted") if number == DASH else number,
        (f" {unit:<{UNIT_WIDTH}}", "$foreground-muted"),
    ).truncate(width)


def arranged(
    head: Sequence[Part], graph: Graph, table: Sequence[Part], *, width: int, height: int
) -> list[Content]:
    """The head, the graph and the table, in two columns where they are wide enough.

    No narrower than they can be: what is too wide for a pane is cut.
    """
    width = max(width, _LEAST_WIDTH)
    n_columns = 2 if width >= 2 * _COLUMN_WIDTH + _BETWEEN else 1
    column = min(_MOST_WIDTH, (width - _BETWEEN * (n_columns - 1)) // n_columns)
    ranks = [graph.rank, *(part.rank for part in (*head, *table))]
    kept = set(ranks)

    def used() -> int:
        return sum(
            _height(_columns([part for part in parts if part.rank in kept], n_columns))
            for parts in (head, table)
        ) + (graph.least if graph.rank in kept else 0)

    if used() > height:
        kept.clear()
        for rank in sorted(ranks):
            kept.add(rank)
            if used() > height:
                kept.remove(rank)
    spare = height - used()
    lines: list[Content] = []
    for parts in (head, table):
        if parts is table and graph.rank in kept:
            whole = column * n_columns + _BETWEEN * (n_columns - 1)
            lines += graph.draw(whole, min(graph.most, graph.least + spare))
        columns = _columns([part for part in parts if part.rank in kept], n_columns)
        lines += _beside([_drawn(each, column) for each in columns], column)
    return lines


def _drawn(parts: Iterable[Part], width: int) -> list[Content]:
    return [line for part in parts for line in part.draw(width)]


def _columns(parts: Sequence[Part], n_columns: int) -> list[Sequence[Part]]:
    """The parts in columns of about one height, in their order."""
    if n_columns == 1:
        return [parts]
    cuts = [[parts[:at], parts[at:]] for at in range(len(parts), -1, -1)]
    return min(cuts, key=_height)


def _height(columns: Iterable[Iterable[Part]]) -> int:
    return max(sum(part.height for part in column) for column in columns)


def _beside(columns: Sequence[list[Content]], width: int) -> list[Content]:
    if len(columns) == 1:
        return columns[0]
    left, right = columns
    blank = Content()
    return [
        Content.assemble(
            line,
            " " * (width + _BETWEEN - line.cell_length),
            right[row] if row < len(right) else blank,
        )
        for row, line in enumerate([*left, *[blank] * (len(right) - len(left))])
    ]
