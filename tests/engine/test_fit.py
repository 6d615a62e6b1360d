"""How long a context the memory allows for, in an engine whose memory is limited."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.engine.reports import answer, limit_memory, loaded, running_engine
from tests.gguf_files import random_model, recurrent_model, sliding_model
from workbench.engine.client import EngineClient
from workbench.engine.llama.context import AbortFlag
from workbench.engine.loaded import LoadedModel
from workbench.engine.machine import Machine
from workbench.engine.protocol import Failed, Loaded, ModelSource
from workbench.parameters.kinds import Values

TRAINED = 1_048_576
MIB = 1024 * 1024


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[EngineClient]:
    """An engine with 400 MiB left."""
    async with running_engine(tmp_path / "engine.log") as client:
        await limit_memory(client, 400 * MIB)
        yield client


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Small models that were trained on a million tokens, by the memory they have."""
    folder = tmp_path_factory.mktemp("long")
    return {
        "full": random_model(
            folder / "full.gguf", layers=4, width=128, heads=4, forward=256, n_ctx=TRAINED
        ),
        "window": sliding_model(folder / "window.gguf", window=512, n_ctx=TRAINED),
        "recurrent": recurrent_model(folder / "recurrent.gguf", n_ctx=TRAINED),
    }


async def length(engine: EngineClient, file: Path, parameters: Values) -> int:
    """The length that "auto" comes to."""
    report = await loaded(engine, file, parameters)
    assert isinstance(report, Loaded), report
    n_ctx = report.model.n_ctx
    said = [note for note in report.notes if f"n_ctx is {n_ctx} of the {TRAINED} tokens" in note]
    assert bool(said) == (n_ctx < TRAINED)
    assert n_ctx % 256 == 0
    return n_ctx


async def test_auto_takes_what_a_quarter_of_the_memory_holds(
    engine: EngineClient, models: dict[str, Path]
) -> None:
    plain = await length(engine, models["full"], {})
    # 4 layers of 128 values, K and V, 2 bytes each, a mask of 1 KiB and a cell's record.
    assert plain == pytest.approx(100 * MIB / (4 * 128 * 2 * 2 + 1024 + 64), rel=0.2)
    assert await length(engine, models["full"], {"cache_type_k": "q8_0"}) > plain
    assert await length(engine, models["full"], {"n_ubatch": 64}) > plain
    assert await length(engine, models["full"], {"flash_attn": "off"}) < plain
    _, finished = await answer(engine, ModelSource.of(models["full"]), {"max_tokens": 2})
    assert finished.timings.completion_tokens


async def test_a_window_costs_little_and_a_recurrent_state_nothing(
    engine: EngineClient, models: dict[str, Path]
) -> None:
    window = await length(engine, models["window"], {})
    assert await length(engine, models["window"], {"swa_full": True}) < window
    assert await length(engine, models["recurrent"], {}) == TRAINED


@pytest.mark.parametrize("cache", ["f16", "q8_0"])
@pytest.mark.parametrize("kind", ["full", "window"])
async def test_what_cannot_fit_is_refused_and_what_is_said_to_fit_fits(
    engine: EngineClient, models: dict[str, Path], kind: str, cache: str
) -> None:
    parameters: dict[str, str | int] = {"cache_type_k": cache, "cache_type_v": cache}
    refused = await loaded(engine, models[kind], {**parameters, "n_ctx": 16_777_216})
    assert isinstance(refused, Failed)
    found = re.search(r"n_ctx 16777216 needs .* GB and .* free: at most (\d+)", refused.message)
    assert found, refused.message
    report = await loaded(engine, models[kind], {**parameters, "n_ctx": int(found[1])})
    assert isinstance(report, Loaded), report
    assert report.model.n_ctx == int(found[1])


def test_weights_that_leave_no_memory_are_a_note(tmp_path: Path, slow_model: Path) -> None:
    (tmp_path / "memory.max").write_text(f"{MIB}\n")
    (tmp_path / "memory.current").write_text("0\n")
    (tmp_path / "membership").write_text("0::/\n")
    machine = Machine(tmp_path, tmp_path / "membership")
    source = ModelSource.of(slow_model)
    with closing(LoadedModel(source, AbortFlag(), lambda _: True, machine)) as model:
        assert model.info().n_ctx == 512
        assert any("weights take 0.1 GB and 0.0 GB were free" in note for note in model.notes())
