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

    @property
    def _is_covered(self) -> bool:
        """Whether another screen hides all of this one."""
        foremost = self.app.screen
        return self is not foremost and foremost.styles.background.a == 1

    def _on_timer_update(self) -> None:
        if self._is_covered:
            # Textual would draw the foremost screen anew, all of it, at every change here. When
            # this one is the foremost again, all of it is drawn.
            self._update_timer.pause()
        else:
            super()._on_timer_update()

    async def _on_resize(self, event: events.Resize) -> None:
        if event.size != self.app.size:
            # Textual's screen would tell itself of such a size again, and again, without end:
            # the terminal has another one by now, as when a window is dragged.
            event.prevent_default()
