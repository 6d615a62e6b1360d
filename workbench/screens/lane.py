"""What a lane is set to, typed."""

from __future__ import annotations

from typing import ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Footer, Input, Static

from workbench.parameters.kinds import ParameterError, Value
from workbench.parameters.lanes import read_lane
from workbench.screens.dialog import Dialog


class LaneScreen(Dialog[dict[str, Value] | None]):
    """Gives back what a lane is to set beside what all do; None if it stays as it is."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Leave", id="lane.close", tooltip="Leave the lane as it is"),
    ]

    words = getters.query_one("#lane-words", Static)

    def __init__(self, letter: str, text: str) -> None:
        super().__init__()
        self._letter = letter
        self._text = text

    def compose(self) -> ComposeResult:
        with Vertical(classes="pane") as pane:
            pane.border_title = f"Lane {self._letter}"
            yield Input(self._text, placeholder="temperature=1.2,min_p=0.1", compact=True)
            yield Static(id="lane-words", markup=False)
            yield Footer(show_command_palette=False)

    @on(Input.Changed)
    def _judge(self, event: Input.Changed) -> None:
        event.stop()
        try:
            read_lane(event.value)
            self.words.update("Enter sets it; what is not named is as in all lanes.")
        except ParameterError as error:
            self.words.update(Content.styled(f"{error}.", "$error"))

    @on(Input.Submitted)
    def _set(self, event: Input.Submitted) -> None:
        event.stop()
        try:
            self.dismiss(read_lane(event.value))
        except ParameterError:
            # It is said below the field.
            return
