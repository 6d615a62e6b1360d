"""What the Hub has, printed: what a search finds, what a repository holds."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

import click
import msgspec

from workbench.headless.fetching import fetched
from workbench.headless.printing import show, size, table, tell
from workbench.models import library
from workbench.models.hub.client import HubClient
from workbench.models.hub.errors import HubError
from workbench.models.hub.reference import Reference, read
from workbench.models.hub.repository import Repository, Variant, card, chosen, look
from workbench.models.hub.search import MOST_EMPTY, Summary
from workbench.models.hub.search import search as search_hub
from workbench.models.hub.wanted import Search
from workbench.models.naming import parameter_count
from workbench.parameters.kinds import Values
from workbench.untrusted import is_there, named_file


def search(wanted: Search, *, limit: int, as_json: bool) -> int:
    """Print the first ``limit`` that are found; the exit code."""

    def find(hub: HubClient) -> int:
        named = read(wanted.text, hub.endpoint)
        asked = msgspec.structs.replace(wanted, text=named.repo) if named else wanted
        page = search_hub(hub, asked)
        found = list(page.found)
        n_empty = 0
        while page.following and len(found) < limit and n_empty < MOST_EMPTY:
            page = search_hub(hub, asked, page.following)
            new = [each for each in page.found if each not in found]
            n_empty = 0 if new else n_empty + 1
            found += new
        found = found[:limit]
        if as_json:
            _print_json(found)
        elif found:
            is_wide = shutil.get_terminal_size().columns >= _WIDE
            show(
                table(
                    [_row(each, with_dates=is_wide) for each in found],
                    heads=_titles(with_dates=is_wide),
                )
            )
        else:
            tell(["Nothing was found."])
        return 0

    return _asked(find)


# There is room for the date of the last change, too.
_WIDE: Final = 120
_FACTS_WIDTH: Final = 14
_ROW_TITLES: Final = ("repository", "size", "architecture", "context", "downloads", "likes")


def _titles(*, with_dates: bool) -> tuple[str, ...]:
    return (*_ROW_TITLES, *(["updated"] if with_dates else []), "")


def _row(found: Summary, *, with_dates: bool) -> tuple[str, ...]:
    return (
        found.repo,
        parameter_count(found.n_parameters),
        found.architecture,
        f"{found.n_ctx:,}" if found.n_ctx else "",
        f"{found.downloads:,}",
        f"{found.likes:,}",
        *([found.updated] if with_dates else []),
        "gated" if found.gated else "",
    )


def info(reference: Reference, *, with_card: bool, as_json: bool) -> int:
    """Print what is known of a repository; the exit code."""

    def describe(hub: HubClient) -> int:
        found = look(hub, reference.repo, reference.revision)
        text = card(hub, reference.repo, found.commit) if with_card else ""
        if as_json:
            _print_json({**msgspec.to_builtins(found), **({"card": text} if with_card else {})})
            return 0
        _print_repository(found)
        if text:
            click.echo(f"\n{text}")
        return 0

    return _asked(describe)


def _print_repository(found: Repository) -> None:
    summary = found.summary
    facts = (
        ("size", parameter_count(summary.n_parameters)),
        ("architecture", summary.architecture),
        ("context", f"{summary.n_ctx:,}" if summary.n_ctx else ""),
        ("licence", summary.licence),
        ("downloads", f"{summary.downloads:,}"),
        ("likes", f"{summary.likes:,}"),
        ("updated", summary.updated),
        ("gated", "yes: its conditions are to be accepted first" if summary.gated else ""),
    )
    click.echo(summary.repo)
    show(f"  {name:<{_FACTS_WIDTH}}{value}" for name, value in facts if value)
    if not found.variants:
        tell(["It has no GGUF file."])
        return
    click.echo()
    show(table([_variant_row(each) for each in found.variants]))


def _variant_row(variant: Variant) -> tuple[str, ...]:
    n_files = len(variant.files)
    return (
        f"  {variant.quantisation or '-'}",
        size(variant.size),
        "" if variant.kind == "model" else variant.kind,
        variant.files[0].path if n_files == 1 else f"{variant.name} ({n_files} parts)",
        variant.incomplete,
    )


def get(reference: Reference, *, values: Values, yes: bool, as_json: bool) -> int:
    """Fetch what is named, and print its path; the exit code.

    Who is asked is told how it fits, loaded with ``values``.
    """

    def fetch_it(hub: HubClient) -> int:
        found = look(hub, reference.repo, reference.revision)
        variant = chosen(found, reference)
        there = fetched(hub, found, variant, reference.revision, values=values, yes=yes)
        if isinstance(there, int):
            return there
        said = {
            "repo": found.summary.repo,
            "name": variant.name,
            "quantisation": variant.quantisation,
            "size": variant.size,
            "path": str(there),
        }
        click.echo(json.dumps(said, ensure_ascii=False) if as_json else str(there))
        return 0

    return _asked(fetch_it)


def model_file(model: str, *, values: Values, yes: bool) -> str | int:
    """What ``--model`` names, as a path if it is on the Hub: it is fetched then, after asking.

    Or the exit code, if it could not be. What is here already needs no Hub. ``values`` are what
    it will be loaded with.
    """
    from huggingface_hub import constants

    reference = read(model, constants.ENDPOINT)
    # A path that looks like a repository's name is a path.
    if reference is None or is_there(named_file(model)):
        return model
    if (here := library.cached(reference)) is not None:
        return str(here.path)
    there: list[Path] = []

    def fetch_it(hub: HubClient) -> int:
        found = look(hub, reference.repo, reference.revision)
        variant = chosen(found, reference)
        path = fetched(hub, found, variant, reference.revision, values=values, yes=yes)
        if isinstance(path, int):
            return path
        there.append(path)
        return 0

    code = _asked(fetch_it)
    return str(there[0]) if there else code


def _asked(question: Callable[[HubClient], int]) -> int:
    """Ask the Hub; returns the exit code."""
    try:
        with HubClient() as hub:
            return question(hub)
    except HubError as error:
        tell([f"Error: {error}"])
        return 1


def _print_json(found: object) -> None:
    click.echo(json.dumps(msgspec.to_builtins(found), ensure_ascii=False))
