"""A partial update shows what the whole screen would show there."""

from __future__ import annotations

import random

from textual.app import App, ComposeResult
from textual.containers import Horizontal, Vertical
from textual.geometry import Region
from textual.screen import Screen
from textual.strip import Strip
from textual.widgets import Label, TextArea

from workbench.steady.compositor import Pieces, SparingCompositor


class Crowded(Screen[None]):
    """Widgets beside, in, and over each other, one of them cut off by the screen's edge."""

    CSS = """
    Crowded { layers: below above; }
    .box { border: round green; width: 1fr; }
    #over { layer: above; width: 20; height: 4; offset: 14 3; background: blue; }
    #edge { layer: above; width: 30; height: 3; offset: 50 8; background: red; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._compositor = SparingCompositor()

    def compose(self) -> ComposeResult:
        with Horizontal():
            with Vertical(classes="box"):
                yield Label("left 漢字 and more")
                yield TextArea("some text\n" * 30)
            with Vertical(classes="box"):
                yield Label("right")
        yield Label("over them all", id="over")
        yield Label("at the edge", id="edge")


class Host(App[None]):
    def get_default_screen(self) -> Screen[None]:
        return Crowded()


def cells(strip: Strip) -> list[tuple[str, str]]:
    return [(char, str(style)) for text, style, _ in strip.simplify() for char in text]


async def test_pieces_show_what_the_whole_screen_shows() -> None:
    host = Host()
    async with host.run_test(size=(60, 12)) as pilot:
        await pilot.pause()
        compositor = host.screen._compositor
        whole = compositor.render_strips()
        chance = random.Random(1)
        for _ in range(200):
            x, y = chance.randrange(60), chance.randrange(12)
            regions = [
                Region(x, y, chance.randint(1, 60), chance.randint(1, 12)),
                Region(chance.randrange(60), y, chance.randint(1, 9), 1),
            ]
            compositor._dirty_regions = set(regions)
            update = compositor.render_partial_update()
            assert isinstance(update, Pieces)
            seen: set[tuple[int, int]] = set()
            for row, column, strip in update.pieces:
                there = {(row, column + at) for at in range(strip.cell_length)}
                assert not there & seen
                seen |= there
                same = whole[row].crop(column, column + strip.cell_length)
                assert cells(strip) == cells(same)
            wanted = {
                (row, column)
                for region in regions
                for row in range(region.y, min(region.bottom, 12))
                for column in range(region.x, min(region.right, 60))
            }
            assert seen == wanted


async def test_nothing_changed_is_nothing_to_draw() -> None:
    host = Host()
    async with host.run_test(size=(60, 12)) as pilot:
        await pilot.pause()
        compositor = host.screen._compositor
        compositor._dirty_regions = {Region(70, 20, 5, 5)}
        assert compositor.render_partial_update() is None
