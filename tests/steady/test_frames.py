"""The shortest way to a frame ends at the same screen as the long one."""

from __future__ import annotations

import pyte
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from workbench.steady.frames import Frames

COLUMNS, ROWS = 24, 4
SIZE = (COLUMNS, ROWS)

TEXTS = st.text(alphabet="ab ┃é漢🦊", max_size=COLUMNS)
STYLES = st.sampled_from(
    [
        Style.null(),
        Style.parse("bold"),
        Style.parse("#ff0000"),
        Style.parse("bold #ff0000 on #000080"),
        Style.parse("#00ff00 on #000080"),
        Style.parse("reverse"),
        Style.parse("underline on #000080"),
    ]
)
SEGMENTS = st.lists(st.builds(Segment, TEXTS, STYLES, st.none()), max_size=4)
STRIPS = SEGMENTS.map(lambda segments: Strip(segments).adjust_cell_length(COLUMNS, Style.null()))
LAYOUTS = st.lists(STRIPS, min_size=ROWS, max_size=ROWS)


class Shown:
    """A terminal that was cleared."""

    def __init__(self) -> None:
        self.screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.Stream(self.screen)

    def feed(self, text: str) -> None:
        self._stream.feed(text)

    def cells(self) -> list[list[pyte.screens.Char]]:
        return [[self.screen.buffer[y][x] for x in range(COLUMNS)] for y in range(ROWS)]


def layout(strips: list[Strip]) -> LayoutUpdate:
    return LayoutUpdate([[strip] for strip in strips], Region(0, 0, COLUMNS, ROWS))


def plain(update: LayoutUpdate | ChopsUpdate) -> str:
    """As Textual writes it, but for the line feeds, which move nothing."""
    console = Console(color_system="truecolor", force_terminal=True)
    return update.render_segments(console).replace("\n", "")


def short(frames: Frames, update: LayoutUpdate | ChopsUpdate) -> str:
    text = frames.text(update, SIZE, ColorSystem.TRUECOLOR)
    assert text is not None
    return text


@settings(max_examples=300, deadline=None)
@given(st.lists(LAYOUTS, min_size=1, max_size=4))
def test_whole_screens_come_out_the_same(screens: list[list[Strip]]) -> None:
    frames, long_way, short_way = Frames(), Shown(), Shown()
    for strips in screens:
        long_way.feed(plain(layout(strips)))
        short_way.feed(short(frames, layout(strips)))
        assert short_way.cells() == long_way.cells()


@settings(max_examples=300, deadline=None)
@given(
    LAYOUTS,
    st.lists(
        st.tuples(STRIPS, st.integers(0, ROWS - 1), st.integers(0, COLUMNS), st.integers(1, 9)),
        max_size=5,
    ),
)
def test_pieces_of_rows_come_out_the_same(
    first: list[Strip], pieces: list[tuple[Strip, int, int, int]]
) -> None:
    frames, shown, wanted = Frames(), Shown(), list(first)
    shown.feed(short(frames, layout(first)))
    for strip, y, x, width in pieces:
        end = min(COLUMNS, x + width)
        # A wide character that is cut in two is a blank: whole rows alone tell what that makes.
        if x >= end or any(ord(character) > 0x2600 for character in strip.text + wanted[y].text):
            continue
        wanted[y] = Strip.join(
            [wanted[y].crop(0, x), strip.crop(x, end), wanted[y].crop(end, COLUMNS)]
        )
        chops: list[dict[int, Strip | None]] = [{0: None} for _ in range(ROWS)]
        chops[y] = {0: wanted[y]}
        shown.feed(short(frames, ChopsUpdate(chops, [(y, x, end)], [[COLUMNS]] * ROWS)))
    target = Shown()
    target.feed(plain(layout(wanted)))
    assert shown.cells() == target.cells()


def test_what_is_there_is_not_written_again() -> None:
    frames = Frames()
    style = Style.parse("#ff0000 on #000080")
    rows = [Strip([Segment("x" * COLUMNS, style)])] * ROWS
    assert short(frames, layout(rows))
    assert short(frames, layout(rows)) == ""
    rows = [Strip([Segment("xxxxy" + "x" * (COLUMNS - 5), style)]), *rows[1:]]
    assert short(frames, layout(rows)) == "\x1b[1;5H\x1b[38;2;255;0;0;48;2;0;0;128my\x1b[0m"
    frames.forget()
    assert len(short(frames, layout(rows))) > COLUMNS * ROWS


def test_of_colours_only_what_changes_is_written() -> None:
    frames = Frames()
    segments = [
        Segment("a", Style.parse("#ff0000 on #000080")),
        Segment("b", Style.parse("#00ff00 on #000080")),
        Segment("c" * (COLUMNS - 2), Style.parse("#00ff00")),
    ]
    text = frames.text(
        LayoutUpdate([[Strip(segments)]], Region(0, 0, COLUMNS, 1)), (COLUMNS, 1), None
    )
    assert text == (
        "\x1b[1;1H\x1b[38;2;255;0;0;48;2;0;0;128ma\x1b[38;2;0;255;0mb\x1b[49m"
        + "c" * (COLUMNS - 2)
        + "\x1b[0m"
    )


def test_another_size_is_drawn_in_full() -> None:
    frames = Frames()
    rows = [Strip([Segment("x" * COLUMNS)])] * ROWS
    assert short(frames, layout(rows))
    assert frames.text(layout(rows), (COLUMNS + 1, ROWS), None)


def test_an_update_for_a_wider_terminal_is_borne() -> None:
    frames = Frames()
    rows = [Strip([Segment("x" * COLUMNS)])] * ROWS
    assert short(frames, layout(rows))
    narrow = (COLUMNS // 2, ROWS - 1)
    chops: list[dict[int, Strip | None]] = [{COLUMNS - 4: Strip([Segment("yyyy")])}] * ROWS
    late = ChopsUpdate(chops, [(ROWS - 1, COLUMNS - 4, COLUMNS)], [[COLUMNS]] * ROWS)
    assert frames.text(late, narrow, None) == ""
    assert frames.text(layout(rows), narrow, None)


def test_wide_text_of_a_wider_terminal_is_borne() -> None:
    """Wherever in what is cut off the text ends and the row's blank rest begins."""
    for length in range(1, COLUMNS):
        frames = Frames()
        row = Strip([Segment("漢" * (length // 2) + "a" * (length % 2)), Segment(" " * COLUMNS)])
        rows = [row.crop(0, COLUMNS)] * ROWS
        assert short(frames, layout(rows))
        narrow = (COLUMNS // 2, ROWS)
        assert frames.text(layout(rows), narrow, None) is not None
        assert frames.text(layout(rows), narrow, None) is not None


def test_beside_text_of_doubtful_width_all_is_written_again() -> None:
    frames = Frames()
    row = [Strip([Segment("\u26a0 ab")]).adjust_cell_length(COLUMNS)] * ROWS
    assert short(frames, layout(row)).count("ab") == ROWS
    assert short(frames, layout(row)).count("ab") == ROWS
