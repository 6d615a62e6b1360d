"""The prompt: several lines, sent by Enter."""

from __future__ import annotations

from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea

_NEWLINE_KEYS: Final = ("ctrl+j", "shift+enter")


class Prompt(TextArea):
    """Where a person writes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            ",".join(_NEWLINE_KEYS),
            "newline",
            "New line",
            show=False,
            id="prompt.newline",
            tooltip="Begin a new line in the prompt",
        ),
    ]

    class Submitted(Message):
        """The person pressed Enter on ``text``."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self) -> None:
        super().__init__(
            soft_wrap=True,
            show_line_numbers=False,
            highlight_cursor_line=False,
            placeholder="Ask something. Enter sends, ctrl+j begins a new line.",
        )
        # A blinking cursor costs half a KB/s over SSH for ever.
        self.cursor_blink = False

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            self.post_message(self.Submitted(self.text))
            return
        if event.key in _NEWLINE_KEYS:
            # As a binding alone it would come to pass after keys typed or pasted behind it.
            event.stop()
            event.prevent_default()
            self.action_newline()
            return
        await super()._on_key(event)

    def action_newline(self) -> None:
        """Begin a new line."""
        self.insert("\n")
