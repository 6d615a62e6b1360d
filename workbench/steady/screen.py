"""A screen that renders little, and follows the terminal's size however quickly it changes."""

from __future__ import annotations

from textual import events
from textual.screen import Screen, ScreenResultType

from workbench.steady.compositor import SparingCompositor


class SteadyScreen(Screen[ScreenResultType]):
    """Takes a size only while the terminal has it, and asks widgets for what is seen."""

    def __init__(self) -> None:
        super().__init__()
        self._compositor = SparingCompositor()

    async def _on_resize(self, event: events.Resize) -> None:
        if event.size != self.app.size:
            # Textual's screen would tell itself of such a size again, and again, without end:
            # the terminal has another one by now, as when a window is dragged.
            event.prevent_default()
