"""Downloads that are not done: listed beside the models, and cancelled like them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from workbench.headless.printing import size, tell
from workbench.settings import paths
from workbench.untrusted import without_controls

if TYPE_CHECKING:
    from workbench.models.download.queue import Downloads
    from workbench.models.download.report import Report


def unfinished() -> list[Report]:
    """All of them, in their order; where the endpoint is none that is said, and they are not."""
    if not any(paths.downloads().glob("*.json")):
        # What speaks to the Hub need not be imported.
        return []
    from workbench.models.hub.errors import HubError

    try:
        with _queue() as queue:
            return queue.reports()
    except HubError as error:
        tell([str(error)])
        return []


def whole_name(report: Report) -> str:
    """What it is called, its repository before its name."""
    return f"{report.repo}/{report.name}"


def called(name: str, reports: Iterable[Report]) -> list[Report]:
    """The one of this whole name, or all of this name in any repository."""
    name = name.removesuffix(".gguf")
    whole = [report for report in reports if name == whole_name(report)]
    return whole or [
        report for report in reports if name in (report.name.rpartition("/")[2], report.name)
    ]


def cancel(report: Report) -> None:
    """Forget it, and throw away what was fetched of it. Raises OSError."""
    with _queue() as queue:
        queue.cancel(report.id)


def in_words(report: Report) -> str:
    """A line on one of them."""
    done = f"{size(report.done)} of {size(report.size)}"
    return without_controls(f"unfinished: {whole_name(report)}, {done}")


def as_object(report: Report) -> dict[str, Any]:
    """The same for ``--json``."""
    return {
        "name": without_controls(report.name),
        "source": without_controls(report.repo),
        "done": report.done,
        "size": report.size,
        "state": report.state,
        "note": without_controls(report.note),
    }


@contextmanager
def _queue() -> Iterator[Downloads]:
    from workbench.models.download.queue import Downloads
    from workbench.models.hub.client import HubClient

    # Not at work: nothing is fetched.
    with HubClient() as hub:
        yield Downloads(paths.downloads(), hub, tell=lambda _: None)
