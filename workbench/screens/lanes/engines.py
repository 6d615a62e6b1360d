"""Which engine answers which lanes: one for every way to load a model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from workbench.engine.client import EngineClient
from workbench.engine.machine import Machine
from workbench.engine.protocol import ModelSource
from workbench.models import fit as fits
from workbench.models import library
from workbench.models.gguf import GgufError
from workbench.models.model_file import named_parts
from workbench.models.shape import Shape, shape_of_file
from workbench.panes.figures import byte_size
from workbench.parameters.table import completed


class _Engine(NamedTuple):
    client: EngineClient
    source: ModelSource


@lru_cache(maxsize=16)
def _shape(parts: tuple[tuple[Path, int, int], ...]) -> Shape | None:
    """A model's build, None if its header makes no sense, by its files as of a time and size.

    Each change of what a lane sets asks for it anew, and keys wait for the answer.
    """
    try:
        return shape_of_file(parts[0][0])
    except GgufError:
        return None


class Engines:
    """The chat's engine, and others beside it as long as lanes need them."""

    def __init__(
        self,
        client: EngineClient,
        source: ModelSource,
        more: Callable[[], EngineClient],
        *,
        has_gpus: bool = False,
    ) -> None:
        """``client`` has loaded ``source``, or will; ``more`` makes another one.

        Where models may lie on GPUs only the sizes of their files are compared.
        """
        self._first = _Engine(client, source)
        self._others: list[_Engine] = []
        self._more = more
        self._has_gpus = has_gpus

    @property
    def others(self) -> list[EngineClient]:
        """Those beside the chat's."""
        return [engine.client for engine in self._others]

    def of(self, source: ModelSource) -> EngineClient | None:
        """Who answers by ``source``; None where nobody does yet."""
        engines = (self._first, *self._others)
        return next((each.client for each in engines if each.source == source), None)

    async def fit(self, sources: Sequence[ModelSource]) -> None:
        """Have an engine for each of ``sources``, and beside the chat's no other.

        The chat's takes over the first that nobody has, unless it has one of them.
        Raises MemoryError if one more does not fit, OSError where a file cannot be read; things
        then are as they were.
        """
        wanted: list[ModelSource] = []
        for source in sources:
            if source not in wanted:
                wanted.append(source)
        kept = [each for each in self._others if each.source in wanted]
        first = self._first.source
        if first not in wanted:
            # Never what another engine has: that may be at work.
            of_others = [each.source for each in kept]
            first = next((each for each in wanted if each not in of_others), first)
        there = [first, *(engine.source for engine in kept)]
        added = [source for source in wanted if source not in there]
        if added:
            await asyncio.to_thread(self._check, added, there)
        gone = [engine for engine in self._others if engine not in kept]
        self._first = self._first._replace(source=first)
        self._others = [*kept, *(_Engine(self._more(), source) for source in added)]
        for engine in gone:
            await engine.client.close()

    def _check(self, added: Sequence[ModelSource], there: Sequence[ModelSource]) -> None:
        """Raise MemoryError where models do not fit beside each other: see models/fit.estimate.

        Blocks, once for each file, some 20 ms for the header of a large vocabulary. What is
        loaded is mapped: to the system its memory is free, though it is in use; engines of one
        file share its weights. What it takes exactly only llama.cpp can tell, in an engine that
        would have to be started first.
        """
        free = Machine().free_memory()
        mapped = {each.path: library.weight(each.file) for each in there}
        free -= sum(mapped.values())
        for source in added:
            size = library.weight(source.file)
            shared = mapped.setdefault(source.path, 0)
            context, length = self._context(source, free + shared)
            taken = size - shared + context
            if taken > free:
                of_what = f", {byte_size(context)} of it for {length:,} tokens" if context else ""
                raise MemoryError(
                    f"{source.file.name} does not fit beside the models that are loaded: it "
                    f"would take {byte_size(taken)}{of_what}, and {byte_size(max(0, free))} of "
                    "memory are free"
                )
            mapped[source.path] = size
            free -= taken

    def _context(self, source: ModelSource, free: int) -> tuple[int, int]:
        """What a model takes of ``free`` bytes beside its weights, and for how many tokens."""
        values = completed(source.parameters)
        if self._has_gpus and values["n_gpu_layers"] != 0:
            return 0, 0
        stats = [(part, part.stat()) for part in named_parts(source.file)]
        shape = _shape(tuple((part, stat.st_mtime_ns, stat.st_size) for part, stat in stats))
        if shape is None:
            return 0, 0
        found = fits.estimate(shape, values, free=free)
        return found.resident - shape.weights, found.n_ctx

    async def close(self) -> None:
        """End the others."""
        others, self._others = self._others, []
        for engine in others:
            await engine.client.close()
