"""An engine for a test, and what it reports."""

from __future__ import annotations

import resource
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import psutil

from workbench.engine.client import EngineClient, EngineDied
from workbench.engine.protocol import (
    ChatMessage,
    Event,
    Failed,
    Finished,
    LanePrompt,
    Loaded,
    ModelSource,
    Ready,
    TextArrived,
)
from workbench.parameters.kinds import Values

Report = Event | EngineDied
_Kind = TypeVar("_Kind")

HELLO = [ChatMessage("user", "Hello, who are you?")]


@asynccontextmanager
async def running_engine(log_file: Path) -> AsyncIterator[EngineClient]:
    """A client whose engine is gone at the end."""
    engine = EngineClient(log_file)
    try:
        yield engine
    finally:
        await engine.close()


async def reports_until(engine: EngineClient, last: Callable[[Report], bool]) -> list[Report]:
    """What the engine reports up to and with the first report for which ``last`` holds."""
    reports = []
    async for report in engine.events():
        reports.append(report)
        if last(report):
            break
        # Nothing more would come: better a failure that says so than a wait for ever.
        assert not isinstance(report, Failed | EngineDied), report
    return reports


async def reports_of(engine: EngineClient, request: int) -> list[Report]:
    """What the engine reports up to the end of ``request``, or its own."""
    reports: list[Report] = []
    async for report in engine.events():
        reports.append(report)
        match report:
            case EngineDied():
                break
            case Finished() | Failed() if report.request == request:
                break
            case _:
                pass
    return reports


def the(kind: type[_Kind], reports: Sequence[Report]) -> _Kind:
    """The one report of its kind."""
    [found] = [report for report in reports if isinstance(report, kind)]
    return found


def text_of(reports: Sequence[Report]) -> str:
    """The text that was streamed."""
    return "".join(report.text for report in reports if isinstance(report, TextArrived))


async def loaded(
    engine: EngineClient, file: Path, parameters: Values | None = None
) -> Loaded | Failed:
    """How an attempt to load a model ends. Fails if the engine dies of it."""
    await engine.load(ModelSource.of(file, parameters))
    async for report in engine.events():
        if isinstance(report, Loaded | Failed):
            return report
        assert not isinstance(report, EngineDied), report
    raise AssertionError("the engine reports for ever")


def only(messages: Sequence[ChatMessage], parameters: Values) -> list[LanePrompt]:
    """One lane alone."""
    return [LanePrompt(0, list(messages), dict(parameters))]


async def answer(
    engine: EngineClient,
    model: ModelSource,
    parameters: Values,
    messages: Sequence[ChatMessage] = HELLO,
) -> tuple[str, Finished]:
    """A whole answer: its text and how it finished. Fails if the request does."""
    request = await engine.generate(model, only(messages, parameters))
    reports = await reports_until(
        engine,
        lambda report: (
            isinstance(report, EngineDied)
            or (isinstance(report, Finished | Failed) and report.request == request)
        ),
    )
    return text_of(reports), the(Finished, reports)


async def limit_memory(engine: EngineClient, more: int) -> None:
    """Start the engine and let its address space grow by ``more`` bytes at most."""
    await engine.start()
    await reports_until(engine, lambda report: isinstance(report, Ready))
    assert engine.pid is not None
    most = psutil.Process(engine.pid).memory_info().vms + more
    resource.prlimit(engine.pid, resource.RLIMIT_AS, (most, most))
