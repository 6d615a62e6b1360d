"""From one conversation to another: the list, what is found in it, a new one."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Literal

from textual import work

from workbench.screens.keeping import KeepingScreen
from workbench.screens.messages import Begun, NotKept, SessionOpened
from workbench.screens.sessions.screen import SessionsScreen, Wanted
from workbench.sessions.database import StoreError
from workbench.sessions.session import Session
from workbench.sessions.states import States
from workbench.sessions.store import Store
from workbench.settings import paths, remembered

Begin = int | Literal["where it was", "new"]
"""What the app opens with; a number is a conversation's."""


class OpeningScreen(KeepingScreen):
    """Opens conversations that are kept."""

    # What has been deleted, but can be had back.
    deleted: Collection[int] = frozenset()

    @work(group="sessions", description="find what to open with", exit_on_error=False)
    async def begin(self, begin: Begin) -> None:
        """Read what the app opens with."""
        session = None
        try:
            session = await asyncio.to_thread(_first, self.journal.file, begin)
        except StoreError as error:
            self.post_message(NotKept(str(error)))
        self.post_message(Begun(session))

    def action_sessions(self) -> None:
        """Show all conversations."""
        self.keep()
        screen = SessionsScreen(self.journal, self.session, at_work=lambda: self.exchange.answering)
        self.app.push_screen(screen, partial(self._chosen_from, screen))

    def _chosen_from(self, screen: SessionsScreen, wanted: Wanted | None) -> None:
        self.deleted = {each.id for each in screen.deleted}
        if self.session.id in self.deleted and wanted is None:
            wanted = Wanted(None)
        if wanted is None or self.refuses():
            return
        if wanted.conversation is None:
            self.action_new_chat()
        elif wanted.conversation == self.session.id and (
            wanted.row is None or self._place(wanted) is not None
        ):
            self.call_next(self._go_to, wanted)
        else:
            # Also the present one, where another process has added what is wanted.
            self.open(wanted)

    def _place(self, wanted: Wanted) -> int | None:
        """The place of a row in the conversation that is open; None if it has no such row."""
        here = self.session.place
        return here.rows.index(wanted.row) if here and wanted.row in here.rows else None

    def action_new_chat(self) -> None:
        """Begin a new conversation."""
        if self.refuses():
            return
        self.new_chat()
        self.go_to("chat")
        self.find_cut_off()

    def open(self, wanted: Wanted) -> None:
        """Open a conversation that is kept."""
        self.opening = True
        self._open(wanted)

    @work(group="sessions", description="open a conversation", exit_on_error=False)
    async def _open(self, wanted: Wanted) -> None:
        assert wanted.conversation is not None
        try:
            if wanted.conversation == self.session.id:
                # All of it is to be read there.
                self.keep_now()
            session = await asyncio.to_thread(_read, self.journal.file, wanted.conversation)
        except StoreError as error:
            self.opening = False
            self.post_message(NotKept(str(error)))
        else:
            self.post_message(SessionOpened(session, wanted))

    async def on_session_opened(self, message: SessionOpened) -> None:
        self.opening = False
        if message.session is None:
            self.notify("Another Workbench has brought it back.", severity="warning", timeout=3)
        elif not self.refuses():
            self.use(message.session)
            if message.wanted is not None:
                for note in message.wanted.notes:
                    self.chat.note(note)
            self.opened(message.session)
            await self._go_to(message.wanted)

    def opened(self, session: Session) -> None:
        """Another conversation is there to be gone on with."""

    async def _go_to(self, wanted: Wanted | None) -> None:
        """Show the place in the conversation where the words are said."""
        self.go_to("chat")
        place = self._place(wanted) if wanted is not None else None
        if wanted is None or place is None:
            return
        conversation = self.session.conversation
        message = conversation.message(place)
        if message not in conversation.path():
            conversation.show(message)
            self.chat.transcript.show_path(conversation)
            self.keep()
        await self.chat.show_found(wanted.words, message.id)


def _first(file: Path, begin: Begin) -> Session | None:
    """What was cut off last, or else what was open when the app was left."""
    if begin == "new" or not file.exists():
        return None
    with Store(file) as store:
        with suppress(OSError):
            # Some were removed where nobody thought of them.
            States(paths.states()).keep_only({each.id for each in store.summaries()})
        if begin != "where it was":
            store.take(begin, "")
            return store.open(begin)
        for each in store.cut_off()[:1]:
            if store.take(each.id, ""):
                return store.open(each.id)
        last = remembered.load(paths.remembered()).conversation
        there = last and any(each.id == last for each in store.summaries())
        return store.open(last) if there and not store.is_held(last) else None


def _read(file: Path, conversation: int) -> Session:
    with Store(file) as store:
        return store.open(conversation)
