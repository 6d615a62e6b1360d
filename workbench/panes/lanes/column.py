"""One lane on the screen: what it sets, how far it is, and its transcript."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from textual import getters
from textual.app import ComposeResult
from textual.content import Content

from workbench.engine.protocol import Finished, FinishReason, TextArrived
from workbench.panes.chat.conversation import ConversationReader
from workbench.panes.chat.reading import ReadingPane
from workbench.panes.chat.search import SearchBar
from workbench.panes.figures import per_second
from workbench.panes.lines import Lines
from workbench.parameters.kinds import Value
from workbench.parameters.lanes import said
from workbench.sessions.conversation import Conversation
from workbench.untrusted import without_controls

_EMPTY: Final = (
    "Write below: every lane answers.\n"
    "\n"
    "F3 sets this one's parameters, F6 adds a lane like it.\n"
    "\n"
    "/sweep temperature 0.2 1.4 4 lines up four, /draws 3 three of the same."
)

_MOST_ROWS: Final = 3

# As short as can be: lanes are narrow.
_ENDS: Final[Mapping[FinishReason, str]] = {
    "stop": "ended",
    "length": "max_tokens",
    "context": "context full",
    "cancelled": "stopped",
}


class LaneColumn(ReadingPane):
    """A lane: its letter and what it sets above, its transcript below."""

    head = getters.query_one(Lines)

    def __init__(self, letter: str) -> None:
        super().__init__(classes="pane")
        self.letter = letter
        self.border_title = letter
        self._apart: Mapping[str, Value] = {}
        self._status = ""
        self._over = False
        self._hidden = False
        # What would tell which setting it is, until that is said.
        self._notes: list[tuple[str, bool]] = []
        self._seen = True

    def compose(self) -> ComposeResult:
        yield Lines()
        yield ConversationReader(empty=_EMPTY)
        yield SearchBar()

    def on_mount(self) -> None:
        self._draw()

    def on_resize(self) -> None:
        """What is said of it is wrapped anew."""
        self._draw()

    @property
    def status(self) -> str:
        """How far it is, in a few words; speed and length would tell of the setting."""
        if self._hidden and self._status:
            return "complete" if self._over else "at work"
        return self._status

    @property
    def short_status(self) -> str:
        """The same in a few letters: how many tokens, or a sign."""
        status = self.status
        if status[:1].isdigit():
            return status.partition(" ")[0]
        return "✓" if self._over else "…" if status else ""

    @property
    def head_rows(self) -> int:
        """How many rows what it sets takes, within bounds."""
        width = self.head.content_size.width
        return min(_MOST_ROWS, max(1, len(self._words.wrap(width)))) if width else 1

    @property
    def _words(self) -> Content:
        words = "hidden until the vote" if self._hidden else said(self._apart)
        return Content(without_controls(words) or "as in the chat")

    def see(self, seen: bool) -> None:
        """Whether there is room to show it."""
        self._seen = seen
        self.transcript.rest(not seen)

    def rename(self, letter: str) -> None:
        """Give it another letter."""
        self.letter = letter
        self.border_title = letter

    def hide(self, hidden: bool, conversation: Conversation) -> None:
        """Say nothing that tells which setting it is, or say it again."""
        self._hidden = hidden
        self.transcript.name_writers(hidden, conversation)
        if not hidden:
            for text, error in self._notes:
                self.transcript.note(text, error=error)
            self._notes.clear()
        self._draw()

    def note(self, text: str, *, error: bool = False) -> None:
        """Show a word of the app's own."""
        if self._hidden:
            self._notes.append((text, error))
        else:
            self.transcript.note(text, error=error)

    def differs(self, apart: Mapping[str, Value]) -> None:
        """Say what it sets that others do not, or that the chat does not."""
        self._apart = apart
        self._draw()

    def say(self, status: str, *, over: bool = False) -> None:
        """Say how far it is, and whether that is all."""
        if (status, over) != (self._status, self._over):
            self._status, self._over = status, over
            self._draw()

    def text_arrived(self, event: TextArrived) -> None:
        """Its answer goes on."""
        # Of the first one there is no telling how long it took to write.
        n_written = max(0, event.n_tokens - 1)
        speed = n_written / event.decode_ms * 1e3 if event.decode_ms > 0 else 0.0
        self.say(_figures(event.n_tokens, speed))

    def finished(self, event: Finished) -> None:
        """Its answer is complete."""
        timings = event.timings
        figures = _figures(timings.completion_tokens, timings.tps)
        self.say(f"{figures}, {_ENDS[event.reason]}", over=True)

    def _draw(self) -> None:
        width, height = self.head.content_size
        if not (width and self._seen):
            return
        lines = [*self._words.wrap(width)][: max(1, height - 1)]
        if len(lines) < len(self._words.wrap(width)):
            lines[-1] = (lines[-1] + " …").truncate(width, ellipsis=True)
        status = Content.styled(self.status, "$foreground-muted").truncate(width, ellipsis=True)
        self.head.show([*lines, status])


def _figures(n_tokens: int, speed: float) -> str:
    return f"{n_tokens} tok" + (f", {per_second(speed)} t/s" if speed else "")
