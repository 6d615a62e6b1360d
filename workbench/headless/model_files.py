"""``workbench models``: the files that are there, and whether one fits."""

from __future__ import annotations

from typing import Final

import click

from workbench.headless.flags import with_flags
from workbench.parameters.kinds import Value
from workbench.parameters.loading import LOADING

_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.command()
@click.argument("reference", metavar="REPO_OR_PATH")
@_as_json
@with_flags(LOADING)
@click.pass_context
def fit(context: click.Context, /, reference: str, as_json: bool, **flags: Value | None) -> None:
    """Say what a model would take of this machine, and whether it fits.

    REPO_OR_PATH is a file, a name as `list` gives it, or a model on the Hub: owner/name,
    owner/name:Q4_K_M, owner/name/file.gguf. Of those only the header is fetched.
    """
    from workbench.headless.fit import fit as fit_headless

    _, chosen, _ = context.find_root().obj
    given = {key: value for key, value in flags.items() if value is not None}
    context.exit(fit_headless(reference, {**chosen, **given}, as_json=as_json))


@click.command("list")
@_as_json
@click.pass_context
def list_models(context: click.Context, /, as_json: bool) -> None:
    """List every model on this machine: Workbench's, the Hub's cache, other programs'."""
    from workbench.headless.library import list_models as list_headless

    context.exit(list_headless(as_json=as_json))


@click.command()
@click.argument("models", metavar="[MODEL]...", nargs=-1)
@_as_json
@click.pass_context
def verify(context: click.Context, /, models: tuple[str, ...], as_json: bool) -> None:
    """Read models and hold them against the SHA-256 they were published with; all by default."""
    from workbench.headless.library import verify as verify_headless

    context.exit(verify_headless(models, as_json=as_json))


@click.command()
@click.argument("models", metavar="MODEL...", nargs=-1, required=True)
@click.option("--yes", "-y", is_flag=True, help="Ask nothing.")
@_as_json
@click.pass_context
def rm(context: click.Context, /, models: tuple[str, ...], yes: bool, as_json: bool) -> None:
    """Remove models from the disk; a download that is not done is cancelled."""
    from workbench.headless.library import remove

    context.exit(remove(models, yes=yes, as_json=as_json))


COMMANDS: Final[tuple[click.Command, ...]] = (fit, list_models, verify, rm)
