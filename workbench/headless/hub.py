"""``workbench models search``, ``info`` and ``get``: their flags; what they do is loaded then."""

from __future__ import annotations

import re
from typing import Any, Final

import click

from workbench.models.hub.reference import Reference, read
from workbench.models.hub.said import line
from workbench.models.hub.wanted import SORTS, Search, Sort

_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([MBT]?)", re.IGNORECASE)
_UNITS: Final = {"": 1e9, "M": 1e6, "B": 1e9, "T": 1e12}
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


class _Sizes(click.ParamType[tuple[float | None, float | None]]):
    """A range of numbers of parameters: ``1B-8B``, ``-4B``, ``30B-``."""

    name = "range"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float | None, float | None]:
        low, dash, high = str(value).partition("-")
        bounds = [
            _SIZE.fullmatch(bound.strip()) if bound.strip() else None for bound in (low, high)
        ]
        told = [bool(low.strip()), bool(high.strip())]
        if not dash or not any(told) or [bound is not None for bound in bounds] != told:
            self.fail(f"'{value}' is no range of sizes: give 1B-8B, -4B or 30B-", param, ctx)
        smallest, largest = (
            float(bound[1]) * _UNITS[bound[2].upper()] if bound else None for bound in bounds
        )
        if smallest and largest and smallest > largest:
            self.fail(f"'{value}' holds nothing: give the smaller one first", param, ctx)
        return smallest, largest


@click.command()
@click.argument("text", default="")
@click.option("--author", default="", metavar="NAME", help="Only what this one has published.")
@click.option("--sort", type=click.Choice(SORTS), default="trending", show_default=True)
@click.option("--size", type=_Sizes(), metavar="RANGE", help="Parameters, such as 1B-8B or -4B.")
@click.option("--gated/--no-gated", default=None, help="Only what is gated, or what is not.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@_JSON
@click.pass_context
def search(
    context: click.Context,
    /,
    text: str,
    author: str,
    sort: Sort,
    size: tuple[float | None, float | None] | None,
    gated: bool | None,
    limit: int,
    as_json: bool,
) -> None:
    """Look for GGUF repositories on the Hugging Face Hub.

    That nothing is found is no error: it is said on standard error, and the exit code is 0.

    With --json: a list of objects with repo, n_parameters, architecture, n_ctx, downloads,
    likes, licence, updated and gated; 0 or "" where the Hub does not know it.
    """
    from workbench.headless.looking import search as search_headless

    smallest, largest = size or (None, None)
    wanted = Search(text, author, sort, smallest, largest, gated)
    context.exit(search_headless(wanted, limit=limit, as_json=as_json))


@click.command()
@click.argument("repo")
@click.option("--card", "with_card", is_flag=True, help="Print the model card as well.")
@_JSON
@click.pass_context
def info(context: click.Context, /, repo: str, with_card: bool, as_json: bool) -> None:
    """Describe REPO on the Hub: what it is, and its files by quantisation.

    Of a repository without GGUF files this is said on standard error, and the exit code is 0.

    With --json: an object with summary (as search gives it), commit, and variants: a list of
    objects with name, kind (model, projector or imatrix), quantisation, size in bytes, missing
    (parts that the repository lacks) and files, each with path, size and sha256; with --card
    also card.
    """
    from workbench.headless.looking import info as info_headless

    context.exit(info_headless(_reference(repo), with_card=with_card, as_json=as_json))


@click.command()
@click.argument("reference")
@click.option("--yes", "-y", is_flag=True, help="Ask nothing.")
@_JSON
@click.pass_context
def get(context: click.Context, /, reference: str, yes: bool, as_json: bool) -> None:
    """Fetch a model into the Hugging Face cache and print the path of the file to load.

    Before it asks, it says whether the model fits this machine, as `fit` does.

    REFERENCE is owner/name, owner/name:Q4_K_M, owner/name/file.gguf or an address of the Hub. A
    download that was interrupted goes on where it was. Of a model that is here already a newer
    version is fetched, if the Hub has one, after asking; --model takes what is here and asks
    nobody.

    With --json: an object with repo, name, quantisation, size in bytes, and path (of a split
    model, of its first part).
    """
    from workbench.headless.looking import get as get_headless

    _, values, _ = context.find_root().obj
    context.exit(get_headless(_reference(reference), values=values, yes=yes, as_json=as_json))


def _reference(text: str) -> Reference:
    from huggingface_hub import constants

    if (reference := read(text, constants.ENDPOINT)) is None:
        raise click.UsageError(
            f"'{line(text)}' names nothing on the Hub: give owner/name, owner/name:Q4_K_M, "
            "owner/name/file.gguf or the address of its page"
        )
    return reference
