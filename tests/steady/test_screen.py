"""Screens that draw no more than is seen."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Static

from tests.waiting import wait_until
from workbench.steady.app import SteadyApp
from workbench.steady.screen import SteadyScreen
from workbench.terminal.line import Line


class Plain(SteadyScreen[None]):
    """Counts its turns to draw, and how often it used them."""

    def __init__(self) -> None:
        super().__init__()
        self.turns = self.used = 0

    def compose(self) -> ComposeResult:
        yield Static("before", id="words")

    def change(self, words: str) -> None:
        self.turns = self.used = 0
        self.query_one("#words", Static).update(words, layout=False)

    def _on_timer_update(self) -> None:
        super()._on_timer_update()
        self.turns += 1

    def _compositor_refresh(self) -> None:
        self.used += 1
        super()._compositor_refresh()


class App(SteadyApp):
    def __init__(self) -> None:
        super().__init__(Line())
        self.below, self.above = Plain(), Plain()

    async def on_mount(self) -> None:
        await self.push_screen(self.below)


async def test_a_screen_that_is_covered_draws_nothing() -> None:
    app = App()
    async with app.run_test() as pilot:
        await app.push_screen(app.above)
        await pilot.pause()
        app.below.change("meanwhile")
        await wait_until(lambda: app.below.turns, "a turn to draw")
        assert not app.below.used
        app.above.change("seen")
        await wait_until(lambda: app.above.used, "what is seen")
        # All of it is there when it is uncovered.
        app.pop_screen()
        await wait_until(lambda: "meanwhile" in app.export_screenshot(), "the screen below")


async def test_a_screen_is_arranged_for_the_size_before_it_is_drawn() -> None:
    class Narrow(Plain):
        at_first = frozenset[str]()

        def on_mount(self) -> None:
            # Textual's own classes come with the first Resize.
            self.call_next(self._look)

        def _look(self) -> None:
            self.at_first = self.classes

    app = App()
    app.HORIZONTAL_BREAKPOINTS = [(0, "-slim"), (60, "-wide")]
    async with app.run_test(size=(50, 20)):
        narrow = Narrow()
        await app.push_screen(narrow)
        await wait_until(lambda: narrow.at_first, "its classes")
        assert "-slim" in narrow.at_first
