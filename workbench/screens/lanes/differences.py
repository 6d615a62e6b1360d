"""Two lanes' answers side by side, with the words that differ and the token where they part."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from textual import getters, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from workbench.panes.key_line import KeyLine
from workbench.panes.lanes.difference import Parting, Span, difference, parting
from workbench.screens.dialog import Dialog
from workbench.screens.lanes.lane import Lane

# Put before the first token that is not the same.
_MARK = "▶"


class DifferencesScreen(Dialog[None]):
    """Compares the answers of two lanes; keys change the second one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,f4", "dismiss", "Close", id="differences.close", tooltip="Close it"),
        Binding(
            "f7,right,l,n",
            "another(1)",
            "Another lane",
            id="differences.next",
            tooltip="Compare with the next lane",
        ),
        Binding(
            "left,h,N",
            "another(-1)",
            show=False,
            id="differences.before",
            tooltip="Compare with the lane before",
        ),
        Binding("j,down", "scroll(1)", show=False, id="differences.down", tooltip="Scroll down"),
        Binding("k,up", "scroll(-1)", show=False, id="differences.up", tooltip="Scroll up"),
    ]

    body = getters.query_one(VerticalScroll)
    words = getters.query_one("#differences-words", Static)

    def __init__(self, lane: Lane, lanes: Sequence[Lane], *, by_tokens: bool = True) -> None:
        """``lanes`` are those with an answer, ``lane`` the one that is compared with others.

        Without ``by_tokens`` they are compared by their words alone.
        """
        super().__init__()
        self._by_tokens = by_tokens
        self._lane = lane
        self._others = [each for each in lanes if each is not lane]
        # The next one to its right first.
        later = [n for n, each in enumerate(self._others) if lanes.index(each) > lanes.index(lane)]
        self._other = later[0] if later else 0

    def compose(self) -> ComposeResult:
        with Vertical(classes="pane") as pane:
            pane.border_title = "Differences"
            yield Static(id="differences-words", markup=False)
            with VerticalScroll(can_focus=False), Horizontal():
                yield Static(id="difference-left", markup=False)
                yield Static(id="difference-right", markup=False)
            yield KeyLine()

    def on_mount(self) -> None:
        self._compare()

    def action_another(self, step: int) -> None:
        """Compare with another lane."""
        self._other = (self._other + step) % len(self._others)
        self._compare()

    def action_scroll(self, direction: int) -> None:
        """Scroll by some lines."""
        self.body.scroll_relative(y=3 * direction, animate=False)

    @work(group="differences", description="compare two answers", exclusive=True)
    async def _compare(self) -> None:
        left, right = self._lane, self._others[self._other]
        # As they are now: answers may go on.
        texts, tokens = (left.answer, right.answer), (list(left.tokens), list(right.tokens))
        # Of long answers it takes a while.
        found = await asyncio.to_thread(difference, *texts)
        parts = None
        if self._by_tokens and left.model == right.model and all(tokens):
            # Tokens of another vocabulary are others whatever they spell.
            parts = parting(*tokens, texts)
        self.words.update(_said(left.letter, right.letter, found.same, parts, texts))
        for id_, lane, text, spans in (
            ("left", left, texts[0], found.left),
            ("right", right, texts[1], found.right),
        ):
            shown = Content.assemble(
                (f"{lane.letter}\n", "bold $primary"), _marked(text, spans, parts)
            )
            self.query_one(f"#difference-{id_}", Static).update(shown)


def _said(
    left: str, right: str, same: float, parts: Parting | None, texts: tuple[str, str]
) -> Content:
    if texts[0] == texts[1]:
        return Content(f"{left} and {right} wrote the same.")
    share = f"{same * 100:.0f} % of the words are the same."
    if parts is None:
        return Content(share)
    went = [
        f"{letter} with {_shown(token)}"
        for letter, token in ((left, parts.left), (right, parts.right))
    ]
    return Content(f"They part at token {parts.token} ({_MARK}): {', '.join(went)}. {share}")


def _shown(token: str) -> str:
    """A token's text, so that white space is seen."""
    return repr(token) if token else "its end"


def _marked(text: str, spans: Sequence[Span], parts: Parting | None) -> Content:
    content = Content(text)
    for start, end in spans:
        content = content.stylize("$text-warning on $warning-muted", start, end)
        # Seen without colours, too.
        content = content.stylize("underline", start, end)
    if parts is None or parts.at > len(text):
        return content
    mark = Content.styled(_MARK, "bold $accent")
    return Content.assemble(content[: parts.at], mark, content[parts.at :])
