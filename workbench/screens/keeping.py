"""The conversation is kept on the disk while the app runs, and brought back if it was cut off."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Final

from textual import work

from workbench.parameters.chosen import Chosen
from workbench.screens import resumed
from workbench.screens.exchange import Exchange
from workbench.screens.messages import CutOffFound, NotKept
from workbench.screens.panes import PanesScreen
from workbench.sessions.rescue import CutOff, Rescue, Snapshot
from workbench.settings import paths

# So much of a stream is lost at most where even the system fails.
_SECONDS: Final = 3.0


class KeepingScreen(PanesScreen):
    """Owns the conversation, and sees to it that it outlives the app."""

    def __init__(
        self, layout: Path, chosen: Chosen, *, engine_pid: Callable[[], int | None]
    ) -> None:
        super().__init__(layout, chosen, engine_pid=engine_pid)
        self.exchange = Exchange()
        self.rescue = Rescue(paths.rescued())
        self.cut_off: CutOff | None = None
        self._kept = 0.0
        self._keeps = True

    def keep_now(self) -> Path | None:
        """Keep what was said and what is being written; returns the file. Raises OSError."""
        return self.rescue.file if self.rescue.keep(self._snapshot()) else None

    def keep(self) -> None:
        """The same, on the side."""
        self._kept = perf_counter()
        self._write(self._snapshot())

    def keep_at_times(self) -> None:
        """The same, if the last time was a while ago."""
        if perf_counter() - self._kept > _SECONDS:
            self.keep()

    def _snapshot(self) -> Snapshot:
        return self.rescue.snapshot(self.exchange.conversation, self.unsent)

    @property
    def unsent(self) -> str:
        """All that has been written and not sent."""
        return self.chat.unsent

    @work(group="rescue", description="keep the conversation", exit_on_error=False)
    async def _write(self, snapshot: Snapshot) -> None:
        try:
            await asyncio.to_thread(self.rescue.keep, snapshot)
        except OSError as error:
            self.post_message(NotKept(error.strerror or str(error)))

    @work(group="rescue", description="look for a conversation cut off", exit_on_error=False)
    async def find_cut_off(self) -> None:
        """Offer the newest conversation whose app is gone."""
        if cut_off := await asyncio.to_thread(self.rescue.cut_off):
            self.post_message(CutOffFound(cut_off))

    def on_cut_off_found(self, message: CutOffFound) -> None:
        self.cut_off = message.cut_off
        self.chat.note(resumed.offer(message.cut_off))
        self.refresh_bindings()

    def on_not_kept(self, message: NotKept) -> None:
        # Once is enough: it is said of every answer.
        if self._keeps:
            self._keeps = False
            self.chat.note(
                f"The conversation cannot be kept ({message.reason}): "
                "should the line drop, it is lost.",
                error=True,
            )

    def bring_back(self, cut_off: CutOff) -> None:
        """Go on with a conversation that was cut off."""
        if self.exchange.conversation.messages:
            # They would be lost.
            self.notify("That takes a new chat: ctrl+n begins one.", severity="warning", timeout=3)
            return
        self.cut_off = None
        self.refresh_bindings()
        try:
            taken = self.rescue.take(cut_off)
        except OSError as error:
            self.chat.note(f"It cannot be brought back: {error.strerror}.", error=True)
            return
        if not taken:
            self.notify("Another Workbench has brought it back.", severity="warning", timeout=3)
            return
        unanswered = self.exchange.resume(cut_off.conversation)
        self.chat.transcript.show_path(self.exchange.conversation)
        self.chat.take_back("\n".join(filter(None, (unanswered, cut_off.draft))))
        self.keep()
