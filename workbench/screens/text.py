"""Writing a parameter of many lines: a grammar, a schema, a template."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from workbench.panes.editor import Editor
from workbench.panes.key_line import KeyLine
from workbench.parameters.kinds import Parameter, ParameterError
from workbench.screens.dialog import Dialog


class TextScreen(Dialog[str | None]):
    """Gives back the text, or None if it is to stay as it was."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "accept", "Accept", id="text.accept", tooltip="Take the text"),
        Binding("escape", "dismiss", "Cancel", id="text.cancel", tooltip="Leave it as it was"),
    ]

    def __init__(self, parameter: Parameter, text: str) -> None:
        super().__init__()
        self._parameter = parameter
        self._text = text

    def compose(self) -> ComposeResult:
        with Vertical(classes="pane") as pane:
            pane.border_title = self._parameter.key
            area = Editor(self._text, show_line_numbers=True)
            area.cursor_blink = False
            yield area
            yield Static(f"{self._parameter.help} It takes {self._parameter.takes}.", markup=False)
            yield KeyLine()

    def action_accept(self) -> None:
        """Give the text back, or say what is wrong with it."""
        try:
            text = self._parameter.parse(self.query_one(Editor).text)
        except ParameterError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        self.dismiss(str(text))
