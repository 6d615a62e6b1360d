"""Jump mode: a letter on everything that can be gone to; the letter goes there."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, ClassVar, Final, NamedTuple

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Offset
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Label, OptionList

from workbench.panes.chat.reader import Reader
from workbench.panes.parameters.rows import ParameterList
from workbench.screens.dialog import Dialog

JUMP: Final = Binding(
    "f5",
    "jump",
    "Jump",
    show=False,
    id="screen.jump",
    tooltip="Show a letter on every place; the letter goes there",
    priority=True,
)
"""The key that opens it, on every screen with places to go to."""

# The fingers' home row first.
_LETTERS: Final = "asdfghjklqwertyuiopzxcvbnm" + string.ascii_uppercase + string.digits


class Target(NamedTuple):
    """A place on the screen, and how to go there."""

    at: Offset
    go: Callable[[], object]


def targets(widgets: Iterable[Widget]) -> list[Target]:
    """What can be gone to among ``widgets``: themselves, then their rows that are in sight."""
    whole: list[Target] = []
    parts: list[Target] = []
    for widget in widgets:
        if not (widget.can_focus and widget.is_on_screen and widget.region):
            continue
        if isinstance(widget, OptionList):
            parts += _options(widget)
        elif isinstance(widget, ParameterList):
            parts += _parameters(widget)
        elif isinstance(widget, Reader):
            parts += _messages(widget)
        else:
            whole.append(Target(widget.region.offset, widget.focus))
    return whole + parts


def _options(rows: OptionList) -> Iterable[Target]:
    """Those of which the first line is in sight: some have several."""
    first = rows.scroll_offset.y
    for y, (index, line) in enumerate(rows._lines[first : first + rows.size.height]):
        if line == 0 and not rows.get_option_at_index(index).disabled:
            yield Target(_in(rows, y), partial(_go_to_option, rows, index))


def _go_to_option(rows: OptionList, index: int) -> None:
    rows.focus()
    rows.highlighted = index


def _parameters(rows: ParameterList) -> Iterable[Target]:
    first = rows.scroll_offset.y
    for y in range(min(rows.size.height, len(rows.listing.rows) - first)):
        yield Target(_in(rows, y), partial(_go_to_parameter, rows, first + y))


def _go_to_parameter(rows: ParameterList, index: int) -> None:
    rows.focus()
    rows.move(index)


def _messages(reader: Reader) -> Iterable[Target]:
    for y, entry in reader.in_sight():
        yield Target(_in(reader, y), partial(reader.go_to, entry))
    if not reader.entries:
        yield Target(_in(reader, 0), reader.focus)


def _in(widget: Widget, row: int) -> Offset:
    left, top, _, _ = widget.content_region
    return Offset(left, top + row)


def jump(screen: Screen[Any]) -> None:
    """Show a letter on everything of ``screen`` that can be gone to."""

    def chosen(target: Target | None) -> None:
        if target is not None:
            target.go()

    screen.app.push_screen(JumpScreen(targets(screen.query("*"))), chosen)


class JumpScreen(Dialog[Target | None]):
    """Gives back the target whose letter was pressed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Back", id="jump.close", tooltip="Stay where you were"),
    ]

    def __init__(self, found: Sequence[Target]) -> None:
        super().__init__()
        self._found = dict(zip(_LETTERS, found, strict=False))

    @property
    def letters(self) -> list[str]:
        """The letters shown, one for each target."""
        return list(self._found)

    def compose(self) -> ComposeResult:
        for letter, target in self._found.items():
            label = Label(letter, markup=False)
            label.styles.offset = target.at
            yield label

    def on_key(self, event: events.Key) -> None:
        """A letter goes to its target; any other key goes back."""
        event.stop()
        self.dismiss(self._found.get(event.character or ""))

    def on_click(self) -> None:
        """The mouse needs no letters."""
        self.dismiss(None)
