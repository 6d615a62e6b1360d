"""``workbench run``: the chat's headless twin."""

from __future__ import annotations

import asyncio
import json
import os
import sys

import click

from workbench.engine.client import EngineClient, EngineDied
from workbench.engine.protocol import (
    ChatMessage,
    Failed,
    Finished,
    Loaded,
    ModelSource,
    TextArrived,
)
from workbench.models import library
from workbench.parameters.table import Values, answering, loading
from workbench.settings import paths

# What a shell reports for a program ended by SIGINT or SIGPIPE.
_INTERRUPTED = 130
_PIPE_CLOSED = 141


def run(prompt: str, *, model: str, system: str | None, values: Values, as_json: bool) -> int:
    """Answer ``prompt`` on stdout, messages on stderr; returns the exit code."""
    messages = [ChatMessage("system", system)] if system else []
    messages.append(ChatMessage("user", prompt))
    source = ModelSource.of(library.resolve(model), loading(values))
    try:
        return asyncio.run(_answer(source, messages, answering(values), as_json=as_json))
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # Python flushes stdout once more at exit; let it have somewhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _PIPE_CLOSED


async def _answer(
    source: ModelSource, messages: list[ChatMessage], values: Values, *, as_json: bool
) -> int:
    engine = EngineClient(paths.engine_log())
    try:
        await engine.generate(source, messages, values)
        return await _print(engine, as_json=as_json)
    finally:
        await engine.close()


async def _print(engine: EngineClient, *, as_json: bool) -> int:
    loaded: Loaded | None = None
    text: list[str] = []
    async for event in engine.events():
        match event:
            case Loaded(notes=notes):
                loaded = event
                _tell(notes)
            case TextArrived(text=piece):
                text.append(piece)
                if not as_json:
                    click.echo(piece, nl=False)
            case Finished(notes=notes):
                assert loaded is not None
                if as_json:
                    click.echo(_object("".join(text), loaded, event))
                elif not "".join(text).endswith("\n"):
                    click.echo()
                _tell(notes)
                return 0
            case Failed(message=message):
                click.echo(f"Error: {message}", err=True)
                return 1
            case EngineDied(cause=cause, advice=advice, log=log):
                click.echo(f"Error: the engine died ({cause}). {advice}", err=True)
                _tell(log)
                return 1
    raise AssertionError("the engine's events have no end")


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
