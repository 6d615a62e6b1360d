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
        # What was being written before something else is written anew here.
        self._draft: str | None = None

    @property
    def unsent(self) -> str:
        """All that has been written and not sent, a draft set aside included."""
        return "\n".join(filter(None, (self._draft, self.text)))

    def write(self, text: str) -> None:
        """Let ``text`` stand here, with the cursor behind it."""
        self.load_text(text)
        self.move_cursor(self.document.end)

    def begin_editing(self, text: str, words: str) -> None:
        """Let ``text`` be written anew; what was being written comes back afterwards."""
        if self._draft is None:
            self._draft = self.text
        self.write(text)
        self.border_title = words
        self.focus()

    @property
    def editing(self) -> bool:
        """Whether something else stands here than what was being written."""
        return self._draft is not None

    def stop_editing(self) -> None:
        """Go back to what was being written before."""
        if self._draft is not None:
            self.border_title = ""
            self.write(self._draft)
            self._draft = None

    def action_send(self) -> None:
        """Hand over what has been written."""
        if self.text.strip():
            self.post_message(self.Submitted(self.text))
        else:
            self.notify("Write something first.", severity="warning", timeout=2)

    def action_newline(self) -> None:
        """Begin a new line."""
        self.insert("\n")
