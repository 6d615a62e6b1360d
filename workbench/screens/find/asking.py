"""What the find screen asks of the Hub and of llama.cpp: a question at a time, none twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

from textual import work
from textual.timer import Timer

from workbench.engine.client import EngineClient
from workbench.models import fit as fits
from workbench.models.fit import Fit
from workbench.models.hub import reference as references
from workbench.models.hub.errors import HubError, NotFoundError
from workbench.models.hub.reference import Reference
from workbench.models.hub.repository import Repository, Variant, card, look
from workbench.models.hub.said import line
from workbench.models.hub.search import Page, Summary
from workbench.models.hub.search import search as search_hub
from workbench.parameters.kinds import Values
from workbench.screens.find.appraisal import AppraisalError, Appraiser, BrokenFileError
from workbench.screens.find.fetcher import Fetcher
from workbench.screens.find.messages import Appraised, Found, Looked, Measured
from workbench.screens.find.typed import Choice, wanted
from workbench.settings import paths
from workbench.steady.screen import SteadyScreen

_Answer = TypeVar("_Answer")

# Nobody means what is under the cursor, or stands in the field, for a shorter time.
REST_SECONDS: Final = 0.3
# What is asked of a Hub that is silent holds a thread until the deadline, wanted or not. Here it
# holds none of those that all others wait for.
_THREADS: Final = 4


class AskingScreen(SteadyScreen[Path | None]):
    """Keeps what has been answered; its workers post messages."""

    def __init__(self, fetcher: Fetcher, values: Values) -> None:
        """``values`` are the loading parameters that differ from their defaults."""
        super().__init__()
        self.fetcher = fetcher
        self.appraiser = Appraiser(EngineClient(paths.engine_log(beside=True)), fetcher.hub, values)
        self.choice = Choice()
        # The number of the search whose answers are waited for.
        self.asked = 0
        self.found: list[Summary] = []
        self.following = ""
        self.looks: dict[str, Looked] = {}
        self.fits: dict[tuple[str, str], Appraised] = {}
        # What was pasted names a file, or a revision.
        self.references: dict[str, Reference] = {}
        self._waiting: dict[str, Timer] = {}
        self._threads = ThreadPoolExecutor(_THREADS, "hub")

    async def in_thread(self, ask: Callable[[], _Answer]) -> _Answer:
        """Do it beside the interface, and beside all that is not this screen's."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, ask)

    def on_mount(self) -> None:
        self._measure()

    async def on_unmount(self) -> None:
        """Its engine is of no use any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        await self.appraiser.close()

    def soon(self, what: str, act: Callable[[], object], seconds: float = REST_SECONDS) -> None:
        """Do it after a rest, unless ``what`` is wanted otherwise by then."""
        self.not_any_more(what)
        self._waiting[what] = self.set_timer(seconds, act)

    def not_any_more(self, what: str) -> None:
        """Leave what was to be done soon."""
        if (timer := self._waiting.pop(what, None)) is not None:
            timer.stop()

    @work(group="measure", description="measure the memory", exit_on_error=False)
    async def _measure(self) -> None:
        await self.appraiser.measure()
        self.post_message(Measured())

    # ---- searching ---------------------------------------------------------------------------

    def search(self, text: str) -> None:
        """Ask for the first page; what older searches find is not wanted any more."""
        self.asked += 1
        self.following = ""
        self._forget_references()
        self._search(self.asked, text, self.choice, "")

    def _forget_references(self) -> None:
        # Found by words, a repository is meant as it is now, and not as an address once said.
        for repo in self.references:
            self.looks.pop(repo, None)
            self.fits = {key: each for key, each in self.fits.items() if key[0] != repo}
        self.references.clear()

    def search_on(self, text: str) -> None:
        """Ask for the page behind those that are here."""
        following, self.following = self.following, ""
        self._search(self.asked, text, self.choice, following)

    @work(group="search", exclusive=True, description="search the Hub", exit_on_error=False)
    async def _search(self, number: int, text: str, choice: Choice, following: str) -> None:
        try:
            page = await self.in_thread(lambda: self._page(text, choice, following))
        except Exception as error:
            self.following = following
            self.post_message(Found(number, None, _told(error)))
        else:
            self.post_message(Found(number, page))

    def _page(self, text: str, choice: Choice, following: str) -> Page:
        hub = self.fetcher.hub()
        asked = wanted(text, choice)
        named = None if following else references.read(text, hub.endpoint)
        if named is not None:
            try:
                repository = look(hub, named.repo, named.revision)
            except NotFoundError:
                # Two words with a stroke between them may be a search after all.
                asked = wanted(named.repo, choice)
            else:
                self.references[named.repo] = named
                self.post_message(Looked(named.repo, repository))
                return Page((repository.summary,))
        return search_hub(hub, asked, following)

    # ---- looking -----------------------------------------------------------------------------

    @work(group="look", exclusive=True, description="look at a repository", exit_on_error=False)
    async def look(self, repo: str) -> None:
        """Ask for a repository, then for its card."""
        known = self.looks.get(repo)
        repository = known.repository if known is not None else None
        try:
            if repository is None:
                repository = await self.in_thread(
                    lambda: look(self.fetcher.hub(), repo, self.revision(repo))
                )
                self.post_message(Looked(repo, repository))
            commit = repository.commit
            text = await self.in_thread(lambda: card(self.fetcher.hub(), repo, commit))
            self.post_message(Looked(repo, repository, text))
        except Exception as error:
            self.post_message(Looked(repo, repository, error=_told(error)))

    def revision(self, repo: str) -> str:
        """The revision of a repository that is meant."""
        named = self.references.get(repo)
        return named.revision if named is not None else "main"

    # ---- judging -----------------------------------------------------------------------------

    def fit(self, repository: Repository, variant: Variant) -> Fit | None:
        """What is known of a file's fit: llama.cpp's word, or else a guess."""
        known = self.fits.get((repository.summary.repo, variant.name))
        if known is not None and known.fit is not None:
            return known.fit
        guess = self.appraiser.guess(repository, variant)
        if guess is None:
            return None
        repo = repository.summary.repo
        smaller = [each.name for each in repository.variants if each.size <= variant.size]
        judged = [self.fits[repo, name].fit for name in smaller if (repo, name) in self.fits]
        return fits.no_better(guess, [each.verdict for each in judged if each is not None])

    @work(group="price", exclusive=True, description="ask llama.cpp for a fit", exit_on_error=False)
    async def appraise(self, repository: Repository, variant: Variant) -> None:
        """Ask for the exact fit of a file."""
        key = (repository.summary.repo, variant.name)
        try:
            self.post_message(Appraised(key, await self.appraiser.price(repository, variant)))
        except Exception as error:
            broken = isinstance(error, BrokenFileError)
            self.post_message(Appraised(key, None, str(_told(error)), broken=broken))


def _told(error: Exception) -> HubError:
    """An error with words for people: of one that nobody thought of at least what it is."""
    if isinstance(error, HubError):
        return error
    if isinstance(error, AppraisalError):
        return HubError(str(error))
    return HubError(line(f"{type(error).__name__}: {error}"))
