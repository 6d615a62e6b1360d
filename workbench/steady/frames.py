"""What the terminal shows, and the shortest way to what it should show.

Textual writes every cell of a region that a widget calls dirty, with all its colours, and the
whole screen when a layout changes. Here the cells of the terminal are known: only those that
differ are written, and of the colours only those that change. A transcript that scrolls costs
a sixth of the bytes, and whatever draws too much costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import repeat
from typing import Final, NamedTuple

from rich.cells import cell_len
from rich.color import Color, ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.strip import SGR_STYLES, Strip

from workbench.steady.compositor import Pieces, cut

# To write so many cells again costs no more than to move the cursor over them.
_GAP: Final = 6


class Pen(NamedTuple):
    """How a cell is drawn, as parts of an SGR sequence; empty where it is the terminal's own."""

    attributes: str
    colour: str
    background: str


class _Unknown:
    """A cell of which only the terminal knows how it came out; equal to no other."""


_NO_PEN: Final = Pen("", "", "")

_Cell = tuple[str, Pen] | _Unknown


class Written(CompositorUpdate):
    """An update that has become text already."""

    def __init__(self, text: str) -> None:
        self.text = text

    def render_segments(self, console: Console) -> str:  # noqa: ARG002
        """The text."""
        return self.text


class Frames:
    """Remembers what it was asked to draw."""

    def __init__(self) -> None:
        self._rows: list[list[_Cell]] = []
        self._size = (0, 0)

    def forget(self) -> None:
        """The terminal may show anything: the next frames are drawn in full."""
        self._size = (0, 0)

    def text(
        self, update: CompositorUpdate, size: tuple[int, int], system: ColorSystem | None
    ) -> str | None:
        """What to write for ``update`` on a terminal of ``size`` columns and rows.

        It begins and ends with the terminal's own colours. None if it cannot be told.
        """
        if not isinstance(update, LayoutUpdate | ChopsUpdate | Pieces):
            return None
        if size != self._size:
            self._size = size
            self._rows = [[_Unknown() for _ in range(size[0])] for _ in range(size[1])]
        writer = _Writer(system or ColorSystem.TRUECOLOR)
        for y, x, strip in _strips(update):
            # While the terminal's size changes, an update may still be one for the former.
            if y < len(self._rows) and x < len(self._rows[y]):
                writer.draw(self._rows[y], y, x, strip)
        return writer.finished()


class _Writer:
    """Writes cells that differ, and remembers cursor and colours on the way."""

    def __init__(self, system: ColorSystem) -> None:
        self._system = system
        self._parts: list[str] = []
        self._pen = _NO_PEN
        # Where the cursor is, as long as that is beyond doubt.
        self._at: tuple[int, int] | None = None

    def draw(self, row: list[_Cell], y: int, x: int, strip: Iterable[Segment]) -> None:
        """Make ``row``, which is the screen's row ``y``, show ``strip`` from column ``x`` on."""
        cells: list[tuple[str, Pen]] = []
        for text, style, control in strip:
            if control or not text:
                continue
            pen = self._pen_of(style)
            if _is_narrow(text):
                cells.extend(zip(text, repeat(pen)))
                continue
            self._draw_cells(row, y, x, cells)
            x += len(cells)
            cells = []
            x = self._draw_text(row, y, x, text, pen)
        self._draw_cells(row, y, x, cells)

    def _draw_text(self, row: list[_Cell], y: int, x: int, text: str, pen: Pen) -> int:
        """Text whose cells are not its characters: drawn whole, whatever is there."""
        width = cell_len(text)
        if x >= len(row):
            return x + width
        self._move(y, x)
        self._take(pen)
        self._parts.append(text)
        # To the end: a terminal that takes it for wider has drawn over its neighbours.
        row[x:] = [_Unknown() for _ in row[x:]]
        # Terminals differ in how wide they take it for.
        self._at = None
        return x + width

    def _draw_cells(
        self, row: list[_Cell], y: int, x: int, cells: Sequence[tuple[str, Pen]]
    ) -> None:
        # Where the terminal has just become narrower, what is drawn may be for the width before.
        cells = cells[: max(0, len(row) - x)]
        before = row[x : x + len(cells)]
        if before == cells:
            return
        row[x : x + len(cells)] = cells
        for start, end in _differences(before, cells):
            self._move(y, x + start)
            for character, pen in cells[start:end]:
                if pen is not self._pen:
                    self._take(pen)
                self._parts.append(character)
            # Behind the last column the cursor waits for what comes next: where is up to it.
            self._at = (y, x + end) if x + end < len(row) else None

    def _move(self, y: int, x: int) -> None:
        if self._at == (y, x):
            return
        same_row = self._at is not None and self._at[0] == y
        self._parts.append(f"\x1b[{x + 1}G" if same_row else f"\x1b[{y + 1};{x + 1}H")
        self._at = (y, x)

    def _pen_of(self, style: Style | None) -> Pen:
        if style is None:
            return _NO_PEN
        attributes = style._attributes & style._set_attributes
        return _pen(attributes, style._color, style._bgcolor, self._system)

    def _take(self, pen: Pen) -> None:
        if pen != self._pen:
            self._parts.append(_turn(self._pen, pen))
        self._pen = pen

    def finished(self) -> str:
        """All that was written."""
        self._take(_NO_PEN)
        return "".join(self._parts)


def _strips(update: LayoutUpdate | ChopsUpdate | Pieces) -> Iterator[tuple[int, int, Strip]]:
    """Row, column and content of all that an update draws."""
    if isinstance(update, Pieces):
        yield from update.pieces
        return
    if isinstance(update, LayoutUpdate):
        for y, strips in enumerate(update.strips, update.region.y):
            x = update.region.x
            for strip in strips:
                # A chop in which nothing is shown.
                if strip is not None:
                    yield y, x, strip
                    x += strip.cell_length
        return
    for y, first, last in update.spans:
        for end, (x, chop) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if chop is not None and x < last and end > first:
                yield y, max(x, first), cut(chop, max(first, x) - x, min(end, last) - x)


def _differences(
    before: Sequence[_Cell], after: Sequence[tuple[str, Pen]]
) -> Iterator[tuple[int, int]]:
    """Where ``after`` differs, as ranges; such as lie close to each other are one."""
    start = end = -1
    for index, (old, new) in enumerate(zip(before, after, strict=True)):
        if old == new:
            continue
        if start < 0:
            start = index
        elif index - end > _GAP:
            yield start, end
            start = index
        end = index + 1
    if start >= 0:
        yield start, end


@lru_cache(maxsize=1024)
def _is_narrow(text: str) -> bool:
    """Whether every character takes one cell, in every terminal."""
    return text.isascii() or all(map(_takes_one_cell, text))


@lru_cache(maxsize=4096)
def _takes_one_cell(character: str) -> bool:
    # Letters with marks, dashes, arrows, boxes and blocks. Between and beyond them are scripts
    # that run the other way or whose letters join, and what terminals draw in two cells.
    is_simple = character < "\u0590" or "\u1e00" <= character < "\u2600"
    return is_simple and cell_len(character) == 1


@lru_cache(maxsize=1024)
def _pen(
    attributes: int, colour: Color | None, background: Color | None, system: ColorSystem
) -> Pen:
    return Pen(
        ";".join(code for bit, code in enumerate(SGR_STYLES) if attributes & (1 << bit)),
        ";".join(colour.downgrade(system).get_ansi_codes()) if colour else "",
        ";".join(background.downgrade(system).get_ansi_codes(False)) if background else "",
    )


@lru_cache(maxsize=1024)
def _turn(old: Pen, new: Pen) -> str:
    """The sequence that makes of one pen the other."""
    if new == _NO_PEN:
        return "\x1b[0m"
    if old.attributes != new.attributes:
        codes = ["0" if old != _NO_PEN else "", new.attributes, new.colour, new.background]
    else:
        codes = [
            "" if old.colour == new.colour else new.colour or "39",
            "" if old.background == new.background else new.background or "49",
        ]
    return f"\x1b[{';'.join(filter(None, codes))}m"
