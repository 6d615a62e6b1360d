"""One lane on the screen: what it sets, how far it is, and its transcript."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from textual import getters
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from workbench.engine.protocol import Finished, TextArrived
from workbench.panes.chat.conversation import ConversationReader
from workbench.panes.figures import per_second, tokens
from workbench.panes.lines import Lines
from workbench.parameters.kinds import Value
from workbench.parameters.lanes import said
from workbench.untrusted import without_controls

_EMPTY: Final = (
    "Write below: every lane answers.\n"
    "\n"
    "/sweep temperature 0.2 1.4 4 lines up four, /draws 3 three of the same. F3 types what this "
    "one sets."
)


class LaneColumn(Vertical):
    """A lane: its letter and what it sets above, its transcript below."""

    transcript = getters.query_one(ConversationReader)
    head = getters.query_one(Lines)

    def __init__(self, letter: str) -> None:
        super().__init__(classes="pane")
        self.letter = letter
        self.border_title = letter
        self._apart: Mapping[str, Value] = {}
        self._status = ""

    def compose(self) -> ComposeResult:
        yield Lines()
        yield ConversationReader(empty=_EMPTY)

    def on_mount(self) -> None:
        self._draw()

    def on_resize(self) -> None:
        """What is said of it is wrapped anew."""
        self._draw()

    @property
    def status(self) -> str:
        """How far it is, in a few words."""
        return self._status

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
        self._say_figures(timings.completion_tokens, timings.tps)

    def _say_figures(self, n_tokens: int, speed: float) -> None:
        self.say(f"{tokens(n_tokens)}, {per_second(speed)} t/s")

    def _draw(self) -> None:
        width, height = self.head.content_size
        if not width:
            return
        apart = Content(without_controls(said(self._apart)) or "the present parameters")
        lines = [*apart.wrap(width)][: max(1, height - 1)]
        self.head.show([*lines, Content.styled(self._status, "$foreground-muted")])
