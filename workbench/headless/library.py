"""``workbench models list``, ``verify`` and ``rm``: the model files of this machine."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.headless import unfinished
from workbench.headless.printing import show, size, table, tell
from workbench.models import checksum, duplicates, library, marks
from workbench.models.facts import Facts, FactsCache
from workbench.models.model_file import ModelFile
from workbench.models.naming import parameter_count
from workbench.models.removal import RemovalError, removal
from workbench.settings import config, paths
from workbench.untrusted import named_file, without_controls

if TYPE_CHECKING:
    from workbench.models.download.report import Report


class _NotFoundError(Exception):
    """No model, or more than one, is called so."""


def list_models(*, as_json: bool) -> int:
    """Print all models; returns the exit code."""
    known = marks.load(paths.model_marks())
    cache = FactsCache(paths.model_facts())
    folders = _folders()
    models = library.everything(folders, cache, known)
    unread = [model for model in models if cache.known(model) is None]
    if unread and sys.stderr.isatty() and not as_json:
        tell([f"reading {len(unread)} headers ..."])
    if cache.fill(models, lambda _model, _facts: None):
        models = library.everything(folders, cache, known)
    models = known.ordered(models)
    facts = [cache.look(model) for model in models]
    used = library.disk_use(models)
    if as_json:
        listed = [
            {**_object(*each, known), "sha256": list(cache.hashes(each[0]))}
            for each in zip(models, facts, strict=True)
        ]
        begun = [unfinished.as_object(each) for each in unfinished.unfinished()]
        told = {"disk_use": used, "models": listed, "unfinished": begun}
        click.echo(json.dumps(told, ensure_ascii=False))
        return 0
    rows = [_row(*each, known) for each in zip(models, facts, strict=True)]
    heads = ["model", "architecture", "parameters", "type", "n_ctx", "size", "used", "from"]
    show(table(rows, heads=heads))
    click.echo(f"{len(models)} model{'s' * (len(models) != 1)}, {size(used)}")
    for report in unfinished.unfinished():
        click.echo(unfinished.in_words(report))
    return 0


def verify(names: Sequence[str], *, as_json: bool) -> int:
    """Check models; 1 if one is not what it should be."""
    try:
        models = [_named(name) for name in names] or _all_files()
    except _NotFoundError as error:
        tell([f"Error: {error}"])
        return 1
    cache = FactsCache(paths.model_facts())
    found: list[dict[str, Any]] = []
    wrong = False
    for model in models:
        with _progress(model, shown=sys.stderr.isatty() and not as_json) as bar:

            def on_progress(done: int, _total: int, bar: Any = bar) -> bool:
                bar.update(done - bar.pos)
                return True

            checked = checksum.verify(model, on_progress, cache)
        for each in checked:
            wrong = wrong or each.outcome in ("wrong", "unread")
            found.append(
                {
                    "model": without_controls(model.name),
                    "file": without_controls(str(each.file)),
                    "sha256": each.sha256,
                    "outcome": each.outcome,
                    "why": without_controls(each.why),
                }
            )
            if not as_json:
                words = _OUTCOMES[each.outcome] + each.why
                click.echo(without_controls(f"{each.file}: {words}"))
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    return int(wrong)


_OUTCOMES = {
    "right": "right",
    "wrong": "wrong: ",
    "unread": "not verified: ",
    "unknown": "whole; nothing tells what its SHA-256 should be",
    "stopped": "not read to the end",
}


def remove(names: Sequence[str], *, yes: bool, as_json: bool) -> int:
    """Remove models and downloads that are not done, after asking; returns the exit code."""
    reports = unfinished.unfinished()
    try:
        begun = {name: report for name in names if (report := _unfinished(name, reports))}
        others = [name for name in names if name not in begun]
        planned = [(model, removal(model)) for model in map(_named, others)]
    except (_NotFoundError, RemovalError) as error:
        tell([f"Error: {error}"])
        return 1
    freed = sum(plan.freed for _, plan in planned)
    freed += sum(report.done for report in begun.values())
    if not yes:
        if not sys.stdin.isatty():
            tell(["Error: nobody is there to be asked; --yes removes without asking."])
            return 1
        for _, plan in planned:
            tell(without_controls(str(file)) for file in plan.files)
        tell(map(unfinished.in_words, begun.values()))
        if not click.confirm(f"Remove this, {size(freed)} in all?", err=True):
            return 1
    try:
        for _, plan in planned:
            plan.carry_out()
        for report in begun.values():
            unfinished.cancel(report)
    except (RemovalError, OSError) as error:
        tell([f"Error: {error}"])
        return 1
    gone = [without_controls(model.name) for model, _ in planned]
    gone += [without_controls(report.name) for report in begun.values()]
    if as_json:
        click.echo(json.dumps({"removed": gone, "freed": freed}, ensure_ascii=False))
    else:
        click.echo(f"{', '.join(gone)} removed: {size(freed)} are free again.")
    return 0


def _folders() -> list[Path]:
    settings, complaints = config.load(paths.config_file())
    folders = settings.folders()
    tell([*complaints, *map(without_controls, library.closed(folders))])
    return folders


def _all_files() -> list[ModelFile]:
    """The models with all their copies: that one is right says nothing of another."""
    found: dict[object, ModelFile] = {}
    for model in library.each_place(_folders()):
        found.setdefault(duplicates.inodes(model), model)
    return list(found.values())


def _unfinished(name: str, reports: Sequence[Report]) -> Report | None:
    """The download that is called so, if any is. Raises _NotFoundError if a model is, too."""
    found = unfinished.called(name, reports)
    if not found:
        return None
    wholes = [unfinished.whole_name(report) for report in found]
    if name.removesuffix(".gguf") not in wholes:
        wholes += [str(model.path) for model in _called(name)]
    if len(wholes) > 1:
        raise _NotFoundError(f"there are several called {name}: say which, {', '.join(wholes)}")
    return found[0]


def _called(name: str) -> list[ModelFile]:
    folders = _folders()
    return (
        [model for model in library.everything(folders) if _is_called(model, name)]
        # A copy may have a name of its own.
        or [model for model in library.each_place(folders) if _is_called(model, name)]
        or library.named(named_file(name))
    )


def _named(name: str) -> ModelFile:
    """The model that is called so: by its path, its name, or its source and name."""
    found = _called(name)
    if not found:
        raise _NotFoundError(f"there is no model {name}: see workbench models list")
    if len(found) > 1:
        listed = [f"{model.source}/{model.name}" for model in found]
        if len(set(listed)) < len(listed):
            listed = [str(model.path) for model in found]
        raise _NotFoundError(f"there are several models {name}: say which, {', '.join(listed)}")
    return found[0]


def _is_called(model: ModelFile, name: str) -> bool:
    if named_file(name) in (model.files or (model.path,)):
        return True
    return name.removesuffix(".gguf") in (model.name, f"{model.source}/{model.name}")


def _progress(model: ModelFile, *, shown: bool) -> Any:
    return click.progressbar(
        length=model.size, label=without_controls(model.name), file=sys.stderr, hidden=not shown
    )


def _object(model: ModelFile, facts: Facts, known: marks.Marks) -> dict[str, Any]:
    return {
        "name": without_controls(model.name),
        "path": without_controls(str(model.path)),
        "source": without_controls(model.source),
        "also": [without_controls(each) for each in model.also],
        "size": model.size,
        "missing": model.missing,
        "architecture": facts.architecture,
        "n_params": facts.n_params,
        "quantisation": facts.quantisation or model.quantisation,
        "n_ctx": facts.n_ctx,
        "problem": facts.problem,
        "last_used": known.last_used(model) or None,
        "favourite": known.is_favourite(model),
    }


def _row(model: ModelFile, facts: Facts, known: marks.Marks) -> list[str]:
    used = known.last_used(model)
    return [
        ("* " if known.is_favourite(model) else "") + without_controls(model.name),
        facts.architecture,
        parameter_count(facts.n_params),
        facts.quantisation or model.quantisation,
        str(facts.n_ctx or ""),
        size(model.size),
        datetime.fromtimestamp(used).strftime("%Y-%m-%d") if used else "",
        without_controls(model.incomplete or facts.problem or model.source),
    ]
