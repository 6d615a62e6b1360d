"""The chat pane."""

from __future__ import annotations

from typing import ClassVar, Final

from textual import getters
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message as TextualMessage

from workbench.panes.chat.conversation import ConversationReader
from workbench.panes.chat.prompt import Prompt
from workbench.panes.chat.reading import ReadingPane
from workbench.panes.chat.search import SearchBar
from workbench.sessions.conversation import Message

_EMPTY: Final = (
    "Nothing said yet.\n"
    "\n"
    "Write below and press Enter. The answer streams here; Esc stops it and keeps what came.\n"
    "\n"
    "Try: What is temperature?   Tell me a story about a fox.   Who are you?\n"
    "\n"
    "F6 has one prompt answered by several settings, side by side."
)


class ChatPane(ReadingPane):
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
        Binding("m", "go_on", "More", id="chat.go_on", tooltip="Let the model go on with it"),
        Binding(
            "i",
            "begin",
            "Begin",
            show=False,
            id="chat.begin",
            tooltip="Write the beginning of the answer; the model goes on with it",
        ),
        Binding(
            "f",
            "branch",
            "Branch",
            id="chat.branch",
            tooltip="Go on from here; what came after is kept beside it",
        ),
    ]

    class Wanted(TextualMessage):
        """Something is wanted of a message of the conversation."""

        def __init__(self, message: int) -> None:
            super().__init__()
            self.message = message

    class GoOnWanted(Wanted):
        """The model is to go on with an answer."""

    class BeginWanted(Wanted):
        """The beginning of an answer is to be written."""

    class BranchWanted(Wanted):
        """The conversation is to go on from there."""

    prompt = getters.query_one(Prompt)

    def __init__(self) -> None:
        super().__init__(id="chat", classes="pane")
        self.border_title = "Chat"
        # The prompt that is written anew.
        self._edited: int | None = None
        # Whether it is not a prompt that is written anew, but an answer begun.
        self.begins = False

    def compose(self) -> ComposeResult:
        yield ConversationReader(empty=_EMPTY)
        yield SearchBar()
        yield Prompt()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Keys are offered where they do something."""
        marked = self.transcript.marked if self.transcript.has_focus else None
        kind = marked.kind if marked is not None and marked.message is not None else None
        match action:
            case "go_on":
                return kind in ("assistant", "thoughts")
            case "begin" | "branch":
                return kind in ("user", "assistant", "thoughts")
        return True

    def _want(self, wanted: type[Wanted]) -> None:
        marked = self.transcript.marked
        if marked is not None and marked.message is not None:
            self.post_message(wanted(marked.message))

    def action_go_on(self) -> None:
        """Ask for more of the answer."""
        self._want(self.GoOnWanted)

    def action_begin(self) -> None:
        """Ask for an answer that the person begins."""
        self._want(self.BeginWanted)

    def action_branch(self) -> None:
        """Ask to go on from the message."""
        self._want(self.BranchWanted)

    def note(self, text: str, *, error: bool = False) -> None:
        """Show a word of the app's own; it is no part of the conversation."""
        self.transcript.note(text, error=error)

    def take_back(self, text: str) -> None:
        """Put an unanswered prompt back where it was written, unless something is there now."""
        if self.transcript.mark_unanswered() and self.prompt.text:
            # It can be read, and copied, above.
            return
        self.prompt.take_back(text)

    def clear(self) -> None:
        """Begin anew."""
        self.stop_editing()
        self.transcript.clear()

    # ---- writing a prompt anew ---------------------------------------------------------------

    @property
    def edited(self) -> int | None:
        """The message that is written anew, if one is."""
        return self._edited

    def edit(self, message: Message) -> None:
        """Let a prompt be written anew; what was being written comes back afterwards."""
        self._edited = message.id
        self.begins = False
        self.prompt.begin_editing(message.text, "Editing: Enter asks anew, Esc leaves it")

    def begin(self, message: Message) -> None:
        """Let the beginning of an answer be written: ``message`` is that, or its prompt."""
        self.edit(message)
        self.begins = True
        if message.role == "user":
            self.prompt.write("")
        self.prompt.border_title = "The answer begins so: Enter lets the model go on, Esc leaves it"

    def stop_editing(self, *, sent: bool = False) -> None:
        """Leave the prompt as it was sent; or it has been ``sent`` anew."""
        self._edited = None
        self.begins = False
        self.prompt.stop_editing(sent=sent)

    def take_edited(self) -> str:
        """Leave a prompt as it was sent; returns what was being written in its place."""
        edited = self.prompt.text if self._edited is not None else ""
        self.stop_editing()
        return edited

    @property
    def unsent(self) -> str:
        """All that has been written and not sent, the draft set aside included."""
        return self.prompt.unsent

    # ---- a way out ---------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether Esc has something to end here before it goes back to the prompt."""
        return self._edited is not None or super().busy

    def leave(self) -> None:
        """End what is going on: looking for words, selecting, writing a prompt anew."""
        if super().busy:
            super().leave()
        else:
            self.stop_editing()
