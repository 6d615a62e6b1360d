"""``workbench run``: the chat's headless twin."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import click

from workbench.engine.client import EngineClient, EngineDied
from workbench.engine.protocol import (
    ChatMessage,
    Failed,
    Finished,
    Loaded,
    ModelSource,
    Noted,
    StateSaved,
    TextArrived,
)
from workbench.models import library
from workbench.parameters import presets
from workbench.parameters.kinds import Values
from workbench.parameters.table import answering, loading
from workbench.settings import config, paths

# What a shell reports for a program ended by SIGINT or SIGPIPE.
_INTERRUPTED = 130
_PIPE_CLOSED = 141


def run(
    prompt: str,
    *,
    model: str,
    values: Values,
    as_json: bool,
    prompt_cache: Path | None = None,
) -> int:
    """Answer ``prompt`` on stdout, messages on stderr; returns the exit code."""
    settings, complaints = config.load(paths.config_file())
    _tell(complaints)
    file = library.resolve(model, settings.folders())
    try:
        values = {**presets.of_model(paths.presets(), file.stem), **values}
    except presets.PresetError as error:
        click.echo(f"Error: {error}", err=True)
        return 1
    source = ModelSource.of(file, loading(values))
    try:
        return asyncio.run(
            _answer(source, prompt, answering(values), prompt_cache, as_json=as_json)
        )
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # Python flushes stdout once more at exit; let it have somewhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _PIPE_CLOSED
    except OSError as error:
        # A full disk; what stdout still holds has nowhere to go either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        _tell([f"Error: cannot write the answer: {error.strerror}"])
        return 1


async def _answer(
    source: ModelSource,
    prompt: str,
    values: Values,
    prompt_cache: Path | None,
    *,
    as_json: bool,
) -> int:
    engine = EngineClient(paths.engine_log())
    try:
        await engine.generate(source, [ChatMessage("user", prompt)], values, state=prompt_cache)
        code = await _print(engine, as_json=as_json)
        if prompt_cache is not None and code == 0:
            await engine.save_state(prompt_cache)
            code = await _saved(engine)
        return code
    finally:
        await engine.close()


async def _saved(engine: EngineClient) -> int:
    async for event in engine.events():
        match event:
            case StateSaved():
                return 0
            case Failed() | EngineDied():
                return _failed(event)
    raise AssertionError("the engine's events have no end")


async def _print(engine: EngineClient, *, as_json: bool) -> int:
    loaded: Loaded | None = None
    text: list[str] = []
    async for event in engine.events():
        if isinstance(event, Failed | EngineDied):
            return _failed(event)
        match event:
            case Loaded(notes=notes):
                loaded = event
                _tell(notes)
            case Noted(note=note):
                _tell([note])
            case TextArrived(text=piece):
                text.append(piece)
                if not as_json:
                    click.echo(piece, nl=False)
            case Finished():
                assert loaded is not None
                _finish("".join(text), loaded, event, as_json=as_json)
                return 0
    raise AssertionError("the engine's events have no end")


def _finish(text: str, loaded: Loaded, event: Finished, *, as_json: bool) -> None:
    if as_json:
        click.echo(_object(text, loaded, event))
    elif not text.endswith("\n"):
        click.echo()
    _tell(event.notes)
    if event.reason == "context":
        _tell(["The context is full; --n-ctx makes it larger."])


def _failed(event: Failed | EngineDied) -> int:
    if isinstance(event, Failed):
        _tell([f"Error: {event.message}"])
    else:
        _tell([f"Error: the engine died ({event.cause}). {event.advice}", *event.log])
    return 1


def _tell(lines: list[str]) -> None:
    for line in lines:
        click.echo(line, err=True)


def _object(text: str, loaded: Loaded, finished: Finished) -> str:
    timings = finished.timings
    return json.dumps(
        {
            "text": text,
            "model": loaded.model.name,
            "finish_reason": finished.reason,
            "prompt_tokens": timings.prompt_tokens,
            "completion_tokens": timings.completion_tokens,
            "prompt_tps": round(timings.prompt_tps, 2),
            "tps": round(timings.tps, 2),
            "ttft_ms": round(timings.ttft_ms, 2),
            "load_ms": round(loaded.load_ms, 2),
        },
        ensure_ascii=False,
    )
