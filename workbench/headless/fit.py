"""``workbench models fit``: what a model would take, by llama.cpp's own allocator."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import click
import msgspec

from workbench.engine.client import EngineClient, EngineDied
from workbench.engine.machine import Machine
from workbench.engine.protocol import Failed, ModelSource, Priced
from workbench.headless.printing import failed, show, size, table, tell, to_the_end
from workbench.models import fit as fits
from workbench.models import library, remote
from workbench.models.bandwidth import bandwidth
from workbench.models.fit import Fit
from workbench.models.gguf import GgufError
from workbench.models.guess import guessed_of
from workbench.models.hub import reference as references
from workbench.models.hub import repository
from workbench.models.hub.client import HubClient
from workbench.models.hub.errors import GatedError, HubError
from workbench.models.hub.repository import Repository, Variant
from workbench.models.naming import parameter_count
from workbench.models.shape import Shape, shape_of_file
from workbench.parameters.kinds import Values
from workbench.parameters.table import completed, loading
from workbench.settings import config, paths
from workbench.untrusted import without_controls


class _Subject(NamedTuple):
    """A model whose header is here."""

    name: str
    file: Path
    shape: Shape


class _UnpricedError(Exception):
    """The engine gave no price; ``event`` says why."""

    def __init__(self, event: Failed | EngineDied) -> None:
        super().__init__(event)
        self.event = event


def fit(reference: str, values: Values, *, as_json: bool) -> int:
    """Say how the model fits; returns the exit code."""
    return to_the_end(lambda: _fit(reference, loading(values), as_json=as_json))


def before_fetching(
    hub: HubClient, found: Repository, variant: Variant, values: Values
) -> list[str]:
    """How a file on the Hub would fit, in lines; estimated, and why, if it cannot be told.

    Blocks, for the header and then for llama.cpp. Raises GatedError.
    """
    given = loading(values)
    shape: Shape | None
    try:
        file = remote.header_of(hub, found, variant, paths.headers())
        shape = shape_of_file(file)
    except GatedError:
        raise
    except GgufError as error:
        return [f"It cannot be loaded: {error}."]
    except (HubError, OSError) as error:
        why, shape = str(error), guessed_of(found.summary, variant)
    else:
        try:
            exact = asyncio.run(_priced_alone(_Subject(variant.name, file, shape), given))
            return list(_in_words(exact))
        except _UnpricedError as error:
            why = _why(error.event)
        except OSError as error:
            why = str(error)
    lines = [f"There are no exact figures: {why}"]
    if shape is not None:
        rough = fits.estimate(shape, completed(given), free=Machine().free_memory())
        lines += ["Estimated:", *_in_words(rough)]
    return lines


def _why(event: Failed | EngineDied) -> str:
    return event.message if isinstance(event, Failed) else f"the engine died ({event.cause})"


async def _fit(reference: str, values: dict[str, Any], *, as_json: bool) -> int:
    engine = EngineClient(paths.engine_log())
    # Its start takes as long as most headers do.
    starting = asyncio.create_task(engine.start())
    try:
        subject = await asyncio.to_thread(_subject, reference)
        if sys.stderr.isatty() and not as_json:
            free = Machine().free_memory()
            rough = fits.estimate(subject.shape, completed(values), free=free)
            tell([f"about {size(rough.total)}; asking llama.cpp ..."])
        await starting
        priced = await _priced(engine, subject, values)
    except _UnpricedError as error:
        return failed(error.event)
    except (GgufError, HubError, OSError) as error:
        tell([f"Error: {without_controls(str(error))}"])
        return 1
    finally:
        await starting
        await engine.close()
    _print(subject, priced, as_json=as_json)
    return 0


async def _priced_alone(subject: _Subject, values: dict[str, Any]) -> Fit:
    """The exact fit, by an engine that is started for it. Raises _UnpricedError."""
    engine = EngineClient(paths.engine_log())
    try:
        await engine.start()
        return await _priced(engine, subject, values)
    finally:
        await engine.close()


async def _priced(engine: EngineClient, subject: _Subject, values: dict[str, Any]) -> Fit:
    """The exact fit. Raises _UnpricedError."""
    await engine.price(ModelSource.of(subject.file, values))
    async for event in engine.events():
        match event:
            case Priced():
                threads = Machine().physical_cores()
                speed = await asyncio.to_thread(bandwidth, paths.bandwidth(), threads)
                return fits.of_price(event, shape=subject.shape, bandwidth=speed)
            case Failed() | EngineDied():
                raise _UnpricedError(event)
    raise AssertionError("the engine's events have no end")


def _subject(reference: str) -> _Subject:
    """The model that is meant. Raises HubError, GgufError or OSError."""
    from huggingface_hub import constants

    settings, complaints = config.load(paths.config_file())
    tell(complaints)
    file = library.resolve(reference, settings.folders())
    name = file.stem
    if not file.exists():
        meant = references.read(reference, constants.ENDPOINT)
        if meant is None:
            raise FileNotFoundError(f"there is no model {reference}: see workbench models list")
        with HubClient() as hub:
            found = repository.look(hub, meant.repo, meant.revision)
            variant = repository.chosen(found, meant)
            if not (meant.path or meant.quantisation):
                tell(_others(found, variant))
            file = remote.header_of(hub, found, variant, paths.headers())
        name = f"{meant.repo}/{variant.name}"
    try:
        return _Subject(name, file, shape_of_file(file))
    except GgufError as error:
        raise GgufError(f"{file}: {error}") from error


def _others(found: Repository, taken: Variant) -> Iterator[str]:
    """What else a reference to the whole repository could have meant."""
    others = [each.quantisation or each.name for each in found.models if each != taken]
    if others:
        yield f"{taken.quantisation or taken.name} of it; there are also {', '.join(others)}."


def _print(subject: _Subject, found: Fit, *, as_json: bool) -> None:
    shape = subject.shape
    name = without_controls(subject.name)
    if as_json:
        told = {
            "model": name,
            "architecture": shape.architecture,
            "quantisation": shape.quantisation,
            "n_params": shape.n_params,
            "n_ctx_train": shape.n_ctx,
            **msgspec.to_builtins(found),
        }
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    click.echo(
        f"{name}: {shape.architecture}, {parameter_count(shape.n_params)} parameters, "
        f"{shape.quantisation}, trained on {shape.n_ctx} tokens"
    )
    show(_in_words(found))


def _in_words(found: Fit) -> Iterator[str]:
    """What it takes of every place, and what that means."""
    rows = [
        [place.name, *map(size, (place.weights, place.cache, place.compute, place.total)),
         size(place.free)]
        for place in found.places
    ]  # fmt: skip
    yield from table(rows, heads=["", "weights", "cache", "compute", "total", "free"])
    if lengths := fits.lengths(found):
        yield lengths
    yield fits.sentence(found)
    if found.tps is not None:
        tps = fits.speed(found.tps)
        yield f"At most about {tps} tokens/s, by how fast this machine reads its memory."
