"""Searching the Hub for GGUF repositories, a page at a time."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from workbench.models.hub.client import HubClient, Query
from workbench.models.hub.errors import NotAHubError
from workbench.models.hub.said import is_repo, line
from workbench.models.hub.wanted import Search

# The Hub's own words for them.
_SORTS: Final = {
    "trending": "trendingScore",
    "downloads": "downloads",
    "likes": "likes",
    "updated": "lastModified",
}
# Where so many pages after each other hold nothing that was meant, the next ones will not either.
MOST_EMPTY: Final = 10
_PAGE: Final = 30
_EXPAND: Final = ["gguf", "downloads", "likes", "lastModified", "gated", "tags"]
_LICENCE: Final = "license:"


class Summary(msgspec.Struct, frozen=True):
    """A repository in a list.

    ``n_parameters`` and ``n_ctx`` (the context that it was trained with) are 0 where the Hub
    does not know them; ``updated`` is a date, ``2026-09-30``.
    """

    repo: str
    n_parameters: int = 0
    architecture: str = ""
    n_ctx: int = 0
    downloads: int = 0
    likes: int = 0
    licence: str = ""
    updated: str = ""
    gated: bool = False


class Page(msgspec.Struct, frozen=True):
    """Some of what was found, and where the rest is; ``following`` is empty on the last page."""

    found: tuple[Summary, ...]
    following: str = ""


def search(hub: HubClient, wanted: Search, following: str = "") -> Page:
    """The first page, or the one that an earlier page names. Blocks; raises HubError."""
    # No token: a search gives no more by it, and one that is no longer valid spoils it.
    if following:
        answer, rest = hub.json(following, with_token=False)
    else:
        answer, rest = hub.json("api/models", _query(wanted), with_token=False)
    if not isinstance(answer, list):
        raise NotAHubError(f"{hub.endpoint} answers a search with something else than a list.")
    found = [each for each in map(summary, answer) if each and _fits(each, wanted)]
    return Page(tuple(found), rest)


def _query(wanted: Search) -> Query:
    query: dict[str, str | list[str]] = {
        "filter": "gguf",
        "sort": _SORTS[wanted.sort],
        "limit": str(_PAGE),
        "expand": _EXPAND,
    }
    if wanted.text:
        query["search"] = wanted.text
    if wanted.author:
        query["author"] = wanted.author
    if wanted.gated is not None:
        query["gated"] = "true" if wanted.gated else "false"
    bounds = (("min", wanted.smallest), ("max", wanted.largest))
    if sizes := [f"{which}:{bound / 1e9:g}B" for which, bound in bounds if bound is not None]:
        query["num_parameters"] = ",".join(sizes)
    return query


def _fits(found: Summary, wanted: Search) -> bool:
    """The Hub goes by its own count of the parameters; the files' own is nearer."""
    if not found.n_parameters:
        return True
    smallest, largest = wanted.smallest or 0.0, wanted.largest or float("inf")
    return smallest <= found.n_parameters <= largest


def summary(answer: Any) -> Summary | None:
    """A repository as the Hub describes it; None if that is no description."""
    if not isinstance(answer, dict):
        return None
    repo = answer.get("id") or answer.get("modelId")
    if not isinstance(repo, str) or not is_repo(repo):
        return None
    gguf = answer.get("gguf")
    gguf = gguf if isinstance(gguf, dict) else {}
    tags = answer.get("tags")
    licences = [
        tag.removeprefix(_LICENCE)
        for tag in (tags if isinstance(tags, list) else [])
        if isinstance(tag, str) and tag.startswith(_LICENCE)
    ]
    return Summary(
        repo=repo,
        n_parameters=_count(gguf.get("total")),
        architecture=line(gguf.get("architecture")),
        n_ctx=_count(gguf.get("context_length")),
        downloads=_count(answer.get("downloads")),
        likes=_count(answer.get("likes")),
        licence=line(licences[0]) if licences else "",
        updated=line(answer.get("lastModified"))[:10],
        gated=bool(answer.get("gated")),
    )


def _count(value: Any) -> int:
    return value if isinstance(value, int) and 0 <= value < 1 << 63 else 0
