"""Downloads: wanted in the find screen, going on while one chats."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from textual import on, work
from textual._context import NoActiveAppError
from textual.content import Content

from workbench.models.hub.errors import HubError
from workbench.models.model_file import told_hash
from workbench.models.naming import kind
from workbench.panes.browser import rows
from workbench.panes.browser.pane import BrowserPane
from workbench.panes.figures import byte_size
from workbench.screens.find.messages import (
    DownloadReported,
    DownloadsFailed,
    DownloadsListed,
    DownloadWanted,
    FetchWanted,
    PaneWanted,
    ToQueue,
)
from workbench.screens.library import LibraryScreen
from workbench.screens.messages import ModelsFound
from workbench.settings import paths
from workbench.untrusted import without_controls

if TYPE_CHECKING:
    # What speaks to the Hub takes a fifth of the time in which the app starts.
    from workbench.models.download.report import Report
    from workbench.screens.find.fetcher import Fetcher
    from workbench.screens.find.screen import FindScreen
    from workbench.screens.find.terms import ToLoad

# A second press within so long means it.
_TWICE_SECONDS: Final = 3.0
_LEAVE_SECONDS: Final = 10.0


class FetchingScreen(LibraryScreen):
    """Owns the queue of downloads, and opens the find screen."""

    find: FindScreen | None = None
    _reports: dict[str, Report] | None = None
    _fetched: Path | None = None
    _doomed = ""
    _warned = False

    @cached_property
    def _ended_ones(self) -> set[str]:
        """The downloads that have ended; a list of them may be older than their end."""
        return set()

    @cached_property
    def fetcher(self) -> Fetcher:
        """The Hub and the queue."""
        from workbench.screens.find.fetcher import Fetcher

        return Fetcher(self._report)

    def _report(self, report: Report) -> None:
        # From the queue's thread, which may have something to say while the app is left.
        with suppress(NoActiveAppError):
            self.post_message(DownloadReported(report))

    # ---- the queue ---------------------------------------------------------------------------

    @work(group="downloads", description="take up downloads", exit_on_error=False)
    async def take_up_downloads(self) -> None:
        """Go on with what was being fetched when the app was left."""
        if await asyncio.to_thread(lambda: any(paths.downloads().glob("*.json"))):
            await self._ask_queue(lambda queue: queue.reports(), resumed=True)

    @work(group="downloads", description="tell the queue", exit_on_error=False)
    async def _tell_queue(self, act: ToQueue) -> None:
        await self._ask_queue(act)

    async def _ask_queue(self, act: ToQueue, *, resumed: bool = False) -> None:
        def asked() -> list[Report]:
            queue = self.fetcher.queue()
            act(queue)
            return queue.reports()

        try:
            reports = await asyncio.to_thread(asked)
        except HubError as error:
            self.post_message(DownloadsFailed(str(error)))
        except OSError as error:
            problem = f"The list of downloads cannot be written: {error.strerror}."
            self.post_message(DownloadsFailed(problem))
        else:
            self.post_message(DownloadsListed(reports, resumed=resumed))

    def on_downloads_failed(self, message: DownloadsFailed) -> None:
        self.app.notify(without_controls(message.problem), severity="error", markup=False)

    def on_downloads_listed(self, message: DownloadsListed) -> None:
        """Take over the queue's order; what runs, or was told of later, is known better."""
        known = self._reports or {}
        self._reports = {
            each.id: _newer(known.get(each.id), each)
            for each in message.reports
            if each.id not in self._ended_ones
        }
        if message.resumed:
            going = [
                each.name for each in message.reports if each.state not in ("paused", "failed")
            ]
            if going:
                names = without_controls(", ".join(going))
                more = len(going) > 1
                self.chat.note(
                    f"{'Downloads go' if more else 'A download goes'} on where "
                    f"{'they were' if more else 'it was'}: {names}."
                )
        self._show_downloads()

    def on_download_reported(self, message: DownloadReported) -> None:
        """Show how far it is; say what a person has to know."""
        report = message.report
        reports = dict(self._reports or {})
        before = reports.get(report.id)
        if report.state in ("done", "cancelled"):
            self._ended_ones.add(report.id)
            reports.pop(report.id, None)
        else:
            # It may fail when it was thought to be done: the disk has not taken all of it.
            self._ended_ones.discard(report.id)
            reports[report.id] = report
        self._reports = reports
        if report.state == "done":
            self._fetched = report.path
            name = without_controls(report.name.rpartition("/")[2])
            # Projectors and importance matrices go with a model, and are not listed.
            is_model = report.path is not None and kind(report.path.name) == "model"
            loads = ": F2, then Enter loads it" if is_model else ""
            self.app.notify(f"{name} is here{loads}.", timeout=8, markup=False)
            self.find_models()
        elif report.note and (before is None or before.note != report.note):
            self.app.notify(
                without_controls(report.note),
                title=without_controls(report.name),
                severity="error" if report.state == "failed" else "warning",
                timeout=10,
                markup=False,
            )
        self._show_downloads()

    def _show_downloads(self) -> None:
        self._say()
        if self.find is not None:
            self.find.show_downloads(self.downloads)

    @property
    def downloads(self) -> list[Report]:
        """All downloads, in their order."""
        return list((self._reports or {}).values())

    def more_to_say(self, width: int) -> list[Content]:
        """The downloads, in a line."""
        return rows.quiet(self.downloads, width)

    def holds_back(self) -> bool:
        """Whether the app is not to be left before a person has heard of what is under way.

        It is said once: the second wish to leave means it.
        """
        going = [each for each in self.downloads if each.state in ("queued", "running", "waiting")]
        if not going or self._warned:
            return False
        self._warned = True
        self.set_timer(_LEAVE_SECONDS, self._warn_again)
        names = f"{len(going)} downloads are" if len(going) > 1 else "A download is"
        self.app.notify(
            f"{names} not done: what is there stays, and the next start goes on with it, or "
            f"without the app: workbench models get {without_controls(going[0].repo)}. The same "
            "key once more leaves.",
            severity="warning",
            timeout=_LEAVE_SECONDS,
            markup=False,
        )
        return True

    def _warn_again(self) -> None:
        self._warned = False

    async def leave_models(self) -> None:
        """Stop fetching; it goes on at the next start."""
        await super().leave_models()
        if "fetcher" in vars(self):
            await asyncio.to_thread(self.fetcher.close)

    # ---- the find screen ---------------------------------------------------------------------

    def action_find(self) -> None:
        """Find models on the Hub."""
        if self.find is not None:
            return
        from workbench.screens.find.screen import FindScreen

        self.find = FindScreen(self, self.fetcher, self._chosen, reports=self.downloads)
        self.find.show_library(self._by_hash())
        self.app.push_screen(self.find, self._come_from_find)

    @on(BrowserPane.FindWanted)
    def _find(self, event: BrowserPane.FindWanted) -> None:
        event.stop()
        self.action_find()

    def _come_from_find(self, wanted: ToLoad | None) -> None:
        self.find = None
        if wanted is None:
            return
        model = next((each for each in self.browser.listed if each.path == wanted.file), None)
        if model is not None:
            self.browser.go_to(model.path)
            self.browser.post_message(BrowserPane.Chosen(model, wanted.chosen))

    def on_pane_wanted(self, message: PaneWanted) -> None:
        """Go to a pane from the find screen."""
        self._hide(message.side, False)
        self.go_to(message.side)

    def _by_hash(self) -> dict[str, Path]:
        """The models of this machine by the SHA-256 of their files."""
        going = [each.model for each in self.to_be_removed]
        return {
            told: model.path
            for model in self.browser.listed
            if model not in going
            for told in (*model.hashes, *map(told_hash, model.copies))
            if told
        }

    def on_models_found(self, _message: ModelsFound) -> None:
        """Mark what is here by now, and go to what has just been fetched."""
        self.call_after_refresh(self._show_fetched)

    def _show_fetched(self) -> None:
        if self.find is not None:
            self.find.show_library(self._by_hash())
        fetched, self._fetched = self._fetched, None
        # Whoever is in the list is at another model; below another screen nobody is.
        if fetched is not None and not (self.is_active and self.browser.models.has_focus):
            for model in self.browser.listed:
                # Of one that was here before, this is another copy.
                if fetched in (model.path, *model.files, *model.copies):
                    self.browser.go_to(model.path)

    def on_fetch_wanted(self, message: FetchWanted) -> None:
        """Put a file in the queue."""
        repo, variant = message.repository.summary.repo, message.variant
        wanted = {file.sha256 for file in variant.files}
        for removing in self.to_be_removed:
            if wanted & set(filter(None, removing.model.hashes)):
                self.keep_model(removing)
        name = without_controls(rows.label_of(variant))
        self.app.notify(f"{name} is on its way; you can chat meanwhile.", timeout=3, markup=False)
        self._tell_queue(
            lambda queue: queue.add(repo, variant.name, variant.files, message.revision)
        )

    def on_download_wanted(self, message: DownloadWanted) -> None:
        """Pause, cancel or move a download."""
        number, ids = message.number, [each.id for each in self.downloads]
        report = (self._reports or {}).get(number)
        if report is None:
            return
        at = ids.index(number)
        match message.wish:
            case "resume":
                self._tell_queue(lambda queue: queue.resume(number))
            case "pause":
                self._tell_queue(lambda queue: queue.pause(number))
            case "cancel" if self._doomed == number:
                self._doomed = ""
                self._tell_queue(lambda queue: queue.cancel(number))
            case "cancel":
                self._doomed = number
                self.set_timer(_TWICE_SECONDS, self._spare)
                name = without_controls(report.name.rpartition("/")[2])
                self.app.notify(
                    f"The same key once more cancels {name}, and throws away the "
                    f"{byte_size(report.done)} that are there.",
                    severity="warning",
                    timeout=_TWICE_SECONDS,
                    markup=False,
                )
            case "earlier" if at > 0:
                self._tell_queue(lambda queue: queue.move(number, ids[at - 1]))
            case "later" if at + 1 < len(ids):
                behind = ids[at + 2] if at + 2 < len(ids) else None
                self._tell_queue(lambda queue: queue.move(number, behind))

    def _spare(self) -> None:
        self._doomed = ""


def _newer(known: Report | None, listed: Report) -> Report:
    if known is None:
        return listed
    both_run = known.state == listed.state == "running"
    return known if both_run or known.at > listed.at else listed
