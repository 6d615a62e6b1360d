"""``workbench compare``: one prompt answered by several settings, side by side."""

from __future__ import annotations

import json
from collections.abc import Sequence
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
from workbench.parameters.lanes import (
    LETTERS,
    MODEL,
    RANDOM_SEED,
    chosen_seed,
    differing,
    nth_seed,
    said,
)
from workbench.parameters.table import answering
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

    Lanes without a seed of their own draw by the same one, or each by the next. Lanes that
    name another model, or set what a model is loaded with, are answered after the others:
    one engine loads one model after the other.
    """
    chance = chosen_seed(RANDOM_SEED)
    wholes = []
    try:
        for number, lane in enumerate(lanes):
            own = {key: value for key, value in lane.items() if key != MODEL}
            source, whole = source_of(str(lane.get(MODEL, model)), {**values, **own})
            if "seed" not in lane:
                # The model's own preset may have set one.
                seed = whole.get("seed", RANDOM_SEED)
                assert isinstance(seed, int)
                first = chance if seed == RANDOM_SEED else seed
                whole["seed"] = nth_seed(first, number, same=same_seeds)
            wholes.append((source, whole))
    except presets.PresetError as error:
        tell([f"Error: {error}"])
        return 1
    return to_the_end(lambda: _Comparison(prompt, wholes, form).run())


class _Group:
    """Lanes of one model, answered in one batch."""

    def __init__(self, source: ModelSource) -> None:
        self.source = source
        self.lanes: list[LanePrompt] = []
        self.loaded: Loaded | None = None
        # When the first token of all came, and when the last.
        self.first = 0.0
        self.last = 0.0


class _Comparison:
    """The lanes' answers as they come."""

    def __init__(
        self, prompt: str, lanes: Sequence[tuple[ModelSource, Values]], form: Form
    ) -> None:
        self._groups: list[_Group] = []
        self._group_of: list[_Group] = []
        self._values = [values for _, values in lanes]
        for number, (source, values) in enumerate(lanes):
            group = next((each for each in self._groups if each.source == source), None)
            if group is None:
                group = _Group(source)
                self._groups.append(group)
            message = ChatMessage("user", prompt)
            group.lanes.append(LanePrompt(number, [message], answering(values)))
            self._group_of.append(group)
        self._form = form
        self._texts = [""] * len(lanes)
        self._ends: dict[int, Finished] = {}
        self._told: set[str] = set()

    async def run(self) -> int:
        engine = EngineClient(paths.engine_log())
        if len(self._groups) > 1:
            ways = f"{len(self._groups)} models or ways to load one"
            tell([f"{ways}: answered one after another, no shared batch."])
        code = 0
        try:
            for group in self._groups:
                if code := await self._answer(group, engine):
                    break
        finally:
            await engine.close()
            # What is finished may have taken minutes: it is printed whatever ended the rest.
            if self._ends:
                self._print()
        return code

    async def _answer(self, group: _Group, engine: EngineClient) -> int:
        await engine.generate(group.source, group.lanes)
        async for event in engine.events():
            if isinstance(event, Failed | EngineDied):
                return failed(event)
            self._take(event, group)
            if all(lane.lane in self._ends for lane in group.lanes):
                return 0
        raise AssertionError("the engine's events have no end")

    def _take(self, event: object, group: _Group) -> None:
        match event:
            case Loaded(notes=notes):
                group.loaded = event
                self._tell(notes)
            case Noted():
                tell([f"{LETTERS[event.lane]}: {event.note}"])
            case TextArrived():
                group.first = group.first or perf_counter()
                self._texts[event.lane] += event.text
            case Finished():
                group.last = perf_counter()
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
        seconds = sum(group.last - group.first for group in self._groups if group.last)
        return n_decoded / seconds if seconds > 0 else 0.0

    # ---- what is printed ---------------------------------------------------------------------

    @cached_property
    def _apart(self) -> dict[int, dict[str, Value]]:
        """What of the parameters of each lane that is finished is not the same in all."""
        done = sorted(self._ends)
        loaded = [self._loaded(number) for number in done]
        lanes = [
            {MODEL: each.model.name, **self._values[number]}
            for each, number in zip(loaded, done, strict=True)
        ]
        apart = differing(lanes, [each.model.defaults for each in loaded])
        return dict(zip(done, apart, strict=True))

    def _loaded(self, number: int) -> Loaded:
        loaded = self._group_of[number].loaded
        assert loaded is not None
        return loaded

    def _print(self) -> None:
        if self._form == "json":
            lanes = [self._object(number) for number in self._apart]
            found = {"tps": round(self._tps, 2), "lanes": lanes}
            click.echo(json.dumps(found, ensure_ascii=False))
            return
        for number, apart in self._apart.items():
            title = f"{LETTERS[number]}  {said(apart)}".rstrip()
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
        loaded, end = self._loaded(number), self._ends[number]
        found = answer_object(self._texts[number], loaded.model, loaded.load_ms, end)
        apart = self._apart[number]
        return {"lane": LETTERS[number], **found, "seed": end.seed, "parameters": apart}
