"""The transcript: one widget, whatever the conversation's length."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import ClassVar, Final

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from workbench.panes.chat.entry import Entry, Kind
from workbench.panes.lines import changes, drawn, segments

_INDENT: Final = "  "
# Beyond this many columns a line is hard to read back to its beginning.
_MEASURE: Final = 100
# Rows kept free below a growing answer.
_AHEAD: Final = 10


class Transcript(ScrollView, can_focus=True):
    """What has been said, drawn line by line; follows the end until the reader scrolls up."""

    ALLOW_SELECT = False

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "j,down",
            "scroll_down",
            "Down",
            show=False,
            id="transcript.down",
            tooltip="Scroll down a line",
        ),
        Binding(
            "k,up", "scroll_up", "Up", show=False, id="transcript.up", tooltip="Scroll up a line"
        ),
        Binding(
            "g,home",
            "scroll_home",
            "Start",
            show=False,
            id="transcript.start",
            tooltip="Go to the start",
        ),
        Binding(
            "G,end",
            "scroll_end",
            "End",
            show=False,
            id="transcript.end",
            tooltip="Go to the end and follow it",
        ),
    ]

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "transcript--user",
        "transcript--assistant",
        "transcript--thoughts",
        "transcript--note",
        "transcript--error",
        "transcript--remark",
        "transcript--empty",
    }

    def __init__(self, *, empty: str, id: str | None = None) -> None:  # noqa: A002
        """``empty`` is shown until something is said."""
        super().__init__(id=id)
        self._empty = empty
        self._entries: list[Entry] = []
        self._following = True
        # The first row of each entry, and the row after the last.
        self._tops: list[int] = [0]

    def add(self, kind: Kind, text: str, *, title: str = "") -> Entry:
        """Append an entry."""
        entry = Entry(kind, title, text)
        entry.fit(self._text_width)
        self._entries.append(entry)
        self._tops.append(self._tops[-1] + entry.height)
        self._grown()
        return entry

    def extend(self, entry: Entry, text: str) -> None:
        """Add text to an entry, as a rule the last one."""
        before = entry.lines
        entry.append(text)
        self._redraw(entry, before)

    def close(self, entry: Entry) -> None:
        """No more text will come for an entry."""
        before = entry.lines
        entry.close()
        self._redraw(entry, before)

    def _redraw(self, entry: Entry, before: Sequence[Content]) -> None:
        """Draw what has changed of an entry that had the lines ``before``.

        While the end is followed there is room below it for some lines to come: only when it
        is used up does the screen move, and with it every cell of the pane.
        """
        first = self._entries.index(entry)
        grown = len(entry.lines) != len(before)
        for index in range(first, len(self._entries)) if grown else ():
            self._tops[index + 1] = self._tops[index] + self._entries[index].height
        end = self._tops[-1]
        if end > self.virtual_size.height or end < self._tops[first] + len(before):
            ahead = min(_AHEAD, self.scrollable_content_region.height // 3)
            self._grown(ahead if end > self.scrollable_content_region.height else 0)
        elif grown and first < len(self._entries) - 1:
            self.refresh()
        else:
            top = self._tops[first] + (1 if entry.title else 0) - self.scroll_offset.y
            self.refresh(*changes(before, entry.lines, self.gutter.left + len(_INDENT), top))

    def remark(self, entry: Entry, remark: str) -> None:
        """Put a remark behind an entry's title."""
        entry.remark = remark
        self.refresh()

    def remove_last(self) -> None:
        """Take the last entry away."""
        self._entries.pop()
        self._tops.pop()
        self._grown()

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._tops = [0]
        self._grown()

    @property
    def text(self) -> str:
        """All that is shown, line by line."""
        return "\n".join(
            line
            for entry in self._entries
            for line in (
                *([f"{entry.title}  {entry.remark}".rstrip()] if entry.title else []),
                *(line.plain for line in entry.lines),
            )
        )

    @property
    def _text_width(self) -> int:
        # One column is left free at the right, beside the scroll bar.
        return max(10, min(self.scrollable_content_region.width - len(_INDENT) - 1, _MEASURE))

    def follow(self) -> None:
        """Go to the end and stay there while text comes."""
        self._following = True
        self._grown()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Going up ends the following; coming back to the end begins it again."""
        super().watch_scroll_y(old_value, new_value)
        if new_value >= self.max_scroll_y:
            self._following = True
        elif new_value < old_value:
            self._following = False

    def _grown(self, ahead: int = 0) -> None:
        """Take up all rows, and ``ahead`` more for what is to come."""
        view = self.scrollable_content_region
        size = Size(view.width, self._tops[-1] + ahead)
        if (self.virtual_size.height > view.height) != (size.height > view.height):
            self.virtual_size = size
        else:
            # The scroll bar stays or stays away: no other widget need be laid out for that.
            self.set_reactive(Transcript.virtual_size, size)
            self._scroll_update(size)
        self.refresh()
        if self._following:
            # By force: before the next layout there may be no scroll bar to allow it.
            self.scroll_end(animate=False, immediate=True, force=True)

    def on_resize(self, _event: events.Resize) -> None:
        """Wrap everything anew, keeping the place in the text."""
        following = self._following
        top = min(bisect_right(self._tops, self.scroll_offset.y) - 1, len(self._entries) - 1)
        within = self.scroll_offset.y - self._tops[top] if self._entries else 0
        self._tops = [0]
        for entry in self._entries:
            entry.fit(self._text_width)
            self._tops.append(self._tops[-1] + entry.height)
        self._grown()
        if not following and self._entries:
            self.scroll_to(y=self._tops[top] + within, animate=False, immediate=True)

    def render_line(self, y: int) -> Strip:
        """One row of the screen."""
        width = self.size.width
        base = self.rich_style
        if not self._entries:
            return self._empty_line(y, width)
        row = self.scroll_offset.y + y
        if row >= self._tops[-1]:
            return Strip.blank(width, base)
        index = bisect_right(self._tops, row) - 1
        return self._entry_line(self._entries[index], row - self._tops[index])

    def _entry_line(self, entry: Entry, row: int) -> Strip:
        base = self.rich_style
        pieces: list[Segment] = []
        if entry.title and row == 0:
            title = self.get_component_rich_style(f"transcript--{entry.kind}")
            pieces = [Segment(entry.title, title)]
            if entry.remark:
                remark = self.get_component_rich_style("transcript--remark")
                pieces.append(Segment(f"  {entry.remark}", remark))
        else:
            line = row - 1 if entry.title else row
            if line < len(entry.lines):
                style = self.visual_style
                if entry.kind in ("thoughts", "note", "error"):
                    style = self.get_visual_style(f"transcript--{entry.kind}")
                pieces = [Segment(_INDENT, base), *segments(self, entry.lines[line], style)]
        return drawn(self, pieces)

    def _empty_line(self, y: int, width: int) -> Strip:
        style = self.get_component_rich_style("transcript--empty")
        lines = [
            part.plain
            for line in self._empty.split("\n")
            for part in (Content(line).wrap(self._text_width) if line else [Content()])
        ]
        text = lines[y - 1] if 0 < y <= len(lines) else ""
        return Strip([Segment(_INDENT + text, style)]).adjust_cell_length(width, self.rich_style)
