"""What the find screen's workers post, and what it asks of the screen below."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from textual.content import Content
from textual.message import Message

from workbench.screens.find.lists import DownloadWish
from workbench.screens.find.terms import Terms
from workbench.screens.layout import Side

if TYPE_CHECKING:
    # What speaks to the Hub takes a fifth of the time in which the app starts.
    from workbench.models.download.queue import Downloads
    from workbench.models.download.report import Report
    from workbench.models.fit import Fit
    from workbench.models.hub.errors import HubError
    from workbench.models.hub.repository import Repository, Variant
    from workbench.models.hub.search import Page


class Found(Message):
    """A page of the search of this ``number`` is here, or why there is none."""

    def __init__(self, number: int, page: Page | None, error: HubError | None = None) -> None:
        super().__init__()
        self.number = number
        self.page = page
        self.error = error


class Looked(Message):
    """A repository has been looked at; ``card`` is None where it is still to come.

    ``gate`` says what a person has to do before anything can be fetched; empty if it is open.
    """

    def __init__(
        self,
        repo: str,
        repository: Repository | None,
        card: str | None = None,
        error: HubError | None = None,
        gate: str = "",
    ) -> None:
        super().__init__()
        self.repo = repo
        self.repository = repository
        self.card = card
        self.error = error
        self.gate = gate


class Appraised(Message):
    """It is known what a file would take by these terms, or why it is not.

    ``lasting`` says that no other terms would change that; of a ``broken`` one it is never known.
    """

    def __init__(
        self,
        key: tuple[str, str],
        terms: Terms,
        fit: Fit | None,
        problem: str = "",
        *,
        lasting: bool = False,
        broken: bool = False,
    ) -> None:
        super().__init__()
        self.key = key
        self.terms = terms
        self.fit = fit
        self.problem = problem
        self.lasting = lasting
        self.broken = broken


class Measured(Message):
    """It is known what this machine has."""


class CardDrawn(Message):
    """A card is laid out for so many columns."""

    def __init__(self, repo: str, width: int, lines: list[Content]) -> None:
        super().__init__()
        self.repo = repo
        self.width = width
        self.lines = lines


class FetchWanted(Message):
    """A person wants a file of a repository."""

    def __init__(self, repository: Repository, variant: Variant, revision: str) -> None:
        super().__init__()
        self.repository = repository
        self.variant = variant
        self.revision = revision


class DownloadWanted(Message):
    """A download is to be paused, cancelled, or moved."""

    def __init__(self, wish: DownloadWish, number: str) -> None:
        super().__init__()
        self.wish = wish
        self.number = number


class PaneWanted(Message):
    """A person wants to leave for a pane of the screen below."""

    def __init__(self, side: Side) -> None:
        super().__init__()
        self.side = side


class DownloadReported(Message):
    """How a download is now."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self.report = report


class DownloadsListed(Message):
    """All downloads, in their order; ``resumed`` those that go on from the last time."""

    def __init__(self, reports: Sequence[Report], *, resumed: bool = False) -> None:
        super().__init__()
        self.reports = reports
        self.resumed = resumed


class DownloadsFailed(Message):
    """The queue cannot be kept on the disk, or the Hub not be asked."""

    def __init__(self, problem: str) -> None:
        super().__init__()
        self.problem = problem


ToQueue: TypeAlias = "Callable[[Downloads], object]"
"""Something to be done with the queue; it may block for a moment."""
