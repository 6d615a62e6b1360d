"""A list of thousands of conversations, of which only what is seen is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from time import time
from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from workbench.panes.lines import WholeRows, component_style, drawn, segments
from workbench.panes.sessions import row
from workbench.sessions.listing import Summary
from workbench.sessions.search import Hit

Item = Summary | Hit


def _place(item: Item) -> tuple[int, int | None]:
    """What makes it the same item where titles, pins and snippets have changed."""
    return (item.conversation, item.row) if isinstance(item, Hit) else (item.id, None)


def _quiet(keys: str, action: str, words: str, id: str, tooltip: str) -> Binding:  # noqa: A002
    return Binding(keys, action, words, show=False, id=f"sessions.{id}", tooltip=tooltip)


KEYS: Final[list[BindingType]] = [
    _quiet("down", "move(1)", "Down", "down", "Next conversation"),
    _quiet("up", "move(-1)", "Up", "up", "Conversation before"),
    _quiet("pagedown", "page(1)", "Page down", "page_down", "Further down by a page"),
    _quiet("pageup", "page(-1)", "Page up", "page_up", "Further up by a page"),
    _quiet("home", "edge(0)", "First", "first", "The first one"),
    _quiet("end", "edge(1)", "Last", "last", "The last one"),
    Binding("enter", "choose", "Open", id="sessions.open", tooltip="Go on with the conversation"),
]


class ConversationList(ScrollView, WholeRows, can_focus=True):
    """Conversations a line each, or places where words were found, two lines each."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = KEYS
    COMPONENT_CLASSES: ClassVar[set[str]] = {"sessions--cursor", "sessions--empty"}

    class Chosen(Message):
        """The person wants ``item``."""

        def __init__(self, item: Item) -> None:
            super().__init__()
            self.item = item

    def __init__(self) -> None:
        super().__init__()
        self._items: Sequence[Item] = ()
        self._cursor = 0
        self._high = 1
        self._empty = ""
        self._now = time()
        self.present: int | None = None

    @property
    def items(self) -> Sequence[Item]:
        """What is listed."""
        return self._items

    @property
    def item(self) -> Item | None:
        """What the cursor is on."""
        return self._items[self._cursor] if self._items else None

    def show(self, items: Sequence[Item], *, empty: str, stay: bool) -> None:
        """List ``items``, which are of one kind; ``empty`` is said where there are none.

        With ``stay`` the cursor goes with what it is on, or stays where that was.
        """
        cursor = self._again(items) if stay else 0
        self._items, self._empty = items, empty
        self._high = 2 if items and isinstance(items[0], Hit) else 1
        self._cursor = max(0, min(cursor, len(items) - 1))
        self._now = time()
        self._measure()
        self.refresh()
        self._show_cursor()

    def _again(self, items: Sequence[Item]) -> int:
        places = [_place(each) for each in items]
        at = _place(self.item) if self.item is not None else None
        return places.index(at) if at in places else self._cursor

    def move(self, index: int) -> None:
        """Put the cursor there, or on the nearest there is."""
        index = max(0, min(index, len(self._items) - 1))
        if index != self._cursor:
            before, self._cursor = self._cursor, index
            for number in (before, index):
                self.refresh_lines(number * self._high, self._high)
        self._show_cursor()

    def _show_cursor(self) -> None:
        region = Region(0, self._cursor * self._high, 1, self._high)
        self.scroll_to_region(region, animate=False, force=True, immediate=True)

    def _measure(self) -> None:
        width = self.scrollable_content_region.width
        self.virtual_size = Size(width, len(self._items) * self._high)

    def on_resize(self) -> None:
        self._measure()
        self.refresh()
        self._show_cursor()

    # ---- keys and mouse ----------------------------------------------------------------------

    def action_move(self, step: int) -> None:
        """Move the cursor."""
        self.move(self._cursor + step)

    def action_page(self, direction: int) -> None:
        """Move the cursor by what is in sight."""
        rows = max(1, self.scrollable_content_region.height // self._high - 1)
        self.move(self._cursor + direction * rows)

    def action_edge(self, end: int) -> None:
        """Move the cursor to the first or the last."""
        self.move(end * len(self._items))

    def action_choose(self) -> None:
        """Ask for what is under the cursor."""
        if self.item is not None:
            self.post_message(self.Chosen(self.item))

    def on_click(self, event: events.Click) -> None:
        """Ask for what was clicked."""
        offset = event.get_content_offset(self)
        index = (offset.y + self.scroll_offset.y) // self._high if offset is not None else -1
        if 0 <= index < len(self._items):
            self.move(index)
            self.action_choose()

    # ---- drawing -----------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """A row of the screen."""
        line = y + self.scroll_offset.y
        style = self.visual_style
        if not self._items and line == 1:
            empty = Content(f"  {self._empty}")
            return drawn(self, segments(self, empty, component_style(self, "sessions--empty")))
        if line >= len(self._items) * self._high:
            return drawn(self, ())
        index, part = divmod(line, self._high)
        if index == self._cursor:
            style = component_style(self, "sessions--cursor")
        content = self._lines(self._items[index])[part]
        width = self.scrollable_content_region.width
        return drawn(self, segments(self, content.pad_right(width - content.cell_length), style))

    def _lines(self, item: Item) -> list[Content]:
        width = self.scrollable_content_region.width
        if isinstance(item, Hit):
            return row.place(item, width, self._now)
        is_present = item.id == self.present
        return [row.conversation(item, width, self._now, present=is_present)]
