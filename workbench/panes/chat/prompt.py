"""The prompt: several lines, sent by Enter."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from workbench.panes.editor import Editor


class Prompt(Editor):
    """Where a person writes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "send", "Send", show=False, id="prompt.send", tooltip="Send the prompt"),
        Binding(
            "ctrl+j,shift+enter",
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
            placeholder="Enter sends, ctrl+j begins a new line.",
        )
        # A blinking cursor costs half a KB/s over SSH for ever.
        self.cursor_blink = False

    def action_send(self) -> None:
        """Hand over what has been written."""
        if self.text.strip():
            self.post_message(self.Submitted(self.text))
        else:
            self.notify("Write something first.", severity="warning", timeout=2)

    def action_newline(self) -> None:
        """Begin a new line."""
        self.insert("\n")
