"""Questions put to the exported file through the engine, many after one another."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from workbench.engine.client import EngineClient, EngineDied
from workbench.engine.protocol import (
    ChatMessage,
    Failed,
    Finished,
    LanePrompt,
    Loaded,
    ModelSource,
    TextArrived,
    Token,
)
from workbench.parameters.kinds import Values


class Answer(msgspec.Struct, frozen=True):
    """What the model said; ``tokens`` with the one that ended it."""

    text: str
    ended: bool
    tokens: list[Token]
    tokens_a_second: float


class Engine:
    """An engine with one model."""

    def __init__(self, client: EngineClient, model: ModelSource) -> None:
        self._client = client
        self._model = model

    async def load_ms(self) -> float:
        """Load the model; how long that took."""
        await self._client.load(self._model)
        async for event in self._client.events():
            match event:
                case Loaded():
                    return event.load_ms
                case Failed() | EngineDied():
                    raise RuntimeError(str(event))
        raise AssertionError("the engine's events have no end")

    async def answer(self, prompt: str, values: Values) -> Answer:
        """The answer to a conversation's first prompt."""
        messages = [ChatMessage("user", prompt)]
        request = await self._client.generate(self._model, [LanePrompt(0, messages, dict(values))])
        text = ""
        tokens: list[Token] = []
        async for event in self._client.events():
            match event:
                case TextArrived() if event.request == request:
                    text += event.text
                    tokens += event.drawn
                case Finished() if event.request == request:
                    return Answer(text, event.reason == "stop", tokens, event.timings.tps)
                case Failed() | EngineDied():
                    raise RuntimeError(str(event))
        raise AssertionError("the engine's events have no end")


@asynccontextmanager
async def running(file: Path, values: Values | None = None) -> AsyncIterator[Engine]:
    """An engine for ``file``, ended at the end; ``values`` are its loading parameters."""
    with tempfile.TemporaryDirectory() as folder:
        client = EngineClient(Path(folder) / "engine.log")
        try:
            yield Engine(client, ModelSource.of(file, values))
        finally:
            await client.close()


async def greedy_answers(file: Path, prompts: Sequence[str], limit: int) -> list[Answer]:
    """The likeliest answers."""
    values: Values = {"temperature": 0, "max_tokens": limit}
    async with running(file) as engine:
        return [await engine.answer(prompt, values) for prompt in prompts]
