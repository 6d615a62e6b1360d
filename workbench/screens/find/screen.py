"""Find models: what there is on the Hub, whether it fits, and what is being fetched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final

from textual import events, getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.message_pump import MessagePump
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from workbench.models.download.report import Report
from workbench.models.hub.errors import (
    HubDownError,
    HubError,
    OfflineError,
    RateLimitedError,
)
from workbench.models.hub.repository import Repository, Variant
from workbench.models.hub.search import MOST_EMPTY
from workbench.panes.browser import rows
from workbench.panes.field import KeyCame, type_ahead
from workbench.panes.key_line import KeyLine
from workbench.panes.lines import Lines
from workbench.panes.sheet import Sheet
from workbench.parameters.chosen import Chosen
from workbench.screens.find.details import DetailsScreen
from workbench.screens.find.fetcher import Fetcher
from workbench.screens.find.keys import KEYS
from workbench.screens.find.lists import (
    Column,
    DownloadList,
    ResultList,
    SearchField,
    VariantList,
)
from workbench.screens.find.messages import DownloadWanted, FetchWanted, Found, PaneWanted
from workbench.screens.find.terms import ToLoad
from workbench.screens.find.typed import Choice
from workbench.screens.jump import jump
from workbench.screens.layout import Side
from workbench.untrusted import without_controls

# So many rows before the last one the next page is asked for.
_AHEAD: Final = 10
# So many rows has the queue at most.
_MOST_DOWNLOADS: Final = 8
# How soon a Hub that is out of reach is asked again.
_AGAIN_SECONDS: Final = 5.0
_MUTED: Final = "$foreground-muted"


class FindScreen(DetailsScreen):
    """Gives back the file of a model to load, with what was chosen for it, or nothing."""

    BINDINGS: ClassVar[list[BindingType]] = KEYS

    field = getters.query_one(SearchField)
    downloads = getters.query_one(DownloadList)

    def __init__(
        self, below: MessagePump, fetcher: Fetcher, chosen: Chosen, *, reports: Sequence[Report]
    ) -> None:
        """``below`` is asked to fetch, and for what is to be done with downloads.

        ``chosen`` are the values in force, and ``reports`` the downloads there are already.
        """
        super().__init__(fetcher, chosen, reports=reports)
        self._below = below
        self._state = ""
        # From the wish to look for something until it is typed, wherever the focus is.
        self._looking = False
        # Why the last question has no answer.
        self._error: HubError | None = None
        self._n_empty = 0

    def compose(self) -> ComposeResult:
        with Horizontal(id="find-body"):
            with Column(id="find-left"):
                with Vertical(id="find-results", classes="pane") as pane:
                    pane.border_title = "Find models"
                    with Horizontal(id="find-search"):
                        yield Static("/ ", markup=False)
                        yield SearchField()
                    yield Lines(id="find-head")
                    yield Static(id="find-state", markup=False)
                    yield ResultList(id="find-list")
                with Vertical(id="find-downloads", classes="pane") as pane:
                    pane.border_title = "Downloads"
                    yield DownloadList(id="find-queue")
            with Column(id="find-details", classes="pane"):
                yield Lines(id="find-facts")
                yield VariantList(id="find-variants")
                yield Lines(id="find-fit")
                yield Sheet(id="find-card")
        yield KeyLine()

    def on_mount(self) -> None:
        self.field.placeholder = "words, author:NAME, owner/name:Q4_K_M or an address"
        # Whoever comes wants to type, and need not wait for the Hub.
        self.action_type()
        self.show_downloads(self._reports)
        self._ask()

    # ---- searching ---------------------------------------------------------------------------

    @on(Input.Changed, "SearchField")
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.soon("search", self._ask)

    @on(Input.Submitted, "SearchField")
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._accept()

    def _accept(self) -> None:
        self._looking = False
        if self._waiting_for("search") or self._error:
            self._ask()
        self.results.focus()

    @on(KeyCame)
    def _key_came(self, event: KeyCame) -> None:
        event.stop()
        if not self._looking:
            # The keys behind Enter were meant for the list.
            self.results.post_message(events.Key(event.key, event.character or None))
        elif event.key == "enter":
            self._accept()
        else:
            type_ahead(self.field, event)

    @on(ResultList.TypeWanted)
    @on(VariantList.TypeWanted)
    @on(DownloadList.TypeWanted)
    def _type(self, event: Message) -> None:
        event.stop()
        self.action_type()

    def _waiting_for(self, what: str) -> bool:
        return what in self._waiting

    def _ask(self) -> None:
        self.not_any_more("search")
        self.not_any_more("again")
        self.found = []
        self._error = None
        self._n_empty = 0
        self._say("Asking the Hub …")
        self._show_choice()
        self.search(self.field.value)

    def on_found(self, message: Found) -> None:
        """Show a page, or say why there is none."""
        if message.number != self.asked:
            return
        if message.error is not None:
            self._say_why(message.error)
            return
        assert message.page is not None
        n_known = len(self.found)
        by_name = {each.repo: each for each in self.found}
        for each in message.page.found:
            by_name.setdefault(each.repo, each)
        self.found = list(by_name.values())
        self.following = message.page.following
        self._n_empty = self._n_empty + 1 if len(self.found) == n_known else 0
        if self.following and 0 < self._n_empty < MOST_EMPTY:
            # A page of which nothing was meant: the next one may have more.
            self.search_on(self.field.value)
            return
        self._say("" if self.found else self._nothing)
        self._list()

    @property
    def _nothing(self) -> str:
        if self.choice.is_narrow:
            return f"Nothing was found, of {self.choice.words}: b and t choose others."
        return "Nothing was found: try fewer words."

    def _say_why(self, error: HubError) -> None:
        """A Hub that is out of reach is a state; it need not stay so."""
        # Until it has gone no cursor that nears the end asks for more.
        self._error = error
        if isinstance(error, RateLimitedError):
            self.soon("again", self._go_on, error.seconds)
        elif isinstance(error, (OfflineError, HubDownError)):
            self.soon("again", self._go_on, _AGAIN_SECONDS)
        self._say_error(error)

    def _say_error(self, error: HubError) -> None:
        key = "Enter" if self.field.has_focus else "r"
        then = f"{key} tries again."
        if isinstance(error, RateLimitedError):
            then = "It goes on by itself then."
        elif isinstance(error, (OfflineError, HubDownError)):
            then = f"It is tried again by itself; {key} does it now."
        self._say(f"{error} {then}")

    def on_descendant_focus(self) -> None:
        """Name the key that works where one is."""
        if self._error is not None:
            self._say_error(self._error)

    def _go_on(self) -> None:
        self.not_any_more("again")
        self._error = None
        if self.found and self.following:
            self.search_on(self.field.value)
        else:
            self._ask()

    def _say(self, state: str) -> None:
        self._state = without_controls(state)
        shown = self.query_one("#find-state", Static)
        shown.update(self._state)
        shown.display = bool(state)
        if not self.found:
            self._list()

    @property
    def state(self) -> str:
        """What is said in the place of what was found."""
        return self._state

    def _list(self) -> None:
        width = max(20, self.query_one("#find-results").content_region.width)
        head = Content.styled(f"{rows.summary_head(width):>{width - 1}}", _MUTED)
        self.query_one("#find-head", Lines).show([head] if self.found else [])
        self.results.show(
            [Option(rows.of_summary(each, width), id=each.repo) for each in self.found]
        )
        self.show_details()

    @on(OptionList.OptionHighlighted, "ResultList")
    def _went_to(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        if (
            self.following
            and self._error is None
            and event.option_index >= len(self.found) - _AHEAD
        ):
            self.search_on(self.field.value)
        self.show_details()

    # ---- fetching ----------------------------------------------------------------------------

    @on(OptionList.OptionSelected, "ResultList")
    def _to_files(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.add_class("-details")
        self.call_after_refresh(self.variants.focus)

    @on(OptionList.OptionSelected, "VariantList")
    def _fetch(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        # The keys behind it may have moved the cursor by now.
        repository, variant = self.repository, self.variant_named(event.option_id)
        if repository is None or variant is None:
            return
        if (path := self.path_of(variant)) is not None:
            self.dismiss(ToLoad(path, self.terms.apart(self.own_terms)))
            return
        if variant.missing:
            self._warn(f"{variant.missing} of its parts are missing in the repository.")
        elif (why := self._doubt(repository, variant)) and self._doubted != variant.name:
            self._doubted = variant.name
            self._warn(f"{why}: Enter once more fetches it all the same.")
        else:
            revision = self.revision(repository.summary.repo)
            self._below.post_message(FetchWanted(repository, variant, revision))

    def _doubt(self, repository: Repository, variant: Variant) -> str:
        """Why it would be of no use to fetch a file; empty if it may be."""
        if self.is_broken(repository, variant):
            return "It is no model that can be loaded"
        fit = self.fit(repository, variant)
        cannot = fit is not None and fit.verdict == "cannot"
        return "It cannot run on this machine" if cannot else ""

    @on(DownloadList.Wished)
    def _pass_on(self, event: DownloadList.Wished) -> None:
        event.stop()
        self._below.post_message(DownloadWanted(event.wish, event.number))

    def _warn(self, words: str) -> None:
        self.notify(words, severity="warning", timeout=5, markup=False)

    def show_library(self, here: Mapping[str, Path]) -> None:
        """Mark the files that are on this machine."""
        self._here = dict(here)
        if self.is_mounted:
            self.show_variants()

    def show_downloads(self, reports: Sequence[Report]) -> None:
        """Show the queue as it is now."""
        before = [(each.repo, each.name) for each in self._reports]
        self._reports = list(reports)
        # Not yet there, or not any more.
        if not (self.is_mounted and self.query("#find-downloads")):
            return
        pane = self.query_one("#find-downloads")
        pane.display = bool(reports)
        width = max(20, self.query_one("#find-results").content_region.width - 1)
        told = {
            each.id: [rows.of_download(each, width), *rows.why(each, width)] for each in reports
        }
        pane.styles.height = min(_MOST_DOWNLOADS, sum(map(len, told.values()))) + 2
        self.downloads.show(
            [Option(Content("\n").join(lines), id=number) for number, lines in told.items()]
        )
        self.downloads.show_states({each.id: each.state for each in reports})
        if not reports and self.downloads.has_focus:
            self.results.focus()
        if before != [(each.repo, each.name) for each in reports]:
            self.show_variants()

    # ---- keys --------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Downloads can be gone to where there are some, from anywhere else."""
        if action == "more_layers":
            return self.has_gpus
        return action != "downloads" or (bool(self._reports) and not self.downloads.has_focus)

    def action_back(self) -> None:
        """From the details to what was found, from there to where one came from."""
        nothing_typed = self.field.has_focus and not (self.found and self.field.value)
        was_in_list = self.results.has_focus or nothing_typed
        self.remove_class("-details")
        if was_in_list:
            self.dismiss(None)
        else:
            self.call_after_refresh(self.results.focus)

    def action_type(self) -> None:
        """Type what to look for."""
        self.remove_class("-details")
        self._looking = True
        self.field.focus()
        self.field.action_select_all()

    def action_leave_for(self, side: Side) -> None:
        """Leave for a pane of the screen below."""
        self.dismiss(None)
        self._below.post_message(PaneWanted(side))

    def action_order(self) -> None:
        """Another order."""
        self._choose(self.choice.next_sort())

    def action_sizes(self) -> None:
        """Another range of sizes."""
        self._choose(self.choice.next_sizes())

    def action_gated(self) -> None:
        """Gated ones, others, or both."""
        self._choose(self.choice.next_gated())

    def _show_choice(self) -> None:
        # What leaves models out holds for other words, too, and must be seen.
        style = "$warning" if self.choice.is_narrow else ""
        self.query_one("#find-results").border_subtitle = Content.styled(self.choice.words, style)

    def _choose(self, choice: Choice) -> None:
        self.choice = choice
        self._show_choice()
        self.soon("search", self._ask)

    def action_again(self) -> None:
        """Ask anew."""
        self._shown = ""
        self.forget_problems()
        if self._state or self.following or not self.found:
            self._go_on()
        else:
            self.show_details()

    def action_downloads(self) -> None:
        """Go to the queue."""
        self.remove_class("-details")
        self.call_after_refresh(self.downloads.focus)

    def action_jump(self) -> None:
        """Show a letter on everything that can be gone to."""
        jump(self)

    @on(Column.Widened)
    def _draw(self, event: Message) -> None:
        """Rows are as wide as there is room."""
        event.stop()
        if self.found:
            self._list()
        self.show_downloads(self._reports)
