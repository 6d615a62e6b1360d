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
from workbench.untrusted import without_controls

_EMPTY: Final = (
    "Write below: every lane answers.\n"
    "\n"
    "F3 sets this one's parameters, F6 adds a lane like it.\n"
    "\n"
    "/sweep temperature 0.2 1.4 4 lines up four, /draws 3 three of the same."
)

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
        self._figures = ""
        self._hidden = False
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
        """How far it is, in a few words."""
        return self._status

    def see(self, seen: bool) -> None:
        """Whether there is room to show it."""
        self._seen = seen
        self.transcript.rest(not seen)

    def rename(self, letter: str) -> None:
        """Give it another letter."""
        self.letter = letter
        self.border_title = letter

    def hide(self, hidden: bool) -> None:
        """Say nothing that tells which setting it is, or say it again."""
        self._hidden = hidden
        self.transcript.anonymous = hidden
        if not hidden and self._figures:
            self._status = self._figures
        self._draw()

    def differs(self, apart: Mapping[str, Value]) -> None:
        """Say what it sets that others do not."""
        self._apart = apart
        self._draw()

    def say(self, status: str) -> None:
        """Say how far it is."""
        if status != self._status:
            self._status = status
            self._draw()

    def text_arrived(self, event: TextArrived) -> None:
        """Its answer goes on."""
        speed = event.n_tokens / event.decode_ms * 1e3 if event.decode_ms > 0 else 0.0
        self._say_figures(event.n_tokens, speed)

    def finished(self, event: Finished) -> None:
        """Its answer is complete."""
        timings = event.timings
        self._say_figures(timings.completion_tokens, timings.tps, _ENDS[event.reason])

    def _say_figures(self, n_tokens: int, speed: float, reason: str = "") -> None:
        figures = f"{n_tokens} tok, {per_second(speed)} t/s"
        self._figures = f"{figures}, {reason}" if reason else figures
        # Speed and length tell of the setting.
        hidden = "complete" if reason else "writing"
        self.say(hidden if self._hidden else self._figures)

    def _draw(self) -> None:
        width, height = self.head.content_size
        if not (width and self._seen):
            return
        words = "hidden until the vote" if self._hidden else said(self._apart)
        apart = Content(without_controls(words) or "the present parameters")
        lines = [*apart.wrap(width)][: max(1, height - 1)]
        status = Content.styled(self._status, "$foreground-muted").truncate(width, ellipsis=True)
        self.head.show([*lines, status])
