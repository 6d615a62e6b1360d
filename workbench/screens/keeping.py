"""The conversation is kept while it goes on, left for another, and brought back if cut off."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
from textual import on, work

from workbench.panes.chat.prompt import Prompt
from workbench.parameters.chosen import Chosen
from workbench.screens import resumed
from workbench.screens.exchange import Exchange
from workbench.screens.messages import CutOffFound, NotKept, SessionOpened
from workbench.screens.panes import PanesScreen
from workbench.sessions.database import StoreError
from workbench.sessions.journal import Journal
from workbench.sessions.listing import Summary
from workbench.sessions.session import Session
from workbench.sessions.store import Store
from workbench.settings import paths, remembered


class KeepingScreen(PanesScreen):
    """Owns the conversation, and sees to it that it outlives the app."""

    def __init__(
        self, layout: Path, chosen: Chosen, *, engine_pid: Callable[[], int | None]
    ) -> None:
        super().__init__(layout, chosen, engine_pid=engine_pid)
        self.session = Session()
        self.exchange = Exchange(self.session.conversation)
        self.journal = Journal(paths.sessions(), on_trouble=self._say_trouble)
        # Another one is on its way from the disk: what is said meanwhile would be said here.
        self.opening = False
        # Conversations whose app is gone; the newest is offered.
        self.cut_off: Sequence[Summary] = ()

    # ---- keeping -----------------------------------------------------------------------------

    @property
    def unsent(self) -> str:
        """All that has been written and not sent."""
        return lines(self.exchange.unsaid, self.chat.unsent)

    def keep(self) -> None:
        """Have what was said, and what is being written, on the disk soon."""
        self.session.draft = self.unsent
        self.journal.keep(self.session)

    def keep_now(self) -> Path | None:
        """The same at once; returns the file, if there was a word to keep. Raises StoreError."""
        self.session.draft = self.unsent
        return self.journal.keep_now(self.session)

    async def leave(self) -> None:
        """The end: all is kept, and left in good order. Raises StoreError."""
        ended = self.exchange.end("cancelled")
        self.session.draft = lines(ended.unanswered, self.session.draft)
        self.journal.leave(self.session)
        await asyncio.to_thread(self.journal.close)
        self.remember()

    def remember(self) -> None:
        """Let the next start open with this conversation."""
        is_empty = self.session.snapshot().is_empty
        file = paths.remembered()
        state = msgspec.structs.replace(
            remembered.load(file), conversation=0 if is_empty else self.session.id or 0
        )
        with suppress(OSError):
            remembered.save(file, state)

    @on(Prompt.Changed)
    def _keep_draft(self) -> None:
        # What was loaded into it has been kept.
        if self.unsent != self.session.draft:
            self.keep()

    def _say_trouble(self, trouble: str) -> None:
        # From the journal's thread, which may outlive the loop.
        with suppress(RuntimeError):
            self.post_message(NotKept(trouble))

    def on_not_kept(self, message: NotKept) -> None:
        self.chat.note(f"Not kept: {message.trouble}", error=True)

    def refuses(self) -> bool:
        """Whether an answer is under way, or another conversation; says so."""
        if self.exchange.answering:
            self.notify("The engine is at work: Esc stops it.", severity="warning", timeout=3)
        elif self.opening:
            self.notify("A conversation is being opened.", severity="warning", timeout=3)
        return self.exchange.answering or self.opening

    # ---- another conversation ----------------------------------------------------------------

    def use(self, session: Session) -> None:
        """Go on with another conversation; the present one is kept as it stands.

        What is written goes along where nothing has been said yet.
        """
        # What is written anew is of the conversation that is left.
        edited = self.chat.take_edited()
        left, written = self.session, self.unsent
        left.draft = lines(edited, written) if left.conversation.messages else ""
        self.journal.leave(left)
        self.chat.clear()
        self.chat.prompt.clear()
        self.session = session
        if session.system:
            self.chat.note(f"System prompt: {session.system}")
        unanswered = self.exchange.resume(session.conversation)
        self.chat.transcript.show_path(session.conversation)
        goes_along = "" if left.conversation.messages else written
        self.chat.take_back(lines(unanswered, session.draft, goes_along))
        self.stats.clear()
        self.keep()

    def new_chat(self) -> None:
        """Begin a new conversation; what is being written is for that one."""
        edited = self.chat.take_edited()
        written = self.chat.prompt.text
        self.chat.prompt.load_text(edited)
        self.use(Session(draft=written))

    @work(group="sessions", description="look for conversations cut off", exit_on_error=False)
    async def find_cut_off(self) -> None:
        """Offer the newest conversation whose app is gone."""
        if found := await asyncio.to_thread(_cut_off, self.journal.file):
            self.post_message(CutOffFound(found))

    def on_cut_off_found(self, message: CutOffFound) -> None:
        self.cut_off = message.found
        self.chat.note(resumed.offer(message.found))
        self.refresh_bindings()

    def action_resume(self) -> None:
        """Go on with the newest conversation that was cut off."""
        if not self.cut_off or self.refuses():
            return
        newest, *_ = self.cut_off
        self.cut_off = ()
        self.refresh_bindings()
        self.opening = True
        self._bring_back(newest.id)

    @work(group="sessions", description="bring a conversation back", exit_on_error=False)
    async def _bring_back(self, conversation: int) -> None:
        try:
            session = await asyncio.to_thread(_taken, self.journal.file, conversation)
        except StoreError as error:
            self.opening = False
            self.post_message(NotKept(str(error)))
            return
        self.post_message(SessionOpened(session))


def _cut_off(file: Path) -> list[Summary]:
    # What is wrong with the store is told when there is something to keep.
    with suppress(StoreError):
        if file.exists():
            with Store(file) as store:
                return store.cut_off()
    return []


def _taken(file: Path, conversation: int) -> Session | None:
    """What was cut off, for us to go on with; None if another was quicker."""
    with Store(file) as store:
        return store.open(conversation) if store.take(conversation, "") else None


def lines(*texts: str) -> str:
    """The texts that are not empty, one below the other."""
    return "\n".join(filter(None, texts))
