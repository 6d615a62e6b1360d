"""The details of the find screen: a repository, its files, whether they fit, its card."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from textual import getters, on, work
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from workbench.models.download.report import Report
from workbench.models.hub.errors import NotFoundError
from workbench.models.hub.reference import Reference
from workbench.models.hub.repository import Repository, Variant, chosen
from workbench.models.hub.search import Summary
from workbench.panes.browser import rows
from workbench.panes.lines import Lines
from workbench.panes.sheet import Sheet
from workbench.parameters.chosen import Chosen
from workbench.screens.find.asking import AskingScreen
from workbench.screens.find.cards import readable
from workbench.screens.find.fetcher import Fetcher
from workbench.screens.find.lists import ResultList, VariantList
from workbench.screens.find.messages import Appraised, CardDrawn, Looked, Measured
from workbench.screens.find.terms import Terms
from workbench.untrusted import without_controls

# What is said of a file's fit has as many rows, and more only where its words need them.
_FIT_ROWS: Final = 4
_MOST_FIT_ROWS: Final = 8


class DetailsScreen(AskingScreen):
    """Shows what is known of the repository under the cursor, and asks for the rest."""

    results = getters.query_one(ResultList)
    variants = getters.query_one(VariantList)
    card = getters.query_one("#find-card", Sheet)

    def __init__(self, fetcher: Fetcher, chosen: Chosen, *, reports: Sequence[Report]) -> None:
        super().__init__(fetcher, chosen)
        # The models of this machine, by the SHA-256 of their files.
        self._here: dict[str, Path] = {}
        self._reports = list(reports)
        # The layers of a GPU are something to choose where there is one.
        self.has_gpus = False
        # The repository that the details are about, and the one whose card is shown.
        self._shown = ""
        self._card_of = ("", 0)
        # What cannot run here, and is fetched only if it is asked for twice.
        self._doubted = ""

    @property
    def summary(self) -> Summary | None:
        """The repository under the cursor."""
        return next((each for each in self.found if each.repo == self.results.chosen), None)

    @property
    def repository(self) -> Repository | None:
        """The same, once it has been looked at."""
        known = self.looks.get(self.results.chosen)
        return known.repository if known is not None else None

    @property
    def variant(self) -> Variant | None:
        """The file under the cursor."""
        return self.variant_named(self.variants.chosen)

    def variant_named(self, name: str | None) -> Variant | None:
        """The file that is listed by ``name``."""
        found = self.repository.variants if self.repository else ()
        return next((each for each in found if each.name == name), None)

    def show_details(self) -> None:
        summary = self.summary
        repo = summary.repo if summary else ""
        if repo != self._shown:
            self._shown = repo
            self.query_one("#find-details").border_title = Content(repo)
            self.variants.clear_options()
            self.card.show(lambda _: [])
            self._card_of = ("", 0)
            known = self.looks.get(repo)
            if repo and (known is None or known.card is None):
                self.soon("look", lambda: self.look(repo))
        self._show_facts()
        self.show_variants()
        self._show_card()

    def on_looked(self, message: Looked) -> None:
        self.looks[message.repo] = message
        if message.repo == self._shown:
            self.show_details()

    @property
    def _width(self) -> int:
        return max(20, self.query_one("#find-details").content_region.width)

    def _show_facts(self) -> None:
        shown, summary = self.query_one("#find-facts", Lines), self.summary
        # Nothing is drawn around nothing.
        self.set_class(summary is None, "-nothing")
        known = self.looks.get(self._shown)
        if known is not None and known.repository is not None:
            summary = known.repository.summary
        width = self._width
        lines = self._facts(summary, width) if summary else []
        if (revision := self.revision(self._shown)) != "main":
            words = f"As it was at {without_controls(revision)}."
            lines.append(Content.styled(words, "$warning").truncate(width, ellipsis=True))
        # Of a gated one the card does not come either.
        if known is not None and known.error is not None and str(known.error) != known.gate:
            lines += Content.styled(without_controls(str(known.error)), "$warning").wrap(width)
        shown.styles.height = len(lines)
        shown.show(lines)

    def _facts(self, summary: Summary, width: int) -> list[Content]:
        known = self.looks.get(self._shown)
        gate = known.gate if known else ""
        return rows.facts(summary, width, gate, is_open=self.has_come_in(self._shown))

    def show_variants(self) -> None:
        repository = self.repository
        if repository is None:
            return
        first = not self.variants.option_count
        self.variants.show(
            [
                Option(
                    rows.of_variant(
                        each,
                        self.fit(repository, each),
                        self._state_of(repository, each),
                        self._width,
                    ),
                    id=each.name,
                )
                for each in repository.variants
            ]
        )
        if first:
            repo = repository.summary.repo
            with suppress(NotFoundError, ValueError):
                usual = chosen(repository, self.references.get(repo, Reference(repo)))
                self.variants.highlighted = repository.variants.index(usual)
        self._show_fit()

    def _state_of(self, repository: Repository, variant: Variant) -> str:
        if self.path_of(variant):
            return "here"
        if self.is_broken(repository, variant):
            return "broken"
        fetched = (repository.summary.repo, variant.name)
        return "coming" if any((e.repo, e.name) == fetched for e in self._reports) else ""

    def is_broken(self, repository: Repository, variant: Variant) -> bool:
        """Whether it is known that no engine could load the file."""
        known = self.fits.get((repository.summary.repo, variant.name))
        return known is not None and known.broken

    def path_of(self, variant: Variant) -> Path | None:
        """The file to load, if all of the variant is on this machine."""
        paths = [self._here.get(file.sha256) for file in variant.files if file.sha256]
        return paths[0] if paths and all(paths) and len(paths) == len(variant.files) else None

    @on(OptionList.OptionHighlighted, "VariantList")
    def _went_to_variant(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self._doubted = ""
        self._show_fit()

    def _show_fit(self) -> None:
        repository, variant = self.repository, self.variant
        shown = self.query_one("#find-fit", Lines)
        self.variants.show_here(is_here=variant is not None and self.path_of(variant) is not None)
        if repository is None or variant is None:
            shown.show([])
            return
        key = (repository.summary.repo, variant.name)
        known = self.fits.get(key)
        if variant.kind == "model" and not variant.missing and known is None:
            self.soon("price", lambda: self.appraise(repository, variant))
        problem = known.problem if known is not None else ""
        fit = self.fit(repository, variant)
        lines = rows.of_fit(variant, fit, problem, self._width, by=self._by)
        lines = lines[:_MOST_FIT_ROWS]
        shown.styles.height = max(_FIT_ROWS, len(lines)) + shown.gutter.height
        shown.show(lines)

    @property
    def _by(self) -> Content:
        """By what is reckoned."""
        beside = "swa_full" if self._values.get("swa_full") else ""
        return self.terms.words(
            self.own_terms,
            with_gpus=self.has_gpus,
            beside=beside,
            without="the loaded model's own preset" if self._is_apart else "",
        )

    def choose_terms(self, terms: Terms) -> None:
        """Judge by other terms: guesses at once, llama.cpp's word behind them."""
        if terms == self.terms:
            return
        self.reckon_by(terms)
        self._doubted = ""
        self.show_variants()
        repository, variant = self.repository, self.variant
        if repository is not None and variant is not None and variant.kind == "model":
            self.soon("price", lambda: self.appraise(repository, variant))

    def action_longer(self, steps: int) -> None:
        """Judge by a longer n_ctx, or a shorter one."""
        self.choose_terms(self.terms.longer(steps, self.own_terms))

    def action_next_cache(self) -> None:
        """Judge by the next types of the KV cache."""
        self.choose_terms(self.terms.next_cache(self.own_terms))

    def action_more_layers(self, steps: int) -> None:
        """Judge by more layers on the GPU, or fewer."""
        self.choose_terms(self.terms.more_layers(steps, self.own_terms))

    def action_own_terms(self) -> None:
        """Judge by what the parameter pane says."""
        self.choose_terms(self.own_terms)

    def on_appraised(self, message: Appraised) -> None:
        """The guess has its answer, be it by terms that are not wanted any more."""
        was_open = self.has_come_in(self._shown)
        self._answers[message.terms][message.key] = message
        if message.fit is not None and len(message.fit.places) > 1 and not self.has_gpus:
            self.has_gpus = True
            self.refresh_bindings()
        if self.has_come_in(self._shown) != was_open:
            self._show_facts()
        self.show_variants()

    def on_measured(self, _message: Measured) -> None:
        """There can be guesses now."""
        self.show_variants()

    def _show_card(self) -> None:
        known = self.looks.get(self._shown)
        card_of = (self._shown, max(20, self.card.scrollable_content_region.width))
        if known is None or known.card is None or self._card_of == card_of:
            return
        self._card_of = card_of
        self._draw_card(known.card or "*There is no model card.*", *card_of)

    @work(group="card", exclusive=True, description="lay out a card", exit_on_error=False)
    async def _draw_card(self, text: str, repo: str, width: int) -> None:
        # A long card takes half a second.
        lines = await self.in_thread(lambda: _laid_out(text, width))
        self.post_message(CardDrawn(repo, width, lines))

    def on_card_drawn(self, message: CardDrawn) -> None:
        """Show a card, if it is still the one that is wanted."""
        if (message.repo, message.width) == self._card_of:
            self.card.show(lambda _: message.lines)


def _laid_out(card: str, width: int) -> list[Content]:
    # Here: a parser takes long to import.
    from workbench.panes.chat import markdown

    lines: list[Content] = []
    for block in markdown.parse(readable(card)):
        lines += [line.content for line in block.lines(width)]
        lines.append(Content())
    return lines
