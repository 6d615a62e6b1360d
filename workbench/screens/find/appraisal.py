"""What a file on the Hub would take of this machine: guessed at once, then asked of llama.cpp."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workbench.engine.client import EngineClient, EngineDied
from workbench.engine.machine import Machine
from workbench.engine.protocol import Failed, ModelSource, Priced
from workbench.models import fit as fits
from workbench.models import remote
from workbench.models.bandwidth import bandwidth
from workbench.models.fit import Fit
from workbench.models.gguf import GgufError, read_header
from workbench.models.guess import guessed
from workbench.models.hub.client import HubClient
from workbench.models.hub.errors import HubError
from workbench.models.hub.repository import Repository, Variant
from workbench.models.model_file import named_parts
from workbench.models.shape import Shape, shape_of
from workbench.parameters.kinds import Values
from workbench.parameters.table import completed
from workbench.settings import paths


class AppraisalError(Exception):
    """It cannot be said what a file would take; the message says why."""


class BrokenFileError(AppraisalError):
    """The file is what is wrong: no engine could load it."""


class Appraiser:
    """Has an engine of its own, started when it is first needed: the other one may be at work."""

    def __init__(self, engine: EngineClient, hub: Callable[[], HubClient], values: Values) -> None:
        """``hub`` may block; ``values`` are the loading parameters that differ from defaults."""
        self._engine = engine
        self._hub = hub
        self._values = dict(values)
        self._completed: dict[str, Any] = completed(self._values)
        self._one_at_a_time = asyncio.Lock()
        self._machine = Machine()
        self._bandwidth: float | None = None
        self._free = 0

    async def measure(self) -> None:
        """Learn what this machine has; half a second the first time ever."""
        self._free = await asyncio.to_thread(self._machine.free_memory)
        threads = await asyncio.to_thread(self._machine.physical_cores)
        self._bandwidth = await asyncio.to_thread(bandwidth, paths.bandwidth(), threads)

    @property
    def free(self) -> int:
        """Bytes of memory that are free; 0 before they are measured."""
        return self._free

    def guess(self, repository: Repository, variant: Variant) -> Fit | None:
        """At once, from the metadata and the file's size; None where nothing is known."""
        summary = repository.summary
        if not self._free or not variant.size or not summary.n_parameters:
            return None
        shape = guessed(
            architecture=summary.architecture,
            n_params=summary.n_parameters,
            n_ctx=summary.n_ctx,
            size=variant.size,
        )
        return fits.estimate(shape, self._completed, free=self._free, bandwidth=self._bandwidth)

    async def price(self, repository: Repository, variant: Variant) -> Fit:
        """By llama.cpp's own allocator, from the file's header. Raises AppraisalError."""
        async with self._one_at_a_time:
            try:
                file, shape = await asyncio.to_thread(self._header, repository, variant)
            except GgufError as error:
                raise BrokenFileError(f"It cannot be loaded: {error}.") from error
            except (HubError, OSError) as error:
                raise AppraisalError(str(error)) from error
            request = await self._engine.price(ModelSource.of(file, self._values))
            async for event in self._engine.events():
                match event:
                    case Priced(request=number) if number == request:
                        return fits.of_price(event, shape=shape, bandwidth=self._bandwidth)
                    case Failed(request=number) if number == request:
                        raise AppraisalError(event.message)
                    case EngineDied():
                        raise AppraisalError(f"the engine died ({event.cause})")
        raise AssertionError("the engine's events have no end")

    def _header(self, repository: Repository, variant: Variant) -> tuple[Path, Shape]:
        file = remote.header_file(
            self._hub(),
            repository.summary.repo,
            [each.path for each in variant.files],
            paths.headers(),
            revision=repository.commit,
        )
        return file, shape_of([read_header(part) for part in named_parts(file)])

    async def close(self) -> None:
        """End the engine."""
        await self._engine.close()
