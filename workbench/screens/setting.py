"""A screen with a parameter pane: what opens from it, and how one gets about."""

from __future__ import annotations

from textual import getters, on
from textual.screen import ScreenResultType
from textual.widget import Widget

from workbench.panes.parameters.pane import ParameterPane
from workbench.screens.jump import jump
from workbench.screens.presets import PresetScreen, Taken
from workbench.screens.text import TextScreen
from workbench.settings import paths
from workbench.steady.screen import SteadyScreen


class SettingScreen(SteadyScreen[ScreenResultType]):
    """Has texts written, presets saved and taken, and places gone to."""

    parameters = getters.query_one(ParameterPane)

    @property
    def set_for(self) -> str:
        """The stem of the model file that the pane's parameters are for."""
        raise NotImplementedError

    @on(ParameterPane.TextWanted)
    def _write_text(self, event: ParameterPane.TextWanted) -> None:
        event.stop()

        def written(text: str | None) -> None:
            if text is not None:
                self.parameters.set(event.parameter.key, text)

        self.app.push_screen(TextScreen(event.parameter, event.text), written)

    @on(ParameterPane.PresetsWanted)
    def _show_presets(self, event: ParameterPane.PresetsWanted) -> None:
        event.stop()

        def taken(taken: Taken | None) -> None:
            if taken is not None:
                self.parameters.replace(taken.values, taken.preset)
                said = (
                    "The preset's parameters are set."
                    if taken.values
                    else "All are at their defaults."
                )
                self.notify(said, timeout=3)

        self.app.push_screen(
            PresetScreen(paths.presets(), self.set_for, self.parameters.values), taken
        )

    def focus_at_once(self, widget: Widget) -> None:
        """Textual's way is a little later: what is typed meanwhile would go elsewhere."""
        if widget.focusable:
            self.set_focus(widget)
        else:
            # It has not been shown yet.
            widget.focus()

    def action_jump(self) -> None:
        """Show a letter on everything that can be gone to."""
        jump(self)
