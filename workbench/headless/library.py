"""``workbench models list``, ``verify`` and ``rm``: the model files of this machine."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from workbench.headless.printing import size, table, tell
from workbench.models import checksum, duplicates, library, marks
from workbench.models.facts import Facts, FactsCache
from workbench.models.model_file import ModelFile
from workbench.models.naming import parameter_count
from workbench.models.removal import RemovalError, removal
from workbench.settings import config, paths
from workbench.untrusted import without_controls


class _NotFoundError(Exception):
    """No model, or more than one, is called so."""


def list_models(*, as_json: bool) -> int:
    """Print all models; returns the exit code."""
    known = marks.load(paths.model_marks())
    everywhere = _everything()
    models = known.ordered(everywhere)
    cache = FactsCache(paths.model_facts())
    unread = [model for model in models if cache.known(model) is None]
    if unread and sys.stderr.isatty() and not as_json:
        tell([f"reading {len(unread)} headers ..."])
    cache.fill(models, lambda _model, _facts: None)
    models = duplicates.merged(models, cache.known_sample, known.last_used)
    facts = [cache.look(model) for model in models]
    used = library.disk_use(everywhere)
    if as_json:
        listed = [_object(*each, known) for each in zip(models, facts, strict=True)]
        click.echo(json.dumps({"disk_use": used, "models": listed}, ensure_ascii=False))
        return 0
    rows = [_row(*each, known) for each in zip(models, facts, strict=True)]
    heads = ["model", "architecture", "parameters", "type", "n_ctx", "size", "used", "from"]
    for line in table(heads, rows):
        click.echo(line)
    click.echo(f"{len(models)} model{'s' * (len(models) != 1)}, {size(used)}")
    return 0


def verify(names: Sequence[str], *, as_json: bool) -> int:
    """Check models; 1 if one is not what it should be."""
    try:
        models = [_named(name) for name in names] or _everything()
    except _NotFoundError as error:
        tell([f"Error: {error}"])
        return 1
    found: list[dict[str, Any]] = []
    wrong = False
    for model in models:
        with _progress(model, shown=sys.stderr.isatty() and not as_json) as bar:

            def on_progress(done: int, _total: int, bar: Any = bar) -> bool:
                bar.update(done - bar.pos)
                return True

            checked = checksum.verify(model, on_progress)
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
    """Remove models, after asking; returns the exit code."""
    try:
        planned = [(model, removal(model)) for model in map(_named, names)]
    except (_NotFoundError, RemovalError) as error:
        tell([f"Error: {error}"])
        return 1
    freed = sum(plan.freed for _, plan in planned)
    if not yes:
        if not sys.stdin.isatty():
            tell(["Error: nobody is there to be asked; --yes removes without asking."])
            return 1
        for _, plan in planned:
            tell(without_controls(str(file)) for file in plan.files)
        if not click.confirm(f"Remove this, {size(freed)} in all?", err=True):
            return 1
    try:
        for _, plan in planned:
            plan.carry_out()
    except RemovalError as error:
        tell([f"Error: {error}"])
        return 1
    gone = [without_controls(model.name) for model, _ in planned]
    if as_json:
        click.echo(json.dumps({"removed": gone, "freed": freed}, ensure_ascii=False))
    else:
        click.echo(f"{', '.join(gone)} removed: {size(freed)} are free again.")
    return 0


def _everything() -> list[ModelFile]:
    settings, complaints = config.load(paths.config_file())
    tell(complaints)
    return library.everything(settings.folders())


def _named(name: str) -> ModelFile:
    """The model that is called so: by its path, its name, or its source and name."""
    path = Path(name).expanduser()
    found = [
        model
        for model in _everything()
        if path in (model.files or (model.path,))
        or name.removesuffix(".gguf") in (model.name, f"{model.source}/{model.name}")
    ] or library.named(path)
    if not found:
        raise _NotFoundError(f"there is no model {name}: see workbench models list")
    if len(found) > 1:
        listed = ", ".join(f"{model.source}/{model.name}" for model in found)
        raise _NotFoundError(f"there are several models {name}: say which, {listed}")
    return found[0]


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
        "sha256": list(model.hashes),
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
