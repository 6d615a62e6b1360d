"""The transcript under a reader's hands: a cursor on its messages, finding, selecting, copying."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from time import perf_counter
from typing import ClassVar, Final

from textual import events
from textual.binding import BindingType
from textual.geometry import Offset
from textual.message import Message
from textual.selection import Selection

from workbench.panes.chat.caret import Caret
from workbench.panes.chat.entry import Entry, Kind
from workbench.panes.chat.find import Hit, hits
from workbench.panes.chat.keys import KEYS
from workbench.panes.chat.transcript import Transcript
from workbench.panes.field import ByField

# Rows that the cursor's keys scroll in a message that is higher than the screen.
_STEP: Final = 3
# How long keys wait at most while a whole conversation is laid out.
_SLICE_SECONDS: Final = 0.005
_SELECTING: Final = ("word", "edge")


class Reader(Transcript, ByField):
    """The transcript with its keys."""

    BINDINGS: ClassVar[list[BindingType]] = KEYS

    class Wanted(Message):
        """Something is to happen to a message of the conversation."""

        def __init__(self, of: Reader, message: int) -> None:
            super().__init__()
            self.of = of
            self.message = message

    class EditWanted(Wanted):
        """The prompt is to be written anew."""

    class RegenerateWanted(Wanted):
        """The answer is to be given again."""

    class VersionWanted(Wanted):
        """Another version is to be shown, ``step`` further on."""

        def __init__(self, of: Reader, message: int, step: int) -> None:
            super().__init__(of, message)
            self.step = step

    class FindWanted(Message):
        """Words to look for are to be typed."""

    class Found(Message):
        """Another number of places was found, or another of them is shown."""

    def __init__(self, *, empty: str, id: str | None = None) -> None:  # noqa: A002
        super().__init__(empty=empty, id=id)
        self.folds_thoughts = True
        self._caret: Caret | None = None
        self._words = ""
        self._hits: list[Hit] = []
        self._hit = 0
        # The numbers of the hits in an entry, by its identity.
        self._by_entry: dict[int, range] = {}
        # The message whose code was copied last, and which piece of it.
        self._copied: tuple[Entry | None, int] = (None, 0)

    # ---- the cursor --------------------------------------------------------------------------

    def mark(self, entry: Entry | None) -> None:
        """Put the cursor on an entry, if it is still there."""
        if entry is not None and entry not in self._rows.entries:
            return
        self._marked = entry
        self.redraw()
        self.refresh_bindings()

    def in_sight(self) -> Iterator[tuple[int, Entry]]:
        """The entries that can be seen, each with the row of the pane that it begins in."""
        top, view = self.scroll_offset.y, self.scrollable_content_region.height
        first, _ = self._rows.at(top)
        for index in range(max(0, first), len(self._rows.entries)):
            row = self._rows.top(index) - top
            if row >= view:
                break
            yield max(0, row), self._rows.entries[index]

    def go_to(self, entry: Entry) -> None:
        """Have the keys, with the cursor on an entry."""
        self.focus()
        self.mark(entry)

    def on_focus(self) -> None:
        """The cursor is shown: where a person is reading."""
        shown = [entry for _, entry in self.in_sight()]
        if shown and self.marked not in shown:
            self.mark(shown[-1])
        self.redraw()
        self.refresh_bindings()

    def on_blur(self) -> None:
        """Nor is it shown while the keys go elsewhere."""
        self._stop_selecting()
        self.redraw()

    def on_click(self, event: events.Click) -> None:
        """A click marks; one on a title of thoughts folds or unfolds them."""
        index, within = self._rows.at(self.scroll_offset.y + event.y)
        if index < 0:
            return
        entry = self._rows.entries[index]
        self.mark(entry)
        if entry.kind == "thoughts" and within == 0:
            self.fold(not entry.folded, entry)

    def action_move(self, step: int) -> None:
        """To the next message; through one that is higher than the screen."""
        if self._caret is not None:
            self._caret.down(step)
            self._show_caret()
            return
        entries, marked = self._rows.entries, self.marked
        if marked is None:
            return
        index = self._rows.index(marked)
        view, top = self.scrollable_content_region.height, self.scroll_offset.y
        first = self._rows.top(index)
        last = first + marked.height - 1
        if step > 0 and last > top + view and first < top + view:
            self._scroll_to_row(min(top + _STEP, last - view))
        elif step < 0 and first < top <= last:
            self._scroll_to_row(max(top - _STEP, first))
        elif 0 <= index + step < len(entries):
            self.mark(entries[index + step])
            self._bring_in_sight(index + step, from_above=step > 0)
        elif step > 0:
            self.action_end()

    def _bring_in_sight(self, index: int, *, from_above: bool) -> None:
        entry = self._rows.entries[index]
        if entry.lay_out():
            self._recount(index)
            self._take_up()
        view, top = self.scrollable_content_region.height, self.scroll_offset.y
        first = self._rows.top(index)
        last = first + entry.height - 1
        if entry.height > view:
            if from_above and first >= top + view - _STEP:
                self._scroll_to_row(first)
            elif not from_above:
                self._scroll_to_row(last - view)
        elif first < top:
            self._scroll_to_row(first)
        elif last > top + view:
            self._scroll_to_row(last - view)

    def action_start(self) -> None:
        """Go to the first message."""
        if self._caret is not None:
            self._caret.down(-self._rows.height)
            self._show_caret()
        elif self._rows.entries:
            self.mark(self._rows.entries[0])
            self._scroll_to_row(0)

    def action_end(self) -> None:
        """Go to the end and follow it."""
        if self._caret is not None:
            self._caret.down(self._rows.height)
            self._show_caret()
        elif self._rows.entries:
            self.mark(self._rows.entries[-1])
            self.follow()

    def action_half_page(self, direction: int) -> None:
        """Scroll by half of what is in sight."""
        rows = max(1, self.scrollable_content_region.height // 2)
        self._scroll_to_row(self.scroll_offset.y + direction * rows)

    # ---- what is done with a message ---------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Keys are offered where they do something."""
        entry = self.marked
        match action:
            case "edit":
                return _has(entry, "user")
            case "regenerate":
                return _has(entry, "user", "assistant")
            case "copy_code":
                return entry is not None and ("```" in entry.text or "~~~" in entry.text)
            case "next_hit":
                return bool(self._hits)
        return action not in _SELECTING or self._caret is not None

    def action_copy(self) -> None:
        """Copy what is selected, or the message as it was written."""
        text = self.screen.get_selected_text() if self.text_selection else None
        if text is None and self.marked is not None:
            text = self.marked.text
        if text:
            self.app.copy_to_clipboard(text)
        self._stop_selecting()

    def action_copy_code(self) -> None:
        """Copy a block of code; the same key again copies the next one."""
        if self.marked is None:
            return
        from workbench.panes.chat import markdown

        codes = markdown.codes(self.marked.text)
        if not codes:
            self.notify("There is no code in this message.", timeout=3)
            return
        entry, number = self._copied
        number = number % len(codes) + 1 if entry is self.marked else 1
        self._copied = (self.marked, number)
        self.app.copy_to_clipboard(codes[number - 1])
        if len(codes) > 1:
            self.notify(f"Block {number} of {len(codes)}; again for the next one.", timeout=3)

    def action_edit(self) -> None:
        """Ask for the prompt to be written anew."""
        if self.marked is not None and self.marked.message is not None:
            self.post_message(self.EditWanted(self, self.marked.message))

    def action_regenerate(self) -> None:
        """Ask for another answer."""
        if self.marked is not None and self.marked.message is not None:
            self.post_message(self.RegenerateWanted(self, self.marked.message))

    def action_sideways(self, step: int) -> None:
        """To another version of the message; while selecting, by a character."""
        if self._caret is not None:
            self._caret.right(step)
            self._show_caret()
        elif self.marked is not None and self.marked.message is not None:
            self.post_message(self.VersionWanted(self, self.marked.message, step))

    def action_fold(self) -> None:
        """Fold or unfold thoughts."""
        if self.marked is not None and self.marked.kind == "thoughts":
            self.fold(not self.marked.folded, self.marked)

    def action_fold_all(self) -> None:
        """Fold or unfold all thoughts, those to come as well."""
        self.folds_thoughts = not self.folds_thoughts
        thoughts = [entry for entry in self._rows.entries if entry.kind == "thoughts"]
        self.fold(self.folds_thoughts, *thoughts)

    # ---- selecting by keys -------------------------------------------------------------------

    def action_select(self) -> None:
        """Begin to select at the message's first line in sight; the same key ends it."""
        if self._caret is not None:
            self._stop_selecting()
            return
        if self.marked is None:
            return
        self.lay_out_all()
        index = self._rows.index(self.marked)
        first = self._rows.top(index) + (1 if self.marked.title else 0)
        top, view = self.scroll_offset.y, self.scrollable_content_region.height
        row = min(max(first, top), top + view - 1, self._rows.height - 1)
        self._caret = Caret(self._rows, row)
        self._show_caret()
        self.refresh_bindings()
        self.notify("Arrows, w W 0 $ g G select, c copies, Esc ends it.", timeout=4)

    async def on_enter(self) -> None:
        """The mouse may begin to select, also what nobody has seen yet."""
        await self.lay_out_calmly()

    def text_select_all(self) -> None:
        """A double click selects the message."""
        self.lay_out_all()
        if self.marked is not None:
            top = self._rows.top(self._rows.index(self.marked))
            first = top + (1 if self.marked.title else 0)
            last = top + max(1, self.marked.height - 2)
            line = self._rows.line_at(last)
            end = len(line.plain) if line else 0
            self.screen.selections = {self: Selection(Offset(0, first), Offset(end, last))}

    def action_word(self, direction: int) -> None:
        """Move the caret by a word."""
        if self._caret is not None:
            self._caret.word(direction)
            self._show_caret()

    def action_edge(self, end: int) -> None:
        """Move the caret to an end of its line."""
        if self._caret is not None:
            self._caret.edge(end)
            self._show_caret()

    def _show_caret(self) -> None:
        assert self._caret is not None
        self.screen.selections = {self: self._caret.selection}
        row, top = self._caret.at.y, self.scroll_offset.y
        view = self.scrollable_content_region.height
        if row < top:
            self._scroll_to_row(row)
        elif row >= top + view:
            self._scroll_to_row(row - view + 1)

    def _stop_selecting(self) -> None:
        if self._caret is not None:
            self._caret = None
            self.screen.clear_selection()
            self.refresh_bindings()

    @property
    def busy(self) -> bool:
        """Whether there is something that ``leave`` ends."""
        return self._caret is not None or bool(self._words)

    def leave(self) -> None:
        """End selecting, or else finding."""
        if self._caret is not None:
            self._stop_selecting()
        else:
            self.find("")

    # ---- finding -----------------------------------------------------------------------------

    @property
    def finding(self) -> bool:
        """Whether there are words that are looked for."""
        return bool(self._words)

    @property
    def found(self) -> tuple[int, int]:
        """Which place found is shown, and how many there are."""
        return (self._hit + 1, len(self._hits)) if self._hits else (0, 0)

    def action_find(self) -> None:
        """Ask for words to look for."""
        self.hand_over()
        self.post_message(self.FindWanted())

    async def lay_out_calmly(self) -> None:
        """Lay out all of a conversation, however long; keys come through meanwhile."""
        due = perf_counter() + _SLICE_SECONDS
        for _ in self._laying_out():
            if perf_counter() > due:
                await asyncio.sleep(0)
                due = perf_counter() + _SLICE_SECONDS

    def find(self, words: str) -> None:
        """Show where ``words`` are, from the first in sight or below; no words end it."""
        self._words = words
        self._find_again()
        self.rows_moved()
        self.refresh_bindings()
        self.post_message(self.Found())
        if self._hits:
            index, _ = self._rows.at(self.scroll_offset.y)
            seen = set(map(id, self._rows.entries[:index]))
            later = (number for number, hit in enumerate(self._hits) if id(hit.entry) not in seen)
            self._show_hit(next(later, 0))

    def _find_anew(self) -> None:
        """Find again where all entries have to be laid out for that."""
        self._find_again()
        if self._words:
            self.rows_moved()

    def _find_again(self) -> None:
        if self._words or self._hits:
            self._hits = []
            self._by_entry = {}
            for entry in self._rows.entries:
                self._find_in(entry)
            self._hit = min(self._hit, max(0, len(self._hits) - 1))

    def _find_in(self, entry: Entry) -> None:
        """Find what is in an entry, behind all that was found in those before it."""
        first = len(self._hits)
        if self._words:
            self._hits += hits(entry, self._words)
        self._by_entry[id(entry)] = range(first, len(self._hits))

    def add(self, kind: Kind, text: str, *, title: str = "", message: int | None = None) -> Entry:
        """Append an entry."""
        entry = super().add(kind, text, title=title, message=message)
        self._find_anew()
        return entry

    def show(self, entries: Sequence[Entry]) -> None:
        """Append entries that are complete, and go to the end."""
        super().show(entries)
        self._find_anew()

    def fold(self, folded: bool, *entries: Entry) -> None:
        """Leave of entries only their titles, or show all of them; what is selected moves."""
        self._stop_selecting()
        super().fold(folded, *entries)

    def cut(self, index: int) -> None:
        """Take away the entries from ``index`` on."""
        super().cut(index)
        self._find_again()

    def on_resize(self, _event: events.Resize) -> None:
        """Words are in other lines now; Textual calls this before the rows are laid out anew."""
        self._stop_selecting()
        self.call_after_refresh(self._find_anew)

    def action_next_hit(self, step: int) -> None:
        """Go to another place found; after the last comes the first."""
        if self._hits:
            self._show_hit((self._hit + step) % len(self._hits))

    def _show_hit(self, number: int) -> None:
        self._hit = number
        self.post_message(self.Found())
        entry = self._hits[number].entry
        if entry.folded:
            self.fold(False, entry)
        self.mark(entry)
        row = self._rows.top(self._rows.index(entry)) + (1 if entry.title else 0)
        row += self._hits[number].pieces[0].line
        view, top = self.scrollable_content_region.height, self.scroll_offset.y
        if not top <= row < top + view - 1:
            self._scroll_to_row(max(0, row - view // 3))

    def _highlights(self, entry: Entry, line: int) -> Iterator[tuple[int, int, str]]:
        for number in self._by_entry.get(id(entry), ()):
            present = "transcript--present-hit" if number == self._hit else "transcript--hit"
            for piece in self._hits[number].pieces:
                if piece.line == line:
                    yield piece.start, piece.end, present

    def _changed(self, entry: Entry, first: int, before: int) -> None:
        super()._changed(entry, first, before)
        if self._words and entry is self._rows.entries[-1]:
            # Ten times a second: what was found in the others stays.
            del self._hits[self._by_entry.get(id(entry), range(len(self._hits), -1)).start :]
            self._find_in(entry)
            self._hit = min(self._hit, max(0, len(self._hits) - 1))
            self.post_message(self.Found())
        elif self._words:
            self._find_again()


def _has(entry: Entry | None, *kinds: Kind) -> bool:
    return entry is not None and entry.message is not None and entry.kind in kinds
