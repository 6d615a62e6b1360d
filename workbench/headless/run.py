"""``workbench run``: the chat's headless twin."""

from __future__ import annotations

import json
from pathlib import Path

import click

from workbench.engine.client import EngineClient, EngineDied
from workbench.engine.protocol import (
    ChatMessage,
    Failed,
    Finished,
    LanePrompt,
    Loaded,
    ModelSource,
    Noted,
    StateSaved,
    TextArrived,
)
from workbench.headless.model import source_of
from workbench.headless.printing import answer_object, failed, tell, to_the_end
from workbench.parameters import presets
from workbench.parameters.kinds import Values
from workbench.parameters.table import answering
from workbench.settings import paths


def run(
    prompt: str,
    *,
    model: str,
    values: Values,
    as_json: bool,
    prompt_cache: Path | None = None,
) -> int:
    """Answer ``prompt`` on stdout, messages on stderr; returns the exit code."""
    try:
        source, values = source_of(model, values)
    except presets.PresetError as error:
        tell([f"Error: {error}"])
        return 1
    return to_the_end(
        lambda: _answer(source, prompt, answering(values), prompt_cache, as_json=as_json)
    )


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
        asked = LanePrompt(0, [ChatMessage("user", prompt)], dict(values))
        await engine.generate(source, [asked], state=prompt_cache)
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
                return failed(event)
    raise AssertionError("the engine's events have no end")


async def _print(engine: EngineClient, *, as_json: bool) -> int:
    loaded: Loaded | None = None
    text: list[str] = []
    async for event in engine.events():
        if isinstance(event, Failed | EngineDied):
            return failed(event)
        match event:
            case Loaded(notes=notes):
                loaded = event
                tell(notes)
            case Noted(note=note):
                tell([note])
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
        found = answer_object(text, loaded.model, loaded.load_ms, event)
        click.echo(json.dumps(found, ensure_ascii=False))
    elif not text.endswith("\n"):
        click.echo()
    tell(event.notes)
    if event.reason == "context":
        tell(["The context is full; --n-ctx makes it larger."])
