"""A conversation in a transcript: what is said in it, and what is being said."""

from __future__ import annotations

from typing import Final

from workbench.panes.chat.entry import Entry, Kind
from workbench.panes.chat.reader import Reader
from workbench.panes.chat.remarks import remark
from workbench.sessions.conversation import Conversation, Message
from workbench.untrusted import without_controls

_YOU: Final = "You"
_SOMEBODY: Final = "Answer"


class ConversationReader(Reader):
    """Shows the path of a conversation, and an answer while it comes."""

    def __init__(self, *, empty: str, id: str | None = None) -> None:  # noqa: A002
        super().__init__(empty=empty, id=id)
        self._asked: Entry | None = None
        self._answer: Entry | None = None
        # Whether it is kept quiet who answers, and how quickly.
        self.anonymous = False

    def note(self, text: str, *, error: bool = False) -> None:
        """Show a word of the app's own; it is no part of the conversation.

        What is said once need not be said again at once.
        """
        words = without_controls(text)
        last = self.entries[-1] if self.entries else None
        if last is None or last.kind not in ("note", "error") or last.text != words:
            self.add("error" if error else "note", words)

    def show_path(self, conversation: Conversation) -> None:
        """Show the conversation's path; what of it is there already stays as it is."""
        path = conversation.path()
        wanted = {message.id for message in path}
        entries = self.entries
        for index, entry in enumerate(entries):
            if entry.message is not None and entry.message not in wanted:
                self.cut(index)
                break
        there = {entry.message for entry in entries}
        new = [
            entry
            for message in path
            if message.id not in there
            for entry in self._entries_of(message)
        ]
        self._asked = self._answer = None
        for entry in (*entries, *new):
            if entry.message is not None:
                entry.remark = self._remark(entry, conversation)
        self.show(new)

    def show_anew(self, conversation: Conversation) -> None:
        """Show the conversation's path, and nothing else."""
        self.clear()
        self.show_path(conversation)

    def name_writers(self, anonymous: bool, conversation: Conversation) -> None:
        """Keep quiet who answered, and how quickly, or say it."""
        self.anonymous = anonymous
        for entry in self.entries:
            if entry.message is None or entry.kind == "user":
                continue
            name = self._writer(conversation.message(entry.message))
            entry.retitle(_thinks(name) if entry.kind == "thoughts" else name)
            entry.remark = self._remark(entry, conversation)
        self.redraw()

    def _entries_of(self, message: Message) -> list[Entry]:
        """A complete message as it is shown: thoughts apart from the text."""
        if message.role != "assistant":
            return [Entry("user", _YOU, without_controls(message.text), message=message.id)]
        name = self._writer(message)
        entries = [Entry("assistant", name, message.text, message=message.id)]
        if message.thoughts:
            thoughts = Entry("thoughts", _thinks(name), message.thoughts, message=message.id)
            thoughts.folded = self.folds_thoughts
            entries.insert(0, thoughts)
        return entries

    def ask(self, message: Message) -> None:
        """Show what the person sent."""
        text = without_controls(message.text)
        # From here on the cursor is on what is said last.
        self.mark(None)
        self._asked = self.add("user", text, title=_YOU, message=message.id)
        self.follow()

    def stream(self, thoughts: str, text: str, *, message: Message) -> None:
        """Show the next piece of the answer, and what was thought before it."""
        if thoughts:
            self._continue("thoughts", thoughts, message)
        if text or not thoughts:
            self._continue("assistant", text, message)

    def _continue(self, kind: Kind, text: str, message: Message) -> None:
        if kind == "thoughts" and self._answer and not self._answer.text:
            # Its first token was the mark that opens them.
            self.cut(self.entries.index(self._answer))
            self._answer = None
        if self._answer is None or (text and self._answer.kind != kind):
            self._close_thoughts()
            name = self._writer(message)
            title = _thinks(name) if kind == "thoughts" else name
            self._answer = self.add(kind, text, title=title, message=message.id)
        elif text:
            self.extend(self._answer, text)

    def close_answer(self, message: Message | None, conversation: Conversation) -> None:
        """No more of the answer will come."""
        if self._answer is not None and message is not None:
            self._close_thoughts()
            if self._answer.kind == "thoughts":
                # It has ended within them: why stands where its text would.
                name = self._writer(message)
                self._answer = self.add("assistant", "", title=name, message=message.id)
            self.close(self._answer)
            self.remark(self._answer, self._remark(self._answer, conversation))
        self._answer = None

    def _close_thoughts(self) -> None:
        """Thoughts that have led to an answer are folded away."""
        entry = self._answer
        if entry is not None and entry.kind == "thoughts":
            self.close(entry)
            self.remark(entry, _length(entry.text))
            self.fold(self.folds_thoughts, entry)

    def mark_unanswered(self) -> bool:
        """Say of the last prompt, if it is still shown, that it got no answer."""
        if self._asked is not None:
            self.remark(self._asked, "not answered")
        return self._asked is not None

    def clear(self) -> None:
        """Begin anew."""
        self._asked = self._answer = None
        self.cut(0)

    def show_hit_in(self, message: int) -> None:
        """Go to the first place found in a message, or to the message."""
        for number, hit in enumerate(self._hits):
            if hit.entry.message == message:
                self._show_hit(number)
                return
        for entry in self.entries:
            if entry.message == message:
                self.go_to(entry)

    def _writer(self, message: Message) -> str:
        return _SOMEBODY if self.anonymous else message.model

    def _remark(self, entry: Entry, conversation: Conversation) -> str:
        """What stands behind the title of a message."""
        if entry.kind == "thoughts" or entry.message is None:
            return _length(entry.text)
        message = conversation.message(entry.message)
        if self.anonymous and message.role == "assistant":
            return ""
        return remark(message, conversation.versions(message))


def _thinks(model: str) -> str:
    return f"{model} thinks"


def _length(text: str) -> str:
    words = len(text.split())
    return f"{words} word{'' if words == 1 else 's'}"
