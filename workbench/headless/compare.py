"""``workbench compare``: one prompt answered by several settings, side by side."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from time import perf_counter
from typing import Any, Literal

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
    TextArrived,
)
from workbench.headless.model import source_of
from workbench.headless.printing import answer_object, failed, tell, to_the_end
from workbench.parameters import presets
from workbench.parameters.kinds import Value, Values
from workbench.parameters.lanes import LETTERS, differing, said, with_seeds
from workbench.parameters.table import BY_KEY, answering
from workbench.settings import paths

Form = Literal["text", "json", "markdown"]


def compare(
    prompt: str,
    lanes: Sequence[Values],
    *,
    model: str,
    values: Values,
    form: Form,
    same_seeds: bool,
) -> int:
    """Answer ``prompt`` in every lane, which sets its own over ``values``; the exit code.

    Lanes without a seed of their own draw by the same one, or each by the next.
    """
    try:
        source, values = source_of(model, values)
    except presets.PresetError as error:
        tell([f"Error: {error}"])
        return 1
    seed = values.get("seed", BY_KEY["seed"].default)
    seeded = with_seeds(lanes, seed, same=same_seeds)
    wholes = [{**answering(values), **lane} for lane in seeded]
    return to_the_end(lambda: _Comparison(prompt, wholes, form).run(source))


class _Comparison:
    """The lanes' answers as they come."""

    def __init__(self, prompt: str, lanes: Sequence[Mapping[str, Value]], form: Form) -> None:
        self._lanes = [
            LanePrompt(number, [ChatMessage("user", prompt)], dict(lane))
            for number, lane in enumerate(lanes)
        ]
        self._form = form
        self._loaded: Loaded | None = None
        self._texts = [""] * len(lanes)
        self._ends: dict[int, Finished] = {}
        self._told: set[str] = set()
        # When the first token of all came, and when the last.
        self._first = 0.0
        self._last = 0.0

    async def run(self, source: ModelSource) -> int:
        engine = EngineClient(paths.engine_log())
        try:
            await engine.generate(source, self._lanes)
            async for event in engine.events():
                if isinstance(event, Failed | EngineDied):
                    return failed(event)
                self._take(event)
                if len(self._ends) == len(self._lanes):
                    self._print()
                    return 0
        finally:
            await engine.close()
        raise AssertionError("the engine's events have no end")

    def _take(self, event: object) -> None:
        match event:
            case Loaded(notes=notes):
                self._loaded = event
                self._tell(notes)
            case Noted():
                tell([f"{LETTERS[event.lane]}: {event.note}"])
            case TextArrived():
                self._first = self._first or perf_counter()
                self._texts[event.lane] += event.text
            case Finished():
                self._last = perf_counter()
                self._ends[event.lane] = event
                self._tell(event.notes)
                if event.reason == "context":
                    letter = LETTERS[event.lane]
                    tell([f"{letter}: the context is full; --n-ctx makes it larger."])

    def _tell(self, notes: Sequence[str]) -> None:
        new = [note for note in notes if note not in self._told]
        self._told.update(new)
        tell(new)

    @property
    def _tps(self) -> float:
        """Tokens a second of all lanes together, each lane's first left out."""
        n_decoded = sum(max(0, end.timings.completion_tokens - 1) for end in self._ends.values())
        seconds = self._last - self._first
        return n_decoded / seconds if seconds > 0 else 0.0

    # ---- what is printed ---------------------------------------------------------------------

    @cached_property
    def _apart(self) -> list[dict[str, Value]]:
        """What of each lane's parameters is not the same in all."""
        assert self._loaded is not None
        lanes = [lane.parameters for lane in self._lanes]
        return differing(lanes, self._loaded.model.defaults)

    def _print(self) -> None:
        if self._form == "json":
            lanes = [self._object(number) for number in range(len(self._lanes))]
            found = {"tps": round(self._tps, 2), "lanes": lanes}
            click.echo(json.dumps(found, ensure_ascii=False))
            return
        for number in range(len(self._lanes)):
            title = f"{LETTERS[number]}  {said(self._apart[number])}".rstrip()
            text = self._texts[number].strip("\n")
            figures = self._figures(number)
            if self._form == "markdown":
                click.echo(f"## {title}\n\n{text}\n\n*{figures}*\n")
            else:
                click.echo(f"{title}\n{text}\n({figures})\n")
        click.echo(f"together {self._tps:.1f} tokens/s")

    def _figures(self, number: int) -> str:
        end = self._ends[number]
        timings = end.timings
        return (
            f"{timings.completion_tokens} tokens, {timings.tps:.1f} tokens/s, "
            f"seed {end.seed}, {end.reason}"
        )

    def _object(self, number: int) -> dict[str, Any]:
        assert self._loaded is not None
        end = self._ends[number]
        found = answer_object(self._texts[number], self._loaded.model, self._loaded.load_ms, end)
        return {**found, "seed": end.seed, "parameters": self._apart[number]}
