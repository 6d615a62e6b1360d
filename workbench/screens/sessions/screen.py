"""The list of conversations, with what was said in them to be found in the same place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import ClassVar, Final, NamedTuple

from textual import events, getters, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input

from workbench.panes.chat.search import SearchBar
from workbench.panes.key_line import KeyLine
from workbench.panes.sessions.rows import ConversationList, Item
from workbench.screens.dialog import Dialog
from workbench.sessions.database import StoreError
from workbench.sessions.journal import Journal
from workbench.sessions.listing import Summary
from workbench.sessions.search import Hit
from workbench.sessions.session import Session
from workbench.sessions.states import States
from workbench.sessions.store import Store
from workbench.settings import paths

# Fingers that type quickly are not interrupted by what they find.
_REST_SECONDS: Final = 0.12
_MOST_HITS: Final = 200
_NONE: Final = "Nothing has been said yet."
_NONE_FOUND: Final = "These words were said nowhere."


class Wanted(NamedTuple):
    """The conversation to go on with, a new one if it is None; and where in it to begin.

    ``row`` is the store's number of the message where ``words`` are said; ``notes`` are to be
    read there.
    """

    conversation: int | None
    row: int | None = None
    words: str = ""
    notes: tuple[str, ...] = ()


class Listed(Message, bubble=False):
    """The store has been read: what is to be listed for these ``words``."""

    def __init__(self, words: str, items: Sequence[Item]) -> None:
        super().__init__()
        self.words = words
        self.items = items


class Changed(Message, bubble=False):
    """Something in the store is otherwise than it is listed."""


class Pinned(Message, bubble=False):
    """A conversation is kept at the top of the list, or no longer."""

    def __init__(self, item: Summary) -> None:
        super().__init__()
        self.item = item


class Deleted(Message, bubble=False):
    """A conversation has been deleted."""

    def __init__(self, item: Summary) -> None:
        super().__init__()
        self.item = item


class Restored(Message, bubble=False):
    """What was deleted last is there again; None if nothing was."""

    def __init__(self, item: Summary | None) -> None:
        super().__init__()
        self.item = item


class Refused(Message, bubble=False):
    """The store does not do what it should."""

    def __init__(self, trouble: str) -> None:
        super().__init__()
        self.trouble = trouble


class SessionsScreen(Dialog[Wanted | None]):
    """Gives back the conversation that is wanted; None if things stay as they are."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Close", id="sessions.close", tooltip="Back to the chat"),
        Binding("ctrl+n", "new", "New", id="sessions.new", tooltip="Begin a new conversation"),
        Binding("f2", "rename", "Rename", id="sessions.rename", tooltip="Give it another title"),
        Binding("f4", "pin", "Pin", id="sessions.pin", tooltip="Keep it at the top, or no longer"),
        Binding("delete", "delete", "Delete", id="sessions.delete", tooltip="Delete it"),
        Binding(
            "ctrl+z", "undo", "Undo", id="sessions.undo", tooltip="Bring back what was deleted"
        ),
    ]

    rows = getters.query_one(ConversationList)
    bar = getters.query_one(SearchBar)
    title_field = getters.query_one("#sessions-title", Input)

    def __init__(self, journal: Journal, present: Session, *, at_work: Callable[[], bool]) -> None:
        """``journal`` keeps ``present``, the conversation that is open; ``at_work`` says whether
        an answer is being written in it."""
        super().__init__()
        self._journal = journal
        self._present = present
        self._at_work = at_work
        self._store: Store | None = None
        # A thread at a time: the store is opened once.
        self._opening = asyncio.Lock()
        # One change after the other, as they were wished for.
        self._changing = asyncio.Lock()
        self._waiting: Timer | None = None
        self._renamed: int | None = None
        # What the cursor is to be on once it is listed again.
        self._restored: int | None = None
        # For which words things are listed, and whether Enter waits for others.
        self._listed: str | None = None
        self._accepts = False
        # The last one comes back first.
        self.deleted: list[Summary] = []

    def compose(self) -> ComposeResult:
        with Vertical(classes="pane") as pane:
            pane.border_title = "Conversations"
            yield SearchBar("Find in titles and in all that was said")
            yield ConversationList()
            yield Input(
                id="sessions-title", placeholder="A title; none is the first prompt", compact=True
            )
            yield KeyLine()

    def on_mount(self) -> None:
        self.title_field.display = False
        self.rows.focus()
        self.read()

    async def on_unmount(self) -> None:
        async with self._changing, self._opening:
            if self._store is not None:
                await asyncio.to_thread(self._store.close)

    # ---- the store, in threads ---------------------------------------------------------------

    async def _opened(self) -> Store | None:
        async with self._opening:
            if self._store is None:
                # What was said last is to be listed, too. If it cannot be kept, that is said
                # where it was said.
                with suppress(StoreError):
                    await asyncio.to_thread(self._journal.settle)
            if self._store is None and self._journal.file.exists():
                self._store = await asyncio.to_thread(Store, self._journal.file)
            return self._store

    @work(group="list", description="read conversations", exit_on_error=False, exclusive=True)
    async def read(self) -> None:
        """List conversations, or the places where the words in the field are said."""
        words = self.bar.field.value.strip()
        items: Sequence[Item] = ()
        try:
            store = await self._opened()
            if store is not None and words:
                items = await asyncio.to_thread(store.search, words, limit=_MOST_HITS)
            elif store is not None:
                items = await asyncio.to_thread(store.summaries)
        except StoreError as error:
            self.post_message(Refused(str(error)))
        else:
            self.post_message(Listed(words, items))

    @work(group="change", description="change the list", exit_on_error=False)
    async def _change(self, change: Callable[[Store], Message | None]) -> None:
        async with self._changing:
            try:
                store = await self._opened()
                changed = await asyncio.to_thread(change, store) if store is not None else None
            except StoreError as error:
                self.post_message(Refused(str(error)))
                return
            if isinstance(changed, Deleted):
                self.deleted.append(changed.item)
        if changed is not None:
            self.post_message(changed)
        self.post_message(Changed())

    def on_changed(self) -> None:
        self.read()

    def on_pinned(self, message: Pinned) -> None:
        """Say so."""
        how = "Pinned" if message.item.pinned else "No longer pinned"
        self.notify(f"{how}: {message.item.title}.", timeout=3, markup=False)

    def on_deleted(self, message: Deleted) -> None:
        """Say so, and how it can be had back."""
        item = message.item
        self.notify(f"Deleted: {item.title}. ctrl+z brings it back.", timeout=4, markup=False)

    def on_restored(self, message: Restored) -> None:
        """Say what came back."""
        if message.item is None:
            self.notify("There is nothing to bring back.", timeout=3)
            return
        self.deleted = [each for each in self.deleted if each.id != message.item.id]
        self._restored = message.item.id
        self.notify(f"Here again: {message.item.title}.", timeout=3, markup=False)

    def on_listed(self, message: Listed) -> None:
        """Show what was read, unless something else is looked for by now."""
        if message.words != self.bar.field.value.strip():
            return
        empty = _NONE_FOUND if message.words else _NONE
        self.rows.present = self._present.id
        self.rows.show(message.items, empty=empty, stay=message.words == self._listed)
        self._listed = message.words
        numbers = [_number(each) for each in message.items]
        if self._restored in numbers:
            self.rows.move(numbers.index(self._restored))
            self._restored = None
        n = len(message.items)
        noun = "place" if message.words else "conversation"
        self.refresh_bindings()
        more = "+" if message.words and n == _MOST_HITS else ""
        self.bar.count.update(f"{n}{more} {noun}{'' if n == 1 else 's'}", layout=False)
        if self._accepts:
            self._accepts = False
            self.rows.action_choose()

    def on_refused(self, message: Refused) -> None:
        self.notify(message.trouble, severity="error", timeout=8, markup=False)

    # ---- finding -----------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        """Whoever begins to write is looking for something."""
        if self.focused is self.rows and event.is_printable and event.character:
            event.stop()
            self.bar.field.focus()
            self.bar.field.insert_text_at_cursor(event.character)

    @on(SearchBar.Typed)
    def _look_for(self, event: SearchBar.Typed) -> None:
        event.stop()
        self._accepts = False
        if self._waiting is not None:
            self._waiting.stop()
        self._waiting = self.set_timer(_REST_SECONDS, self.read)

    @on(SearchBar.Stepped)
    def _step(self, event: SearchBar.Stepped) -> None:
        event.stop()
        self.rows.action_move(event.step)

    @on(SearchBar.Accepted)
    def _accept(self, event: SearchBar.Accepted) -> None:
        event.stop()
        if self.bar.field.value.strip() == self._listed:
            self.rows.action_choose()
        else:
            self._accepts = True

    # ---- what is done with a conversation ----------------------------------------------------

    @on(ConversationList.Chosen)
    def _choose(self, event: ConversationList.Chosen) -> None:
        event.stop()
        item = event.item
        if isinstance(item, Hit):
            words = self.bar.field.value.strip()
            self.dismiss(Wanted(item.conversation, item.row, said(item, words)))
        else:
            self.dismiss(Wanted(item.id))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Keys are offered where they do something."""
        match action:
            case "rename" | "pin" | "delete":
                return self.rows.item is not None and self._renamed is None
            case "undo" | "new":
                # While a title is written they are its own.
                return self._renamed is None
        return True

    def action_new(self) -> None:
        """Begin a new conversation."""
        self.dismiss(Wanted(None))

    async def action_leave(self) -> None:
        """End what is going on: a title, a search, the list."""
        if self._renamed is not None:
            self._stop_renaming()
        elif self.bar.field.value:
            self.bar.field.clear()
            self.rows.focus()
        else:
            # The workbench is to know what has been deleted.
            for change in [each for each in self.workers if each.group == "change"]:
                await change.wait()
            self.dismiss(None)

    def action_pin(self) -> None:
        """Keep the conversation at the top of the list, or no longer."""
        item = self.rows.item
        if item is not None:
            # Where words were found nothing shows it.
            says = isinstance(item, Hit)
            self._change(lambda store: _pin(store, _number(item), says=says))

    def action_rename(self) -> None:
        """Ask for another title."""
        item = self.rows.item
        if item is not None:
            self._renamed = _number(item)
            self.title_field.display = True
            self.title_field.value = item.title
            self.title_field.focus()
            self.refresh_bindings()

    @on(Input.Submitted, "#sessions-title")
    def _rename(self, event: Input.Submitted) -> None:
        event.stop()
        conversation, title = self._renamed, event.value
        self._stop_renaming()
        if conversation is not None:
            self._change(lambda store: store.rename(conversation, title))

    def _stop_renaming(self) -> None:
        self._renamed = None
        self.title_field.display = False
        self.rows.focus()
        self.refresh_bindings()

    def action_delete(self) -> None:
        """Delete the conversation; it can be had back."""
        item = self.rows.item
        if item is None:
            return
        if _number(item) == self._present.id and self._at_work():
            # What it goes on with would bring it back.
            self.notify("Its answer is being written: stop it first.", severity="warning")
        else:
            self._change(lambda store: _delete(store, _number(item)))

    def action_undo(self) -> None:
        """Bring back what was deleted last, be it days ago."""
        self._change(lambda store: Restored(store.restore_last()))


def _number(item: Item) -> int:
    """The store's number of the conversation, or of the one in which words were found."""
    return item.conversation if isinstance(item, Hit) else item.id


def _pin(store: Store, number: int, *, says: bool) -> Pinned | None:
    item = store.summary(number)
    store.pin(number, pinned=not item.pinned)
    return Pinned(store.summary(number)) if says else None


def _delete(store: Store, number: int) -> Deleted | None:
    item = store.summary(number)
    # A key that is held would delete it again.
    if not store.delete(number):
        return None
    States(paths.states()).remove(number)
    return Deleted(item)


def said(hit: Hit, words: str) -> str:
    """What a reader's own find is to look for: the words as they stand there."""
    found = [piece.text for piece in hit.snippet if piece.is_hit]
    as_typed = words.strip('"').casefold()
    whole = "".join(piece.text for piece in hit.snippet)
    return words.strip('"') if as_typed in whole.casefold() else max(found, key=len, default="")
