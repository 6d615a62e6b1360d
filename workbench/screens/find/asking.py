"""What the find screen asks of the Hub and of llama.cpp: a question at a time, none twice."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import msgspec
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
from workbench.parameters.chosen import Chosen
from workbench.parameters.kinds import Values
from workbench.parameters.table import loading
from workbench.screens.find.appraisal import (
    AppraisalError,
    Appraiser,
    BrokenFileError,
    ShutError,
)
from workbench.screens.find.fetcher import Fetcher
from workbench.screens.find.messages import Appraised, Found, Looked, Measured
from workbench.screens.find.terms import Terms, ToLoad
from workbench.screens.find.typed import Choice, wanted
from workbench.settings import paths
from workbench.steady.screen import SteadyScreen

_Answer = TypeVar("_Answer")

# Nobody means what is under the cursor, or stands in the field, for a shorter time.
REST_SECONDS: Final = 0.3
# What is asked of a Hub that is silent holds a thread until the deadline, wanted or not. Here it
# holds none of those that all others wait for.
_THREADS: Final = 4


class AskingScreen(SteadyScreen[ToLoad | None]):
    """Keeps what has been answered; its workers post messages."""

    def __init__(self, fetcher: Fetcher, chosen: Chosen) -> None:
        """``chosen`` are the values in force."""
        super().__init__()
        self.fetcher = fetcher
        engine = EngineClient(paths.engine_log(beside=True))
        self.appraiser = Appraiser(engine, fetcher.hub, self.in_thread)
        self.choice = Choice()
        # The number of the search whose answers are waited for.
        self.asked = 0
        self.found: list[Summary] = []
        self.following = ""
        self.looks: dict[str, Looked] = {}
        # By what fits are reckoned: the parameter pane's terms, until others are chosen here.
        # The own preset of the loaded model goes with it when another comes.
        self._values = loading(chosen.apart_from_model())
        self._is_apart = self._values != loading(chosen.values)
        self.own_terms = self.terms = Terms.of(self._values)
        self._answers: defaultdict[Terms, dict[tuple[str, str], Appraised]] = defaultdict(dict)
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
        self._forget(lambda each: each.key[0] in self.references)
        self.references.clear()

    def _forget(self, unwanted: Callable[[Appraised], bool]) -> None:
        for terms, known in self._answers.items():
            self._answers[terms] = {key: each for key, each in known.items() if not unwanted(each)}

    def search_on(self, text: str) -> None:
        """Ask for the page behind those that are here."""
        following, self.following = self.following, ""
        self._search(self.asked, text, self.choice, following)

    @work(group="search", exclusive=True, description="search the Hub", exit_on_error=False)
    async def _search(self, number: int, text: str, choice: Choice, following: str) -> None:
        try:
            page, named, looked = await self.in_thread(lambda: self._page(text, choice, following))
        except Exception as error:
            self.following = following
            self.post_message(Found(number, None, _told(error)))
            return
        if named is not None and looked is not None:
            self.references[named.repo] = named
            self.post_message(looked)
        self.post_message(Found(number, page))

    def _page(
        self, text: str, choice: Choice, following: str
    ) -> tuple[Page, Reference | None, Looked | None]:
        """What is found; where ``text`` is an address, what it says and what is there."""
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
                # It may have another name by now.
                named = msgspec.structs.replace(named, repo=repository.summary.repo)
                return Page((repository.summary,)), named, self._looked(named.repo, repository)
        return search_hub(hub, asked, following), None, None

    # ---- looking -----------------------------------------------------------------------------

    @work(group="look", exclusive=True, description="look at a repository", exit_on_error=False)
    async def look(self, repo: str) -> None:
        """Ask for a repository, then for its card."""
        known = self.looks.get(repo)
        repository = known.repository if known is not None else None
        gate = known.gate if known is not None else ""
        try:
            if repository is None:
                looked = await self.in_thread(
                    lambda: self._looked(repo, look(self.fetcher.hub(), repo, self.revision(repo)))
                )
                self.post_message(looked)
                repository, gate = looked.repository, looked.gate
            assert repository is not None
            commit = repository.commit
            text = await self.in_thread(lambda: card(self.fetcher.hub(), repo, commit))
            self.post_message(Looked(repo, repository, text, gate=gate))
        except Exception as error:
            self.post_message(Looked(repo, repository, error=_told(error), gate=gate))

    def _looked(self, repo: str, repository: Repository) -> Looked:
        gate = str(self.fetcher.hub().gate(repo)) if repository.summary.gated else ""
        return Looked(repo, repository, gate=gate)

    def revision(self, repo: str) -> str:
        """The revision of a repository that is meant."""
        named = self.references.get(repo)
        return named.revision if named is not None else "main"

    # ---- judging -----------------------------------------------------------------------------

    @property
    def fits(self) -> dict[tuple[str, str], Appraised]:
        """What was answered by the present terms, by repository and file."""
        return self._answers[self.terms]

    def has_come_in(self, repo: str) -> bool:
        """Whether the header of one of a repository's files has come, by whatever terms."""
        return any(
            each.fit is not None
            for answers in self._answers.values()
            for (of, _), each in answers.items()
            if of == repo
        )

    def reckon_by(self, terms: Terms) -> None:
        """Judge by other terms from now on; what was answered by them before is still known."""
        lasting = {key: each for key, each in self.fits.items() if each.lasting}
        self.not_any_more("price")
        self.terms = terms
        for key, each in lasting.items():
            self.fits.setdefault(key, each)

    def forget_problems(self) -> None:
        """What did not come may come now."""
        self._forget(lambda each: each.fit is None)

    def _values_by(self, terms: Terms) -> Values:
        return {**self._values, **terms.apart(self.own_terms)}

    def fit(self, repository: Repository, variant: Variant) -> Fit | None:
        """What is known of a file's fit: llama.cpp's word, or else a guess."""
        known = self.fits.get((repository.summary.repo, variant.name))
        if known is not None and known.fit is not None:
            return known.fit
        guess = self.appraiser.guess(repository, variant, self._values_by(self.terms))
        if guess is None:
            return None
        repo = repository.summary.repo
        smaller = [each.name for each in repository.variants if each.size <= variant.size]
        judged = [self.fits[repo, name].fit for name in smaller if (repo, name) in self.fits]
        return fits.no_better(guess, [each.verdict for each in judged if each is not None])

    @work(group="price", exclusive=True, description="ask llama.cpp for a fit", exit_on_error=False)
    async def appraise(self, repository: Repository, variant: Variant) -> None:
        """Ask for the exact fit of a file, then of others whose headers have come before."""
        here = [each for each in repository.models if self.appraiser.has_header(repository, each)]
        terms, known = self.terms, set(self.fits)
        for each in dict.fromkeys([variant, *here]):
            if (repository.summary.repo, each.name) not in known:
                self.post_message(await self._appraised(repository, each, terms))

    async def _appraised(self, repository: Repository, variant: Variant, terms: Terms) -> Appraised:
        key = (repository.summary.repo, variant.name)
        try:
            fit = await self.appraiser.price(repository, variant, self._values_by(terms))
        except Exception as error:
            return Appraised(
                key,
                terms,
                None,
                str(_told(error)),
                lasting=isinstance(error, (BrokenFileError, ShutError)),
                broken=isinstance(error, BrokenFileError),
            )
        return Appraised(key, terms, fit)


def _told(error: Exception) -> HubError:
    """An error with words for people: of one that nobody thought of at least what it is."""
    if isinstance(error, HubError):
        return error
    if isinstance(error, AppraisalError):
        return HubError(str(error))
    return HubError(line(f"{type(error).__name__}: {error}"))
