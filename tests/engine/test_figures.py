"""The figures that the engine reports."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.engine.reports import (
    HELLO,
    Report,
    loaded,
    only,
    reports_of,
    reports_until,
    the,
)
from tests.gguf_files import recurrent_model, sliding_model
from workbench.engine.client import EngineClient
from workbench.engine.protocol import (
    ChatMessage,
    Finished,
    Loaded,
    ModelSource,
    Noted,
    Ready,
    TextArrived,
    Token,
)
from workbench.models.pocket import MODEL_FILE
from workbench.parameters.kinds import Values

MIB = 1024 * 1024


async def generated(
    engine: EngineClient, model: ModelSource, parameters: Values, prompt: str = HELLO[0].content
) -> list[Report]:
    request = await engine.generate(model, only([ChatMessage("user", prompt)], parameters))
    return await reports_of(engine, request)


def drawn(reports: Sequence[Report]) -> list[Token]:
    return [token for each in reports if isinstance(each, TextArrived) for token in each.drawn]


def gaps(tokens: Sequence[Token]) -> list[float]:
    return [token.gap_ms for token in tokens if token.gap_ms is not None]


@pytest.mark.parametrize("max_tokens", [1, 2, 60])
async def test_every_token_is_reported_once_with_the_time_before_it(
    engine: EngineClient, max_tokens: int
) -> None:
    parameters: Values = {"max_tokens": max_tokens, "ignore_eos": True, "seed": 1}
    reports = await generated(engine, ModelSource.of(MODEL_FILE), parameters)
    tokens, timings = drawn(reports), the(Finished, reports).timings
    assert len(tokens) == timings.completion_tokens == max_tokens
    assert [token.gap_ms is None for token in tokens] == [True] + [False] * (max_tokens - 1)
    assert all(gap > 0 for gap in gaps(tokens))
    assert sum(gaps(tokens)) == pytest.approx(timings.decode_ms)


async def test_the_token_that_ends_an_answer_took_its_time_too(engine: EngineClient) -> None:
    parameters: Values = {"temperature": 0}
    reports = await generated(engine, ModelSource.of(MODEL_FILE), parameters)
    tokens, finished = drawn(reports), the(Finished, reports)
    assert finished.reason == "stop"
    assert len(tokens) == finished.timings.completion_tokens + 1
    assert sum(gaps(tokens)) == pytest.approx(finished.timings.decode_ms)


@pytest.mark.parametrize("policy", ["shift", "drop"])
async def test_making_room_is_no_time_between_tokens(
    engine: EngineClient, slow_model: Path, policy: str
) -> None:
    model = ModelSource.of(slow_model, {"n_ctx": 64})
    parameters: Values = {
        "context_overflow": policy,
        "max_tokens": 80,
        "ignore_eos": True,
        "temperature": 0,
    }
    reports = await generated(engine, model, parameters, "Go on.")
    finished = the(Finished, reports)
    assert sum(gaps(drawn(reports))) == pytest.approx(finished.timings.decode_ms)
    # Also where it ended within the attempt to make room.
    assert finished.timings.decode_ms > 0
    if policy == "shift":
        assert any(isinstance(report, Noted) for report in reports)


@pytest.mark.parametrize(
    ("cache", "bytes_a_value"), [("f16", 2), ("f32", 4), ("q8_0", 34 / 32), ("q4_0", 18 / 32)]
)
async def test_the_cache_is_as_large_as_its_values(
    engine: EngineClient, cache: str, bytes_a_value: float
) -> None:
    parameters: Values = {"cache_type_k": cache, "cache_type_v": cache, "n_ctx": 1024}
    report = await loaded(engine, MODEL_FILE, parameters)
    assert isinstance(report, Loaded)
    # 1024 cells of 3 layers, K and V of 4 heads of 32 values.
    expected = 1024 * 3 * 2 * 128 * bytes_a_value
    assert report.model.cache_size == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("kind", ["window", "recurrent"])
async def test_the_cache_is_all_that_llama_cpp_names_in_its_log(
    engine: EngineClient, tmp_path: Path, kind: str
) -> None:
    make = {"window": sliding_model, "recurrent": recurrent_model}[kind]
    report = await loaded(engine, make(tmp_path / "model.gguf"), {"n_ctx": 1024})
    assert isinstance(report, Loaded)
    # Contexts that were made to learn the price come first; what is in use comes last.
    log = engine.log_file.read_text().rpartition("constructing llama_context")[2]
    sums = re.findall(r"(?:llama_kv_cache|llama_memory_recurrent): size = +([\d.]+) MiB", log)
    assert len(sums) == {"window": 2, "recurrent": 1}[kind]
    expected = sum(map(float, sums)) * MIB
    assert expected > 0
    assert report.model.cache_size == pytest.approx(expected, rel=0.01, abs=0.01 * MIB)


async def test_devices_are_the_gpus_that_there_are(engine: EngineClient) -> None:
    await engine.generate(ModelSource.of(MODEL_FILE), only(HELLO, {"max_tokens": 1}))
    reports = await reports_until(engine, lambda report: isinstance(report, Finished))
    for devices in (the(Loaded, reports).devices, the(Finished, reports).devices):
        if not the(Ready, reports).gpu_offload:
            assert devices == []
        for device in devices:
            assert device.name
            assert 0 < device.free <= device.total
