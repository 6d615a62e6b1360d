"""What a file on the Hub would take of this machine: guessed at once, then asked of llama.cpp."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

from workbench.engine.client import EngineClient, EngineDied
from workbench.engine.machine import Machine
from workbench.engine.protocol import Failed, ModelSource, Priced
from workbench.models import fit as fits
from workbench.models import remote
from workbench.models.bandwidth import bandwidth
from workbench.models.fit import Fit
from workbench.models.gguf import GgufError
from workbench.models.guess import guessed_of
from workbench.models.hub.client import HubClient
from workbench.models.hub.errors import GatedError, HubError
from workbench.models.hub.repository import Repository, Variant
from workbench.models.shape import Shape, shape_of_file
from workbench.parameters.kinds import Values
from workbench.parameters.table import completed
from workbench.settings import paths


class AppraisalError(Exception):
    """It cannot be said what a file would take; the message says why."""


class BrokenFileError(AppraisalError):
    """No engine could load the file."""


class ShutError(AppraisalError):
    """The repository is gated, and not open to this person yet."""


class _Header(NamedTuple):
    """A model without its weights; its ``file`` is sparse."""

    file: Path
    shape: Shape


class Appraiser:
    """Has an engine of its own, started when it is first needed: the other one may be at work."""

    def __init__(
        self,
        engine: EngineClient,
        hub: Callable[[], HubClient],
        in_thread: Callable[[Callable[[], _Header]], Awaitable[_Header]],
    ) -> None:
        """``hub`` may block; ``in_thread`` has threads for what waits for the Hub."""
        self._engine = engine
        self._hub = hub
        self._in_thread = in_thread
        # What is here needs no Hub to be reckoned with by other values.
        self._headers: dict[tuple[str, str, str], _Header] = {}
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

    def has_header(self, repository: Repository, variant: Variant) -> bool:
        """Whether the file's header has come."""
        return _key(repository, variant) in self._headers

    def guess(self, repository: Repository, variant: Variant, values: Values) -> Fit | None:
        """At once, from the header or else the file's size; None where nothing is known.

        ``values`` are the loading parameters that differ from their defaults.
        """
        header = self._headers.get(_key(repository, variant))
        shape = header.shape if header else guessed_of(repository.summary, variant)
        if not self._free or shape is None:
            return None
        return fits.estimate(shape, completed(values), free=self._free, bandwidth=self._bandwidth)

    async def price(self, repository: Repository, variant: Variant, values: Values) -> Fit:
        """By llama.cpp's own allocator, from the file's header. Raises AppraisalError."""
        async with self._one_at_a_time:
            try:
                file, shape = await self._in_thread(lambda: self._header(repository, variant))
            except GgufError as error:
                raise BrokenFileError(f"It cannot be loaded: {error}.") from error
            except GatedError as error:
                raise ShutError("What it takes is seen once the repository is open.") from error
            except (HubError, OSError) as error:
                raise AppraisalError(str(error)) from error
            request = await self._engine.price(ModelSource.of(file, values))
            async for event in self._engine.events():
                match event:
                    case Priced(request=number) if number == request:
                        return fits.of_price(event, shape=shape, bandwidth=self._bandwidth)
                    case Failed(request=number) if number == request:
                        raise AppraisalError(event.message)
                    case EngineDied(request=last) if last >= request:
                        raise AppraisalError(f"the engine died ({event.cause})")
        raise AssertionError("the engine's events have no end")

    def _header(self, repository: Repository, variant: Variant) -> _Header:
        key = _key(repository, variant)
        known = self._headers.get(key)
        # Those that were wanted least lately are removed.
        if known is not None and known.file.exists():
            return known
        file = remote.header_of(self._hub(), repository, variant, paths.headers())
        header = _Header(file, shape_of_file(file))
        self._headers[key] = header
        return header

    async def close(self) -> None:
        """End the engine."""
        await self._engine.close()


def _key(repository: Repository, variant: Variant) -> tuple[str, str, str]:
    return repository.summary.repo, repository.commit, variant.name
