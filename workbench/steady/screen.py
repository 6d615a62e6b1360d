"""A screen that renders little, and follows the terminal's size however quickly it changes."""

from __future__ import annotations

from textual import events
from textual.await_complete import AwaitComplete
from textual.screen import Screen, ScreenResultType

from workbench.steady.compositor import SparingCompositor


class EndsOnce(Screen[ScreenResultType]):
    """Ends once, however many keys for that are on their way.

    Textual takes whatever screen is foremost then: over a slow line that is the one below.
    """

    def dismiss(self, result: ScreenResultType | None = None) -> AwaitComplete:
        """Give the result, and go."""
        # A screen that shows through a dialog is still "current", but not active.
        return super().dismiss(result) if self.is_active else AwaitComplete()


class SteadyScreen(EndsOnce[ScreenResultType]):
    """Takes a size only while the terminal has it, and asks widgets for what is seen."""

    def __init__(self) -> None:
        super().__init__()
        self._compositor = SparingCompositor()

    def _on_mount(self, _event: events.Mount) -> None:
        # Textual arranges for the terminal's size with the first Resize: until then a narrow
        # screen would be drawn like a wide one.
        size, app = self.app.size, self.app
        across = self._get_breakpoint_classes(size.width, app.HORIZONTAL_BREAKPOINTS or [])
        down = self._get_breakpoint_classes(size.height, app.VERTICAL_BREAKPOINTS or [])
        self.add_class(*across, *down)

    @property
    def _is_covered(self) -> bool:
        """Whether another screen hides all of this one."""
        stack = self.app.screen_stack
        above = stack[stack.index(self) + 1 :] if self in stack else []
        return any(screen.styles.background.a == 1 for screen in above)

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
