"""What a lane is set to, typed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from workbench.panes.key_line import KeyLine
from workbench.parameters.kinds import ParameterError, Value
from workbench.parameters.lanes import MODEL, read_lane
from workbench.screens.dialog import Dialog
from workbench.untrusted import is_file


class LaneScreen(Dialog[dict[str, Value] | None]):
    """Gives back what a lane is to set beside what all do; None if it stays as it is."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Leave", id="lane.close", tooltip="Leave the lane as it is"),
    ]

    words = getters.query_one("#lane-words", Static)

    def __init__(self, letter: str, text: str, find: Callable[[str], Path]) -> None:
        """``text`` is what it sets now; ``find`` gives the file of a model's name."""
        super().__init__()
        self._find = find
        self._letter = letter
        self._text = text

    def compose(self) -> ComposeResult:
        with Vertical(classes="pane") as pane:
            pane.border_title = f"Lane {self._letter}"
            yield Input(self._text, placeholder="temperature=1.2,min_p=0.1", compact=True)
            yield Static(id="lane-words", markup=False)
            yield KeyLine()

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
            self.dismiss(self._read(event.value))
        except ParameterError as error:
            self.words.update(Content.styled(f"{error}.", "$error"))

    def _read(self, text: str) -> dict[str, Value]:
        """What is typed; a model as its file. Raises ParameterError."""
        own = read_lane(text)
        if MODEL in own:
            file = self._find(str(own[MODEL]))
            if not is_file(file):
                raise ParameterError(f"there is no model '{own[MODEL]}' on this machine")
            if not _is_gguf(file):
                raise ParameterError(f"{file.name} is no GGUF file")
            own[MODEL] = str(file.resolve())
        return own


def _is_gguf(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return opened.read(4) == b"GGUF"
    except OSError:
        return False
