"""Which engine answers which lanes: one for every way to load a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from workbench.engine.client import EngineClient
from workbench.engine.machine import Machine
from workbench.engine.protocol import ModelSource
from workbench.models import library
from workbench.panes.figures import byte_size


class _Engine(NamedTuple):
    client: EngineClient
    source: ModelSource


class Engines:
    """The chat's engine, and others beside it as long as lanes need them."""

    def __init__(
        self, client: EngineClient, source: ModelSource, more: Callable[[], EngineClient]
    ) -> None:
        """``client`` has loaded ``source``, or will; ``more`` makes another one."""
        self._first = _Engine(client, source)
        self._others: list[_Engine] = []
        self._more = more

    @property
    def others(self) -> list[EngineClient]:
        """Those beside the chat's."""
        return [engine.client for engine in self._others]

    def of(self, source: ModelSource) -> EngineClient:
        """Who answers by ``source``, one of those handed to ``fit`` last."""
        return next(each.client for each in (self._first, *self._others) if each.source == source)

    async def fit(self, sources: Sequence[ModelSource]) -> list[EngineClient]:
        """Have an engine for each of ``sources`` and for no other; returns those that are new.

        Raises MemoryError if one more does not fit; things then are as they were.
        """
        wanted: list[ModelSource] = []
        for source in sources:
            if source not in wanted:
                wanted.append(source)
        first = self._first.source if self._first.source in wanted else wanted[0]
        kept = [engine for engine in self._others if engine.source in wanted]
        kept = [engine for engine in kept if engine.source != first]
        there = [first, *(engine.source for engine in kept)]
        added = [source for source in wanted if source not in there]
        _check(added, [source for source in there if source.path not in _files(added)])
        for engine in self._others:
            if engine not in kept:
                await engine.client.close()
        new = [_Engine(self._more(), source) for source in added]
        self._first = self._first._replace(source=first)
        self._others = [*kept, *new]
        return [engine.client for engine in new]

    async def close(self) -> None:
        """End the others."""
        others, self._others = self._others, []
        for engine in others:
            await engine.client.close()


def _files(sources: Sequence[ModelSource]) -> set[bytes]:
    return {source.path for source in sources}


def _check(added: Sequence[ModelSource], there: Sequence[ModelSource]) -> None:
    """Raise MemoryError where the weights of models alone do not fit beside each other.

    What is loaded is mapped: to the system its memory is free, though it is in use. Contexts
    are priced by the engine that loads them.
    """
    free = Machine().free_memory()
    for source in {each.path: each for each in there}.values():
        free -= library.weight(source.file)
    for source in {each.path: each for each in added}.values():
        size = library.weight(source.file)
        if size > free:
            raise MemoryError(
                f"{source.file.name} does not fit beside the models that are loaded: it has "
                f"{byte_size(size)}, and {byte_size(max(0, free))} of memory are free"
            )
        free -= size
