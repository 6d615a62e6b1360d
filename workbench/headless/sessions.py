"""``workbench sessions``: the conversations that are kept, without a screen."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.settings import paths

if TYPE_CHECKING:
    from workbench.screens.exporting import Form
    from workbench.sessions.documents import Document
    from workbench.sessions.listing import Summary
    from workbench.sessions.search import Hit
    from workbench.sessions.store import Store

_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_which = click.argument("references", metavar="CONVERSATION...", nargs=-1)


@click.group()
def sessions() -> None:
    """Conversations: list, show, search, export, import, remove.

    A CONVERSATION is meant by its number, its title, or a part of that.
    """


@sessions.command("list")
@click.argument("title", required=False, default="")
@click.option("--deleted", is_flag=True, help="Those that were removed and can be had back.")
@_as_json
def list_(title: str, deleted: bool, as_json: bool) -> None:
    """List conversations, pinned and newest first; with TITLE those that have these words in it."""
    from workbench.sessions.conversation import to_the_minute

    found: list[Summary] = []
    with _store() as store:
        if store is not None:
            found = store.summaries(titled=title, deleted=deleted)
    if as_json:
        _print_json(found)
        return
    for each in found:
        mark = "*" if each.pinned else " "
        click.echo(
            f"{each.id:5} {mark} {to_the_minute(each.updated)} {each.n_messages:5}  {each.title}"
        )
    if not found:
        click.echo("There are no conversations.", err=True)


@sessions.command()
@click.argument("reference", metavar="CONVERSATION")
@_as_json
def show(reference: str, as_json: bool) -> None:
    """Print a conversation."""
    with _some_store() as store:
        document = store.document(store.named(reference))
    click.echo(_written([document], "json" if as_json else "text"), nl=False)


@sessions.command()
@click.argument("words", nargs=-1, required=True)
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000))
@_as_json
def search(words: tuple[str, ...], limit: int, as_json: bool) -> None:
    """Find messages in which all WORDS are said; words in quotation marks follow each other."""
    found: list[Hit] = []
    with _store() as store:
        if store is not None:
            # The shell has taken the quotation marks away.
            quoted = (
                f'"{each}"' if " " in each.strip() and '"' not in each else each for each in words
            )
            found = store.search(" ".join(quoted), limit=limit)
    if as_json:
        _print_json(found)
        return
    for each in found:
        click.echo(f"{each.conversation:5} {click.style(each.title, bold=True)}")
        snippet = "".join(
            click.style(piece.text, reverse=True) if piece.is_hit else piece.text
            for piece in each.snippet
        )
        click.echo(f"      {each.role}: {snippet}")
    if not found:
        click.echo("Nothing was found.", err=True)


@sessions.command()
@_which
@click.option("--all", "everything", is_flag=True, help="All conversations, as JSON.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["markdown", "json", "text", "script"]),
    help="script: a Python script that has llama-cpp-python give the last answer once more. "
    "[default: what the file's suffix says, else markdown]",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file; without it standard output.",
)
@click.option("--force", "-f", is_flag=True, help="Write over a file that is there.")
def export(
    references: tuple[str, ...],
    everything: bool,
    form: Form | None,
    output: Path | None,
    force: bool,
) -> None:
    """Write conversations as Markdown, JSON, plain text, or a Python script."""
    if bool(references) == everything:
        raise click.UsageError("say which conversations, or --all")
    if form is None:
        from workbench.screens.exporting import form_of

        form = (form_of(output) if output else None) or ("json" if everything else "markdown")
    if form != "json" and (everything or len(references) > 1):
        raise click.UsageError("several conversations go into one file as JSON only")
    if output is not None and output.is_file() and not force:
        raise click.ClickException(f"{output} is there already: --force writes over it")
    with _some_store() as store:
        numbers = (
            [each.id for each in store.summaries()]
            if everything
            else [store.named(each) for each in references]
        )
        documents = [store.document(number) for number in numbers]
    text = _written(documents, form)
    if output is None:
        click.echo(text, nl=False)
        return
    from workbench import whole

    try:
        # As any program's output it is for whom the umask says.
        whole.write(output, text, mode=0o666)
    except OSError as error:
        raise click.ClickException(f"cannot write {output}: {error.strerror}") from error


@sessions.command("import")
@click.argument(
    "files",
    metavar="FILE...",
    nargs=-1,
    required=True,
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
)
@_as_json
def import_(files: tuple[Path, ...], as_json: bool) -> None:
    """Take in conversations: Workbench's JSON, or lists of messages as OpenAI has them.

    With '-' standard input is read. Nothing is taken in if one of the files is wrong.
    """
    from workbench.sessions import documents

    found: list[Document] = []
    for file in files:
        try:
            data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
            read, notes = documents.from_json(data.decode("utf-8"))
        except OSError as error:
            raise click.ClickException(f"cannot read {file}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise click.ClickException(f"{file} is no text in UTF-8") from error
        except documents.DocumentError as error:
            raise click.ClickException(f"{file}: {error}.") from error
        for note in notes:
            click.echo(f"{file}: {note}", err=True)
        found += read
    with _some_store(make=True) as store:
        added = [store.summary(store.add(document)) for document in found]
    if as_json:
        _print_json(added)
        return
    for each in added:
        click.echo(f"{each.id:5}   {each.title}")


@sessions.command()
@_which
@click.option("--undo", is_flag=True, help="Have back what was removed in the last 30 days.")
@click.option("--for-good", is_flag=True, help="Do not keep it for 30 days.")
def rm(references: tuple[str, ...], undo: bool, for_good: bool) -> None:
    """Remove conversations; for 30 days they can be had back."""
    if not references:
        raise click.UsageError("say which conversations")
    if undo and for_good:
        raise click.UsageError("--undo and --for-good are opposites")
    from workbench.sessions.states import States

    with _some_store() as store:
        numbers = [store.named(each, deleted=undo) for each in references]
        if for_good:
            store.remove(*numbers)
        else:
            for number in numbers:
                (store.restore if undo else store.delete)(number)
        if not undo:
            states = States(paths.states())
            for number in numbers:
                states.remove(number)
    if not undo and not for_good:
        listed = " ".join(map(str, numbers))
        click.echo(f"workbench sessions rm --undo {listed} brings back what was removed.", err=True)


def meant(reference: str | None, *, latest: bool = False) -> int | None:
    """The conversation of this number or title, or the one that was written to last."""
    if reference is not None:
        with _some_store() as store:
            return store.named(reference)
    if latest:
        with _store() as store:
            return store.latest() if store is not None else None
    return None


# ---- the store -------------------------------------------------------------------------------


@contextmanager
def _store(*, make: bool = False) -> Iterator[Store | None]:
    """The store; None if nothing was ever kept. Its errors are said in a sentence."""
    from workbench.sessions.database import StoreDamagedError, StoreError
    from workbench.sessions.store import Store

    file = paths.sessions()
    if not make and not file.exists():
        yield None
        return
    try:
        with Store(file) as store:
            yield store
    except StoreDamagedError as error:
        raise click.ClickException(
            f"{error} The app keeps it aside and begins a new one; the program sqlite3 may get "
            f"more out of it: sqlite3 {file} .recover"
        ) from error
    except StoreError as error:
        raise click.ClickException(str(error)) from error


@contextmanager
def _some_store(*, make: bool = False) -> Iterator[Store]:
    with _store(make=make) as store:
        if store is None:
            raise click.ClickException("There are no conversations yet.")
        yield store


# ---- what is printed -------------------------------------------------------------------------


def _written(documents: Sequence[Document], form: Form) -> str:
    from workbench.screens import exporting

    try:
        return exporting.written(documents, form)
    except exporting.ExportError as error:
        said = str(error)
        raise click.ClickException(f"{said[:1].upper()}{said[1:]}.") from error


def _print_json(found: Any) -> None:
    import msgspec

    click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
