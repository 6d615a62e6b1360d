"""The chat pane."""

from __future__ import annotations

from typing import ClassVar, Final

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from workbench.panes.chat.entry import Entry, Kind
from workbench.panes.chat.prompt import Prompt
from workbench.panes.chat.reader import Reader
from workbench.panes.chat.remarks import remark
from workbench.panes.chat.search import SearchBar
from workbench.sessions.conversation import Conversation, Message
from workbench.untrusted import without_controls

_EMPTY: Final = (
    "Nothing said yet.\n"
    "\n"
    "Write below and press Enter. The answer streams here; Esc stops it and keeps what came.\n"
    "\n"
    "Try: What is temperature?   Tell me a story about a fox.   Who are you?"
)
_YOU: Final = "You"


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

    transcript = getters.query_one(Reader)
    prompt = getters.query_one(Prompt)
    search = getters.query_one(SearchBar)

    def __init__(self) -> None:
        super().__init__(id="chat", classes="pane")
        self.border_title = "Chat"
        self._asked: Entry | None = None
        self._answer: Entry | None = None
        # The prompt that is written anew, and what was being written before.
        self._edited: int | None = None
        self._draft = ""

    def compose(self) -> ComposeResult:
        yield Reader(empty=_EMPTY)
        yield SearchBar()
        yield Prompt()

    def on_mount(self) -> None:
        self.search.display = False

    def action_page(self, direction: int) -> None:
        """Scroll the transcript by a page, wherever in the pane the focus is."""
        if direction < 0:
            self.transcript.scroll_page_up(animate=False)
        else:
            self.transcript.scroll_page_down(animate=False)

    # ---- what is said ------------------------------------------------------------------------

    def note(self, text: str, *, error: bool = False) -> None:
        """Show a word of the app's own; it is no part of the conversation."""
        self.transcript.add("error" if error else "note", without_controls(text))

    def show(self, conversation: Conversation) -> None:
        """Show the conversation's path; what of it is there already stays as it is."""
        path = conversation.path()
        wanted = {message.id for message in path}
        entries = self.transcript.entries
        for index, entry in enumerate(entries):
            if entry.message is not None and entry.message not in wanted:
                self.transcript.cut(index)
                break
        there = {entry.message for entry in entries}
        new = [
            entry for message in path if message.id not in there for entry in self._entries(message)
        ]
        self._asked = self._answer = None
        for entry in (*entries, *new):
            if entry.message is not None:
                entry.remark = _remark(entry, conversation)
        self.transcript.show(new)

    def _entries(self, message: Message) -> list[Entry]:
        """A complete message as it is shown: thoughts apart from the text."""
        if message.role != "assistant":
            return [Entry("user", _YOU, without_controls(message.text), message=message.id)]
        entries = [Entry("assistant", message.model, message.text, message=message.id)]
        if message.thoughts:
            thoughts = Entry(
                "thoughts", _thinks(message.model), message.thoughts, message=message.id
            )
            thoughts.folded = self.transcript.folds_thoughts
            entries.insert(0, thoughts)
        return entries

    def ask(self, message: Message) -> None:
        """Show what the person sent."""
        text = without_controls(message.text)
        # From here on the cursor is on what is said last.
        self.transcript.mark(None)
        self._asked = self.transcript.add("user", text, title=_YOU, message=message.id)
        self.transcript.follow()

    def stream(self, thoughts: str, text: str, *, message: Message) -> None:
        """Show the next piece of the answer, and what was thought before it."""
        if thoughts:
            self._continue("thoughts", thoughts, message)
        if text or not thoughts:
            self._continue("assistant", text, message)

    def _continue(self, kind: Kind, text: str, message: Message) -> None:
        if self._answer is None or (text and self._answer.kind != kind):
            self._close_thoughts()
            title = _thinks(message.model) if kind == "thoughts" else message.model
            self._answer = self.transcript.add(kind, text, title=title, message=message.id)
        elif text:
            self.transcript.extend(self._answer, text)

    def close_answer(self, message: Message | None, conversation: Conversation) -> None:
        """No more of the answer will come."""
        if self._answer is not None and message is not None:
            self._close_thoughts()
            self.transcript.close(self._answer)
            self.transcript.remark(self._answer, _remark(self._answer, conversation))
        self._answer = None

    def _close_thoughts(self) -> None:
        """Thoughts that have led to an answer are folded away."""
        entry = self._answer
        if entry is not None and entry.kind == "thoughts":
            self.transcript.close(entry)
            self.transcript.remark(entry, _length(entry.text))
            self.transcript.fold(self.transcript.folds_thoughts, entry)

    def take_back(self, text: str) -> None:
        """Put an unanswered prompt back where it was written, unless something is there now."""
        if self._asked is not None:
            self.transcript.remark(self._asked, "not answered")
            if self.prompt.text:
                # It can be read, and copied, above.
                return
        self._write("\n".join(filter(None, (text, self.prompt.text))))

    def clear(self) -> None:
        """Begin anew."""
        self.stop_editing()
        self._asked = self._answer = None
        self.transcript.cut(0)

    # ---- writing a prompt anew ---------------------------------------------------------------

    @property
    def edited(self) -> int | None:
        """The message that is written anew, if one is."""
        return self._edited

    def edit(self, message: Message) -> None:
        """Let a prompt be written anew; what was being written comes back afterwards."""
        if self._edited is None:
            self._draft = self.prompt.text
        self._edited = message.id
        self._write(message.text)
        self.prompt.border_title = "Editing: Enter asks anew, Esc leaves it"
        self.prompt.focus()

    def stop_editing(self) -> None:
        """Leave the prompt as it was sent."""
        if self._edited is not None:
            self._edited = None
            self.prompt.border_title = ""
            self._write(self._draft)
            self._draft = ""

    @property
    def unsent(self) -> str:
        """All that has been written and not sent, the draft set aside included."""
        return "\n".join(filter(None, (self._draft, self.prompt.text)))

    def _write(self, text: str) -> None:
        self.prompt.load_text(text)
        self.prompt.move_cursor(self.prompt.document.end)

    # ---- finding -----------------------------------------------------------------------------

    @on(Reader.FindWanted)
    def find(self) -> None:
        """Ask for words to look for."""
        self.search.display = True
        self.search.field.focus()
        # What stood there before is found again.
        if self.search.field.value:
            self.transcript.find(self.search.field.value)

    @on(SearchBar.Typed)
    async def _find(self, event: SearchBar.Typed) -> None:
        event.stop()
        await self.transcript.lay_out_calmly()
        self.transcript.find(event.words)

    @on(Reader.Found)
    def _show_count(self, event: Reader.Found) -> None:
        event.stop()
        self.search.show_count(*self.transcript.found)
        if not self.transcript.finding and not self.search.field.has_focus:
            self.search.display = False

    @on(SearchBar.Stepped)
    def _step(self, event: SearchBar.Stepped) -> None:
        event.stop()
        self.transcript.action_next_hit(event.step)

    @on(SearchBar.Accepted)
    def _accept(self, event: SearchBar.Accepted) -> None:
        event.stop()
        # The bar stays as long as its words are marked, and says which of the places it is.
        self.transcript.focus()
        self.search.display = self.transcript.finding

    # ---- a way out ---------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether Esc has something to end here before it goes back to the prompt."""
        if self.search.field.has_focus or self._edited is not None:
            return True
        return self.transcript.has_focus and self.transcript.busy

    def leave(self) -> None:
        """End what is going on: looking for words, selecting, writing a prompt anew."""
        if self.search.field.has_focus:
            self.search.field.clear()
            self.search.display = False
            self.transcript.find("")
            self.transcript.focus()
        elif self.transcript.has_focus and self.transcript.busy:
            self.transcript.leave()
        else:
            self.stop_editing()


def _remark(entry: Entry, conversation: Conversation) -> str:
    """What stands behind the title of a message."""
    if entry.kind == "thoughts" or entry.message is None:
        return _length(entry.text)
    message = conversation.message(entry.message)
    return remark(message, conversation.versions(message))


def _thinks(model: str) -> str:
    return f"{model} thinks"


def _length(text: str) -> str:
    words = len(text.split())
    return f"{words} word{'' if words == 1 else 's'}"
