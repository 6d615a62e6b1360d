"""The prompt: several lines, sent by Enter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os.path import commonprefix
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message

from workbench.panes.editor import Editor

# A border has room for so many.
_MOST_HINTS: Final = 6


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
        Binding(
            "tab",
            "complete",
            "Complete",
            show=False,
            id="prompt.complete",
            tooltip="Complete a word such as /clear; otherwise go on to the next place",
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
        self._begun_with = ""
        # What can be completed, and whether the border says so at the moment.
        self.completions: Callable[[str, bool], Sequence[str]] = _none
        self._hints = False

    @property
    def unsent(self) -> str:
        """All that has been written and not sent, a draft set aside included."""
        return "\n".join(filter(None, (self._draft, self.text)))

    def write(self, text: str) -> None:
        """Let ``text`` stand here, with the cursor behind it."""
        self.load_text(text)
        self.move_cursor(self.document.end)

    def take_back(self, text: str) -> None:
        """Let ``text`` stand above what is being written."""
        if text:
            # An edit, not another text: what was written before can still be undone.
            self.insert(text + "\n" * bool(self.text), (0, 0))
            self.move_cursor(self.document.end)

    def begin_editing(self, text: str, words: str) -> None:
        """Let ``text`` be written anew; what was being written comes back afterwards."""
        if self._draft is None:
            self._draft = self.text
        elif self.text != self._begun_with:
            # What has been written anew meanwhile is not lost to another edit.
            self._draft = self.unsent
        self._begun_with = text
        self.write(text)
        self.border_title = words
        self.focus()

    @property
    def editing(self) -> bool:
        """Whether something else stands here than what was being written."""
        return self._draft is not None

    def stop_editing(self, *, sent: bool = False) -> None:
        """Go back to what was being written before.

        If the text was ``sent``, what stands here by now has been typed behind it.
        """
        if self._draft is not None:
            self.border_title = ""
            self.write("\n".join(filter(None, (self._draft, self.text if sent else ""))))
            self._draft = None

    def action_send(self) -> None:
        """Hand over what has been written: whoever does not take it gives it back."""
        text = self.text
        if text.strip():
            # At once: what comes behind Enter, in one piece with it, is another prompt.
            self.clear()
            self.post_message(self.Submitted(text))
        else:
            self.notify("Write something first.", severity="warning", timeout=2)

    def _candidates(self, *, asked: bool) -> Sequence[str]:
        """What the text may become; ``asked`` for, it may be looked for on the disk."""
        text = self.text
        if not text.startswith("/") or "\n" in text:
            return []
        return self.completions(text, asked)

    def on_text_area_changed(self) -> None:
        """Say in the border what a word that is being typed may become."""
        self._hint(self._candidates(asked=False))

    def _hint(self, found: Sequence[str]) -> None:
        if found and (self._hints or not self.border_title):
            self._hints = True
            # Of a word with what it takes only that is still open.
            known = len(commonprefix(found).rpartition(" ")[0])  # noqa: RUF071
            hints = [each[known:].strip() for each in found[:_MOST_HINTS]]
            more = "  …" * (len(found) > _MOST_HINTS)
            self.border_title = Content("  ".join(hints) + more)
        elif self._hints:
            self._hints = False
            self.border_title = ""

    def action_complete(self) -> None:
        """Complete what is certain of a word."""
        found = self._candidates(asked=True)
        if not found:
            # In the middle of a word what is typed next must not be a key of another pane.
            if not self.text.startswith("/"):
                self.screen.focus_next()
            return
        whole = commonprefix(found)  # noqa: RUF071 - of characters, indeed
        is_all = len(found) == 1 and not whole.endswith("/")
        self.load_text(f"{whole} " if is_all else whole)
        self.move_cursor(self.document.end)
        if len(found) > 1:
            self._hint(found)

    def action_newline(self) -> None:
        """Begin a new line."""
        self.insert("\n")


def _none(_text: str, _asked: bool) -> Sequence[str]:
    return ()
