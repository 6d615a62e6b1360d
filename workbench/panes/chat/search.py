"""The bar in which words to look for are typed."""

from __future__ import annotations

from typing import ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static


class SearchBar(Horizontal):
    """A field, and how many places were found."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "step(1)", "Next", show=False, id="find.next", tooltip="Next place found"),
        Binding("up", "step(-1)", "Before", show=False, id="find.before", tooltip="Place before"),
    ]

    field = getters.query_one(Input)
    count = getters.query_one(Static)

    class Typed(Message):
        """The words are now these."""

        def __init__(self, words: str) -> None:
            super().__init__()
            self.words = words

    class Stepped(Message):
        """Another of the places found is wanted."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    class Accepted(Message):
        """The words are what was looked for."""

    def __init__(self, placeholder: str = "Find in the chat") -> None:
        super().__init__()
        self._placeholder = placeholder

    def compose(self) -> ComposeResult:
        yield Input(placeholder=self._placeholder, compact=True, select_on_focus=False)
        yield Static(markup=False)

    def show_count(self, number: int, of: int) -> None:
        """Say which of the places found is shown."""
        nothing = "not found" if self.field.value else ""
        count = f"{number} of {of}" if of else nothing
        if count != self.count.content:
            self.count.update(count, layout=False)

    def action_step(self, step: int) -> None:
        """Go to another place found."""
        self.post_message(self.Stepped(step))

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Typed(event.value))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Accepted())
