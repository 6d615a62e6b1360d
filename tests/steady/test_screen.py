"""Screens that draw no more than is seen."""

from __future__ import annotations

from rich.console import RenderableType
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Static

from tests.waiting import wait_until
from workbench.steady.app import SteadyApp
from workbench.steady.screen import SteadyScreen
from workbench.terminal.line import Line


class Plain(SteadyScreen[None]):
    def compose(self) -> ComposeResult:
        yield Static("before", id="words")

    def change(self, words: str) -> None:
        self.query_one("#words", Static).update(words, layout=False)


class App(SteadyApp):
    """Counts what it draws."""

    def __init__(self) -> None:
        super().__init__(Line())
        self.below, self.above = Plain(), Plain()
        self.drawn = 0

    async def on_mount(self) -> None:
        await self.push_screen(self.below)

    def _display(self, screen: Screen[None], renderable: RenderableType | None) -> None:
        self.drawn += renderable is not None
        super()._display(screen, renderable)


async def test_a_screen_that_is_covered_draws_nothing() -> None:
    app = App()
    async with app.run_test() as pilot:
        await app.push_screen(app.above)
        await pilot.pause()
        app.drawn = 0
        app.below.change("meanwhile")
        # What draws it has had its turn.
        timer = app.below._update_timer
        await wait_until(lambda: not timer._active.is_set(), "the time to draw")
        assert app.drawn == 0
        app.above.change("seen")
        await wait_until(lambda: app.drawn, "what is seen")
        # All of it is there when it is uncovered.
        app.pop_screen()
        await wait_until(lambda: "meanwhile" in app.export_screenshot(), "the screen below")
