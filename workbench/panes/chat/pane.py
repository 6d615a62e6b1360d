"""The chat pane."""

from __future__ import annotations

from typing import ClassVar, Final

from textual import getters
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from workbench.panes.chat.entry import Entry, Kind
from workbench.panes.chat.prompt import Prompt
from workbench.panes.chat.transcript import Transcript
from workbench.untrusted import without_controls

_EMPTY: Final = (
    "Nothing said yet.\n"
    "\n"
    "Write below and press Enter. The answer streams here; Esc stops it and keeps what came.\n"
    "\n"
    "Try: What is temperature?   Tell me a story about a fox.   Who are you?"
)


class ChatPane(Vertical):
    """Transcript above, prompt below."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "pageup",
            "page(-1)",
            "Page up",
            show=False,
            priority=True,
            id="chat.page_up",
            tooltip="Scroll the transcript up a page",
        ),
        Binding(
            "pagedown",
            "page(1)",
            "Page down",
            show=False,
            priority=True,
            id="chat.page_down",
            tooltip="Scroll the transcript down a page",
        ),
    ]

    transcript = getters.query_one(Transcript)
    prompt = getters.query_one(Prompt)

    def __init__(self) -> None:
        super().__init__(id="chat", classes="pane")
        self.border_title = "Chat"
        self._asked: Entry | None = None
        self._answer: Entry | None = None

    def compose(self) -> ComposeResult:
        yield Transcript(empty=_EMPTY)
        yield Prompt()

    def action_page(self, direction: int) -> None:
        """Scroll the transcript by a page, wherever in the pane the focus is."""
        if direction < 0:
            self.transcript.scroll_page_up(animate=False)
        else:
            self.transcript.scroll_page_down(animate=False)

    def ask(self, text: str) -> None:
        """Show what the person sent."""
        self._asked = self.transcript.add("user", without_controls(text), title="You")
        self.transcript.follow()

    def note(self, text: str, *, error: bool = False) -> None:
        """Show a word of the app's own; it is no part of the conversation."""
        self.transcript.add("error" if error else "note", without_controls(text))

    def stream(self, thoughts: str, text: str, *, model: str) -> None:
        """Show the next piece of the answer, and what was thought before it."""
        if thoughts:
            self._continue("thoughts", thoughts, title=f"{model} thinks")
        if text or not thoughts:
            self._continue("assistant", text, title=model)

    def _continue(self, kind: Kind, text: str, *, title: str) -> None:
        if self._answer is None or (text and self._answer.kind != kind):
            self._answer = self.transcript.add(kind, text, title=title)
        elif text:
            self.transcript.extend(self._answer, text)

    def close_answer(self, remark: str) -> None:
        """End the answer; ``remark`` stands behind its title."""
        if self._answer is not None:
            self.transcript.close(self._answer)
            if remark:
                self.transcript.remark(self._answer, remark)
        self._answer = None

    def take_back(self, text: str) -> None:
        """Put an unanswered prompt back where it was written, unless something is there now."""
        if self._asked is not None:
            self.transcript.remark(self._asked, "not answered")
        if not self.prompt.text:
            self.prompt.load_text(text)
            self.prompt.move_cursor(self.prompt.document.end)

    def clear(self) -> None:
        """Begin anew."""
        self._asked = self._answer = None
        self.transcript.clear()
