"""What a model is said to take, against what it takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.reports import limit_memory, loaded, reports_until, running_engine, the
from tests.gguf_files import random_model, recurrent_model, sliding_model
from workbench.engine.client import EngineClient
from workbench.engine.llama.breakdown import breakdown
from workbench.engine.llama.context import AbortFlag, Context
from workbench.engine.llama.model import Model
from workbench.engine.protocol import Failed, Loaded, ModelSource, Priced
from workbench.models.gguf import read_header
from workbench.parameters.kinds import Values
from workbench.parameters.table import completed

MIB = 1024 * 1024


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Small models, by the memory they have."""
    folder = tmp_path_factory.mktemp("priced")
    return {
        "full": random_model(folder / "full.gguf", layers=2, width=256, heads=4, forward=512),
        "window": sliding_model(folder / "window.gguf"),
        "recurrent": recurrent_model(folder / "recurrent.gguf"),
    }


async def price(engine: EngineClient, file: Path, parameters: Values | None = None) -> Priced:
    await engine.price(ModelSource.of(file, parameters))
    return the(Priced, await reports_until(engine, lambda report: isinstance(report, Priced)))


@pytest.mark.parametrize("cache", ["f16", "q8_0"])
@pytest.mark.parametrize("kind", ["full", "window", "recurrent"])
def test_a_price_is_what_a_real_load_allocates(
    models: dict[str, Path], kind: str, cache: str
) -> None:
    parameters: dict[str, str | int] = {"n_ctx": 2048, "load_mode": "none"}
    values = completed({**parameters, "cache_type_k": cache, "cache_type_v": cache})
    shares = []
    for to_price in (True, False):
        with (
            Model(models[kind], values, on_progress=lambda _: True, to_price=to_price) as model,
            Context(model, values, abort=AbortFlag()) as context,
        ):
            shares.append(sorted(breakdown(context)))
    assert shares[0] == shares[1]
    for figure in ("weights", "cache", "compute"):
        assert sum(getattr(share, figure) for share in shares[0])


async def test_a_longer_context_costs_more_and_a_smaller_cache_type_less(
    engine: EngineClient, models: dict[str, Path]
) -> None:
    short = await price(engine, models["full"], {"n_ctx": 1024})
    long = await price(engine, models["full"], {"n_ctx": 4096})
    # 2 layers of 256 values, K and V, 2 bytes each.
    assert short.host.cache == 1024 * 2 * 256 * 2 * 2
    assert long.host.cache == 4 * short.host.cache
    assert long.host.compute > short.host.compute
    small = await price(engine, models["full"], {"n_ctx": 4096, "cache_type_k": "q8_0"})
    assert short.host.cache < small.host.cache < long.host.cache
    assert long.n_ctx == long.n_ctx_train == long.most == 4096


async def test_only_the_header_need_be_there(
    engine: EngineClient, models: dict[str, Path], tmp_path: Path
) -> None:
    whole = models["full"]
    n_header = read_header(whole).data_offset
    with whole.open("rb") as file:
        (tmp_path / "sparse.gguf").write_bytes(file.read(n_header))
    with (tmp_path / "sparse.gguf").open("ab") as file:
        file.truncate(whole.stat().st_size)
    sparse = await price(engine, tmp_path / "sparse.gguf", {"n_ctx": 1024})
    real = await price(engine, whole, {"n_ctx": 1024})
    assert (sparse.host.weights, sparse.host.cache, sparse.host.compute, sparse.mapped) == (
        (real.host.weights, real.host.cache, real.host.compute, real.mapped)
    )
    assert real.mapped == pytest.approx(whole.stat().st_size - n_header, abs=64)
    assert real.plain == real.host.weights


async def test_weights_that_are_not_mapped_are_not_read_again(
    engine: EngineClient, models: dict[str, Path]
) -> None:
    found = await price(engine, models["full"], {"n_ctx": 1024, "load_mode": "none"})
    assert (found.plain, found.mapped) == (0, 0)


async def test_what_is_loaded_stays_loaded(engine: EngineClient, models: dict[str, Path]) -> None:
    first = await loaded(engine, models["window"])
    assert isinstance(first, Loaded)
    await price(engine, models["full"])
    # It is there at once, and that is said.
    request = await engine.load(ModelSource.of(models["window"]))
    again, *others = await reports_until(engine, lambda report: isinstance(report, Loaded))
    assert not others
    assert isinstance(again, Loaded)
    assert (again.request, again.load_ms) == (request, first.load_ms)


async def test_what_is_no_model_is_a_sentence(engine: EngineClient, tmp_path: Path) -> None:
    (tmp_path / "page.gguf").write_text("<html>")
    for name, words in (("page.gguf", "is not a GGUF file"), ("gone.gguf", "there is no file")):
        await engine.price(ModelSource.of(tmp_path / name))
        async for report in engine.events():
            if isinstance(report, Failed):
                assert words in report.message
                break


async def test_the_longest_context_is_what_the_memory_holds(tmp_path: Path) -> None:
    file = random_model(
        tmp_path / "long.gguf", layers=4, width=128, heads=4, forward=256, n_ctx=1_048_576
    )
    async with running_engine(tmp_path / "engine.log") as engine:
        await limit_memory(engine, 400 * MIB)
        found = await price(engine, file)
        assert found.n_ctx < found.most < found.n_ctx_train
        assert found.most % 256 == 0
        at_most = await price(engine, file, {"n_ctx": found.most})
        beyond = await price(engine, file, {"n_ctx": found.most + 4096})
    assert at_most.host.total <= found.host.free < beyond.host.total


async def test_a_file_that_changes_is_read_again(
    engine: EngineClient, models: dict[str, Path], tmp_path: Path
) -> None:
    file = tmp_path / "x.gguf"
    for kind in ("full", "window", "full"):
        file.write_bytes(models[kind].read_bytes())
        assert (await price(engine, file, {"n_ctx": 512})).n_params == (
            (await price(engine, models[kind], {"n_ctx": 512})).n_params
        )
    overrides = ("llama.context_length=int:99",)
    shorter = await price(engine, file, {"n_ctx": 512, "kv_overrides": overrides})
    assert shorter.n_ctx_train == 99
