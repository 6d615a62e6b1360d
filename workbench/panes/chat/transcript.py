"""The transcript: one widget, whatever the conversation's length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Final

from rich.segment import Segment
from textual import events
from textual.content import Content
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from workbench.panes.chat.entry import Entry, Kind
from workbench.panes.chat.rows import Rows
from workbench.panes.lines import WholeRows, component_style, drawn, segments

_INDENT: Final = "  "
_CURSOR: Final = "▌"
# Beyond this many columns a line is hard to read back to its beginning.
_MEASURE: Final = 100
_KEPT_ROWS: Final = 1000
# Rows kept free below a growing answer.
_AHEAD: Final = 10


class Transcript(ScrollView, WholeRows, can_focus=True):
    """What has been said, drawn line by line; follows the end until the reader scrolls up.

    One entry may be marked; reading by keys is ``Reader``'s.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "transcript--user",
        "transcript--assistant",
        "transcript--thoughts",
        "transcript--note",
        "transcript--error",
        "transcript--remark",
        "transcript--empty",
        "transcript--waiting",
        "transcript--cursor",
        "transcript--hit",
        "transcript--present-hit",
    }

    def __init__(self, *, empty: str, id: str | None = None) -> None:  # noqa: A002
        """``empty`` is shown until something is said."""
        super().__init__(id=id)
        self._empty = empty
        self._rows = Rows()
        self._following = True
        # Whether nobody sees it: text that comes is not laid out then.
        self._rests = False
        # Up to which row the reader has been shown the text.
        self._seen = 0
        self._marked: Entry | None = None
        # Rows that were drawn, by their number: most of a scroll shows what was there before.
        self._drawn: dict[int, Strip] = {}
        # The row that was on top after the last resize, and the place in the text it stands
        # for: one resize after another must not creep away from it.
        self._held: tuple[int, tuple[int, int]] | None = None

    # ---- what is said ------------------------------------------------------------------------

    @property
    def entries(self) -> Sequence[Entry]:
        """All that has been said."""
        return self._rows.entries

    def add(self, kind: Kind, text: str, *, title: str = "", message: int | None = None) -> Entry:
        """Append an entry."""
        entry = Entry(kind, title, text, message=message)
        if self._marked is None and self._rows.entries:
            # The cursor goes on to what was said last.
            self._forget(self._rows.top(len(self._rows.entries) - 1))
        self._rows.add(entry)
        self._take_up()
        return entry

    def extend(self, entry: Entry, text: str) -> None:
        """Add text to an entry, as a rule the last one."""
        if self._rests:
            entry.append_unseen(text)
            return
        before = entry.height
        self._changed(entry, entry.append(text), before)

    def close(self, entry: Entry) -> None:
        """No more text will come for an entry."""
        if self._rests:
            entry.close()
            return
        before = entry.height
        entry.close()
        self._changed(entry, 0, before)
        if self._following:
            # No room below is needed any more.
            self._take_up()

    def remark(self, entry: Entry, remark: str) -> None:
        """Put a remark behind an entry's title."""
        entry.remark = remark
        self.redraw(self._rows.top(self._rows.index(entry)))

    def fold(self, folded: bool, *entries: Entry) -> None:
        """Leave of entries only their titles, or show all of them."""
        self._end_selection()
        for entry in entries:
            entry.folded = folded
            entry.lay_out()
        self._recount()
        self._forget()
        self._take_up()

    def cut(self, index: int) -> None:
        """Take away the entries from ``index`` on."""
        if self._marked in self._rows.entries[index:]:
            self._marked = None
        self._rows.cut(index)
        self._forget(self._rows.height)
        self._seen = min(self._seen, self._rows.height)
        self._take_up()

    def show(self, entries: Sequence[Entry]) -> None:
        """Append entries that are complete, and go to the end."""
        for entry in entries:
            entry.close()
            self._rows.add(entry)
        self._forget()
        self.follow()

    @property
    def marked(self) -> Entry | None:
        """The entry under the cursor: what was said last, until another is chosen."""
        return self._marked or (self._rows.entries[-1] if self._rows.entries else None)

    @property
    def text(self) -> str:
        """All that is shown, line by line."""
        return "\n".join(
            line
            for entry in self._rows.entries
            for line in (
                *([f"{entry.title}  {entry.remark}".rstrip()] if entry.title else []),
                *(() if entry.folded else (line.plain for line in entry.lines)),
            )
        )

    # ---- what is in sight --------------------------------------------------------------------

    @property
    def _text_width(self) -> int:
        # One column is left free at the right, beside the scroll bar.
        width = self.scrollable_content_region.width - len(_INDENT) - 2
        return max(10, min(width, _MEASURE))

    @property
    def waiting(self) -> int:
        """How many new lines wait below what has been seen."""
        return 0 if self._following else max(0, self._rows.height - self._seen)

    def follow(self) -> None:
        """Go to the end and stay there while text comes."""
        self._following = True
        self._take_up()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Going up ends the following; coming back to the end begins it again."""
        super().watch_scroll_y(old_value, new_value)
        if new_value >= self.max_scroll_y:
            self._following = True
        elif new_value < old_value:
            self._following = False
        self._settle()
        view = self.scrollable_content_region.height
        self._seen = max(self._seen, min(self.scroll_offset.y + view, self._rows.height))

    def scroll_as(self, other: Transcript) -> None:
        """Show what another transcript shows: the same message of the same turn, the same row."""
        if other._following:
            self.follow()
            return
        index, within = other._rows.at(other.scroll_offset.y)
        turn = [entry.kind for entry in other.entries[: index + 1]].count("user")
        # How far behind the prompt of its turn.
        behind = 0
        while index - behind > 0 and other.entries[index - behind].kind != "user":
            behind += 1
        prompts = [n for n, entry in enumerate(self.entries) if entry.kind == "user"]
        if not prompts:
            return
        wanted = behind + (prompts[min(turn, len(prompts)) - 1] if turn else 0)
        wanted = min(wanted, len(self.entries) - 1)
        self._following = False
        height = self.entries[wanted].height
        self._scroll_to_row(self._rows.top(wanted) + min(within, height - 1))

    def lay_out_all(self) -> None:
        """Know the height of every entry, so that no row moves any more."""
        for _ in self._laying_out():
            pass

    def _laying_out(self) -> Iterator[None]:
        """The same, one entry after the other."""
        moved = False
        for entry in list(self._rows.entries):
            moved |= entry.lay_out()
            yield
        if moved:
            self.rows_moved()

    def rows_moved(self) -> None:
        """Heights have changed anywhere: count anew, keeping the place in the text."""
        place, following = self._rows.place(self.scroll_offset.y), self._following
        self._recount()
        self._forget()
        self._take_up()
        if not following:
            self._scroll_to_row(self._rows.row_of(place))

    def on_resize(self, _event: events.Resize) -> None:
        """Wrap everything anew, keeping the place in the text."""
        self._end_selection()
        following = self._following
        if self._held is None or self._held[0] != self.scroll_offset.y:
            self._held = (self.scroll_offset.y, self._rows.place(self.scroll_offset.y))
        place = self._held[1]
        before = self._rows.height
        self._rows.fit(self._text_width)
        self._see_as_before(before)
        self._forget()
        self._take_up()
        if not following:
            row = self._rows.row_of(place)
            self._scroll_to_row(row)
            self._held = (self.scroll_offset.y, place)
            # Fewer rows may have meant the end for a moment.
            self._following = False

    def _settle(self) -> None:
        """Know the true height of what is in sight, and leave it where it is."""
        height = self._rows.height
        row = self.scroll_offset.y
        settled = self._rows.settle_from(row, self.scrollable_content_region.height)
        if self._rows.height != height:
            self._see_as_before(height)
            self._forget()
            self._take_up()
            if not self._following:
                self._scroll_to_row(settled)

    def _recount(self, first: int = 0) -> None:
        """Heights have changed from that of entry ``first`` on, but nothing has come."""
        height = self._rows.height
        self._rows.recount(first)
        self._see_as_before(height)

    def _see_as_before(self, height: int) -> None:
        """All rows were ``height`` high, and nothing has come: what had been seen still has."""
        self._seen = max(0, self._seen + self._rows.height - height)

    def _scroll_to_row(self, row: int) -> None:
        if row != self.scroll_offset.y:
            # By force: before the next layout there may be no scroll bar to allow it.
            self.scroll_to(y=row, animate=False, immediate=True, force=True)

    def _changed(self, entry: Entry, first: int, before: int) -> None:
        """Draw an entry that was ``before`` rows high from its line ``first`` on.

        While the end is followed there is room below it for some lines to come: only when it
        is used up does the screen move.
        """
        index = self._rows.index(entry)
        entry.lay_out()
        grown = entry.height - before
        self._forget(self._rows.top(index) + first)
        if grown:
            self._rows.recount(index)
        view = self.scrollable_content_region
        end = self._rows.height
        if end > self.virtual_size.height or grown < 0:
            self._take_up(min(_AHEAD, view.height // 3) if end > view.height else 0)
        elif grown and index < len(self._rows.entries) - 1:
            self.refresh()
        else:
            top = self._rows.top(index) - self.scroll_offset.y
            first_row = max(0, top + (1 if entry.title else 0) + first)
            rows = min(view.height, top + entry.height - 1) - first_row
            self.refresh(Region(0, first_row, view.width, max(0, rows)))
            if not self._following:
                self.refresh(Region(0, view.height - 1, view.width, 1))

    def rest(self, rests: bool) -> None:
        """Let text that comes wait until somebody sees it, or lay out what has come."""
        if rests != self._rests:
            self._rests = rests
            if not rests:
                # What has come meanwhile is new; all else that moves is not.
                self._rows.recount()
                self.rows_moved()

    def _take_up(self, ahead: int = 0) -> None:
        """Take up all rows, and ``ahead`` more for what is to come."""
        if self._rests:
            return
        view = self.scrollable_content_region
        if self._following:
            height = self._rows.height
            self._rows.settle_end(view.height)
            if self._rows.height != height:
                self._forget()
        size = Size(view.width, self._rows.height + ahead)
        if (self.virtual_size.height > view.height) != (size.height > view.height):
            self.virtual_size = size
        else:
            # The scroll bar stays or stays away: no other widget need be laid out for that.
            self.set_reactive(Transcript.virtual_size, size)
            self._scroll_update(size)
        self.refresh()
        if self._following:
            self._seen = self._rows.height
            self.scroll_end(animate=False, immediate=True, force=True)

    # ---- drawing -----------------------------------------------------------------------------

    def redraw(self, first: int = 0) -> None:
        """Draw all rows anew, from ``first`` on."""
        self._forget(first)
        self.refresh()

    def _forget(self, first: int = 0) -> None:
        self._drawn = {row: strip for row, strip in self._drawn.items() if row < first}

    def notify_style_update(self) -> None:
        """Other colours, or other states that colours depend on."""
        super().notify_style_update()
        self._drawn = {}

    def render_line(self, y: int) -> Strip:
        """One row of the screen."""
        if not self._rows.entries:
            return drawn(self, self._empty_line(y))
        if (waiting := self.waiting) and y == self.size.height - 1:
            return self._waiting_line(waiting)
        row = self.scroll_offset.y + y
        if row >= self._rows.height:
            return drawn(self, self._nothing_at(self._rows.height - 1))
        return self._row(row)

    def _row(self, row: int) -> Strip:
        if row not in self._drawn:
            if len(self._drawn) > _KEPT_ROWS:
                self._drawn = {}
            self._drawn[row] = self._new_row(row)
        return self._drawn[row]

    def _new_row(self, row: int) -> Strip:
        index, within = self._rows.at(row)
        entry = self._rows.entries[index]
        base = self.visual_style.rich_style
        gutter = Segment(" ", base)
        if entry is self.marked and self.has_focus and within < max(1, entry.height - 1):
            gutter = Segment(_CURSOR, self.get_component_rich_style("transcript--cursor"))
        line = entry.line_at(within)
        if line is None:
            return drawn(self, [gutter, *self._nothing_at(row)])
        style = self.visual_style
        if entry.title and within == 0:
            indent = ""
            content = Content.assemble(
                (line.plain, component_style(self, f"transcript--{entry.kind}")),
                (
                    f"  {entry.remark}" if entry.remark else "",
                    component_style(self, "transcript--remark"),
                ),
            ).truncate(max(1, self.scrollable_content_region.width - 1), ellipsis=True)
        else:
            indent, content = _INDENT, line.content
            if entry.kind in ("thoughts", "note", "error"):
                style = component_style(self, f"transcript--{entry.kind}")
            for start, end, component in self._highlights(entry, within - bool(entry.title)):
                content = content.stylize(component_style(self, component), start, end)
        selection = self.text_selection
        span = selection.get_span(row) if selection is not None else None
        if span is not None:
            end = len(content) if span[1] == -1 else span[1]
            if not content:
                # An empty line that is selected shows it.
                content = Content(" ")
                end = 1
            content = content.stylize(
                component_style(self.screen, "screen--selection"), span[0], end
            )
        text = Strip(segments(self, content, style)).apply_offsets(0, row)
        return drawn(self, [gutter, Segment(indent, base), *text])

    def _nothing_at(self, row: int) -> Strip:
        """What a selection that ends beside all text ends at; without it Textual takes all."""
        return Strip([Segment(" ", self.visual_style.rich_style)]).apply_offsets(0, row)

    def _highlights(self, entry: Entry, line: int) -> Iterator[tuple[int, int, str]]:
        """What of a line stands out: start, end, and the component style."""
        del entry, line
        return iter(())

    def _waiting_line(self, waiting: int) -> Strip:
        """The last row while the reader is elsewhere."""
        words = f" ↓ {waiting} new line{'s' if waiting > 1 else ''} "
        style = self.get_component_rich_style("transcript--waiting")
        base = self.visual_style.rich_style
        left = max(0, self.size.width - len(words) - 1)
        row = self._row(min(self.scroll_offset.y + self.size.height - 1, self._rows.height - 1))
        return Strip(
            [
                *row.crop(0, left).adjust_cell_length(left, base),
                Segment(words, style),
            ]
        ).adjust_cell_length(self.size.width, base)

    def _empty_line(self, y: int) -> list[Segment]:
        style = self.get_component_rich_style("transcript--empty")
        lines = [
            part.plain
            for line in self._empty.split("\n")
            for part in (Content(line).wrap(self._text_width) if line else [Content()])
        ]
        text = lines[y - 1] if 0 < y <= len(lines) else ""
        return [Segment(" " + _INDENT + text, style)]

    # ---- selected text -----------------------------------------------------------------------

    def _end_selection(self) -> None:
        """What is selected are rows, which are about to show other text."""
        if self.text_selection is not None:
            self.screen.clear_selection()

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text as it was written: no indents, no breaks of the width's."""
        start, end = selection
        first = (start.y, start.x) if start else (0, 0)
        last = (end.y, end.x) if end else (self._rows.height - 1, -1)
        if not self._rows.entries or first[0] >= self._rows.height:
            return None
        return self._rows.text_between(first, last), "\n"

    def selection_updated(self, selection: Selection | None) -> None:  # noqa: ARG002
        """Show it."""
        self.redraw()
