"""A screen with a parameter pane: what opens from it, and how one gets about."""

from __future__ import annotations

from textual import getters, on
from textual.screen import ScreenResultType
from textual.widget import Widget

from workbench.panes.parameters.pane import ParameterPane
from workbench.parameters.kinds import ParameterError
from workbench.parameters.table import BY_KEY
from workbench.screens import words
from workbench.screens.jump import jump
from workbench.screens.presets import PresetScreen, Taken
from workbench.screens.text import TextScreen
from workbench.sessions.conversation import Conversation
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
        if not self.is_active:
            # A key that is held asks for it twice.
            return

        def written(text: str | None) -> None:
            if text is not None:
                self.parameters.set(event.parameter.key, text)

        self.app.push_screen(TextScreen(event.parameter, event.text), written)

    @on(ParameterPane.PresetsWanted)
    def _show_presets(self, event: ParameterPane.PresetsWanted) -> None:
        event.stop()
        if not self.is_active:
            return

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

    def set_by_word(self, rest: str) -> bool:
        """Do what ``/set`` says; False if it was not understood."""
        if rest in BY_KEY:
            parameter = BY_KEY[rest]
            present = parameter.text(self.parameters.value(parameter))
            return self.complain(f"{rest} is {present}; it takes {parameter.takes}.")
        try:
            parameter, value = words.setting(rest)
        except ParameterError as error:
            return self.complain(f"{error}.")
        self.parameters.set(parameter.key, value)
        self.notify(f"{parameter.key}: {parameter.text(value)}", timeout=3, markup=False)
        return True

    def complain(self, words: str) -> bool:
        """Say why a word was not understood: it was not."""
        self.notify(words, severity="warning", timeout=8, markup=False)
        return False

    def was_asked_in(self, conversation: Conversation, number: int) -> bool:
        """Whether a message is a prompt or an answer to one; says so if not."""
        asked = conversation.was_asked(number)
        return asked or self.complain("Nothing was asked there: write a prompt below.")

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
