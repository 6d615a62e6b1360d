"""Exact fits: ``python -m tests.benchmarks.fit [FOLDER]``.

Prints how long the price of a file on the Hub takes beside its header's transfer, and how far it
is from the memory that a real load with a full context takes. Models are made in FOLDER, 2 GB of
them, and kept there for the next time.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import Final, NamedTuple

from tests import hub
from tests.benchmarks import models
from tests.engine.reports import answer, reports_until, running_engine, the
from tests.gguf_files import random_model
from workbench.engine.client import EngineClient
from workbench.engine.protocol import ChatMessage, ModelSource, Priced
from workbench.models.gguf import read_header
from workbench.models.hub.client import HubClient
from workbench.models.pocket import MODEL_FILE
from workbench.models.remote import header_file
from workbench.parameters.kinds import Value, Values

_N_CTX: Final = 2048
_MIB: Final = 1024 * 1024
# Layers, width, heads, the width within.
_SIZES: Final = {
    "90M": (8, 768, 12, 3072),
    "400M": (12, 1536, 24, 4608),
    "700M": (16, 1792, 28, 5376),
}
_CACHES: Final = ("f16", "q8_0")


class Memory(NamedTuple):
    """Bytes: what was said, and what it was."""

    priced: int
    resident: int

    @property
    def error(self) -> float:
        """Of what it was."""
        return self.priced / self.resident - 1


def files(folder: Path) -> dict[str, Path]:
    """The models, made if they are not there; one whose weights are laid out anew, too."""
    found = {}
    for name, (layers, width, heads, forward) in _SIZES.items():
        file = folder / f"fit-{name}-F16.gguf"
        if not file.exists():
            folder.mkdir(parents=True, exist_ok=True)
            unfinished = file.with_suffix(".part")
            random_model(unfinished, layers=layers, width=width, heads=heads, forward=forward)
            unfinished.rename(file)
        found[name] = file
    return {**found, "500M-Q4_0": models.model_file(models.MIDDLE, folder)}


async def priced(engine: EngineClient, file: Path, parameters: Values) -> Priced:
    await engine.price(ModelSource.of(file, parameters))
    return the(Priced, await reports_until(engine, lambda each: isinstance(each, Priced)))


async def remote(file: Path, folder: Path) -> tuple[float, float, float]:
    """Seconds: the header's transfer; what comes after it; and for other parameters.

    The engine starts meanwhile, as it does for `workbench models fit`.
    """
    content = {"someone/Model-GGUF/model.gguf": file.read_bytes()}
    async with running_engine(folder / "engine.log") as engine:
        with hub.serving(content) as at, HubClient(at, token=False) as client:
            started = perf_counter()
            starting = asyncio.create_task(engine.start())
            header = await asyncio.to_thread(
                header_file, client, "someone/Model-GGUF", ["model.gguf"], folder
            )
            times = [perf_counter()]
        await starting
        read_header(header)
        for n_ctx in (0, 1024):
            await priced(engine, header, {"n_ctx": n_ctx})
            times.append(perf_counter())
    return times[0] - started, times[1] - times[0], times[2] - times[1]


async def memory(file: Path, parameters: Mapping[str, Value], folder: Path) -> Memory:
    """A price, and what a real load with a full context takes.

    What the engine itself takes is what it has with the built-in model, less that one's price.
    """
    async with running_engine(folder / "engine.log") as engine:
        said = await priced(engine, file, parameters)
        own = await priced(engine, MODEL_FILE, {})
    async with running_engine(folder / "engine.log") as engine:
        source = ModelSource.of(MODEL_FILE)
        await _fill(engine, source, own.n_ctx)
        process = _resident(engine) - own.resident
    async with running_engine(folder / "engine.log") as engine:
        source = ModelSource.of(file, parameters)
        await _fill(engine, source, _N_CTX)
        return Memory(said.resident, _resident(engine) - process)


async def _fill(engine: EngineClient, source: ModelSource, n_ctx: int) -> None:
    """Have nearly all of the context read and written."""
    n_words, n_held = 100, 0
    for _ in range(4):
        _, finished = await answer(engine, source, {"max_tokens": 8}, [_words(n_words)])
        n_held = finished.timings.n_context
        n_words = n_words * (n_ctx - 24) // n_held
    if n_held < 0.95 * n_ctx:
        raise RuntimeError(f"the context of {n_ctx} tokens holds only {n_held}")


def _words(count: int) -> ChatMessage:
    return ChatMessage("user", "q" * count)


def _resident(engine: EngineClient) -> int:
    status = Path(f"/proc/{engine.pid}/status").read_text("utf-8").splitlines()
    [line] = [each for each in status if each.startswith("VmRSS:")]
    return int(line.split()[1]) * 1024


async def _main(folder: Path) -> None:
    made = files(folder)
    print(f"{'model':12}{'transfer s':>12}{'price s':>10}{'again s':>10}   (at most 1.0)")
    for name, file in made.items():
        with tempfile.TemporaryDirectory() as temporary:
            transfer, first, again = await remote(file, Path(temporary))
        print(f"{name:12}{transfer:12.3f}{first:10.3f}{again:10.3f}")
    print()
    print(
        f"{'model':12}{'cache':>8}{'priced MiB':>12}{'real MiB':>10}{'error':>8}   (at most 2 %)",
        flush=True,
    )
    for name, file in made.items():
        for cache in _CACHES:
            parameters: dict[str, Value] = {
                "n_ctx": _N_CTX,
                "cache_type_k": cache,
                "cache_type_v": cache,
            }
            with tempfile.TemporaryDirectory() as temporary:
                found = await memory(file, parameters, Path(temporary))
            said, real = found.priced / _MIB, found.resident / _MIB
            print(f"{name:12}{cache:>8}{said:12.1f}{real:10.1f}{found.error:8.1%}", flush=True)


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1] if len(sys.argv) > 1 else "/tmp/workbench-fit")))
