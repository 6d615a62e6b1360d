"""Help: the keys that work where the person was, and those that work everywhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from workbench.screens.dialog import Dialog

_WIDTH: Final = 92


class HelpScreen(Dialog[None]):
    """Lists bindings by place, each with its tooltip."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,q", "dismiss", "Close", id="help.close", tooltip="Close the help"),
        Binding("j,down", "scroll(1)", show=False, id="help.down", tooltip="Scroll down"),
        Binding("k,up", "scroll(-1)", show=False, id="help.up", tooltip="Scroll up"),
    ]

    def __init__(self, places: Iterable[tuple[str, Iterable[Binding]]]) -> None:
        """``places`` are headings with the keys that work there; a key may come twice."""
        super().__init__()
        self._places = [(heading, _by_words(bindings)) for heading, bindings in places]
        self.text = ""

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="pane", can_focus=False) as pane:
            pane.border_title = "Keys"
            pane.border_subtitle = "Esc closes"
            table = self._table()
            self.text = table.plain
            yield Static(table, markup=False)

    def action_scroll(self, direction: int) -> None:
        """Scroll by some lines."""
        self.query_one(VerticalScroll).scroll_relative(y=3 * direction, animate=False)

    @property
    def _room(self) -> int:
        # Border, padding and scroll bar left out.
        return min(_WIDTH, int(self.app.size.width * 0.95)) - 10

    def _table(self) -> Content:
        shown = [
            (
                heading,
                [
                    (", ".join(dict.fromkeys(map(self.app.get_key_display, bindings))), words)
                    for words, bindings in by_words.items()
                ],
            )
            for heading, by_words in self._places
            if by_words
        ]
        width = max((len(keys) for _, rows in shown for keys, _ in rows), default=0) + 2
        lines: list[Content] = []
        for heading, rows in shown:
            if lines:
                lines.append(Content())
            lines.append(Content.styled(heading, "bold"))
            for keys, words in rows:
                first, *rest = Content(words).wrap(max(20, self._room - width))
                lines.append(Content.assemble("  ", (keys.ljust(width), "bold $primary"), first))
                lines += [Content.assemble(" " * (width + 2), line) for line in rest]
        return Content("\n").join(lines)


def _by_words(bindings: Iterable[Binding]) -> dict[str, list[Binding]]:
    """Ours carry an id; the widgets' own editing keys are everybody's."""
    found: dict[str, list[Binding]] = {}
    for binding in bindings:
        if binding.id:
            found.setdefault(binding.tooltip or binding.description, []).append(binding)
    return found
