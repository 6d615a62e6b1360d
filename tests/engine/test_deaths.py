"""An engine that dies is a message: the interface lives, and the next prompt is answered."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

from tests.engine.reports import (
    HELLO,
    answer,
    limit_memory,
    only,
    reports_of,
    reports_until,
    text_of,
    the,
)
from tests.waiting import wait_until
from workbench.engine.client import EngineClient, EngineDied
from workbench.engine.protocol import Failed, Finished, ModelSource, TextArrived
from workbench.models.pocket import MODEL_FILE

POCKET = ModelSource.of(MODEL_FILE)
# Sound when it is loaded; llama.cpp asserts otherwise when it computes.
ASSERTING = ModelSource.of(
    MODEL_FILE, {"kv_overrides": ("llama.attention.layer_norm_rms_epsilon=float:-1",)}
)
MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (signal.SIGKILL, "a smaller n_ctx"),
        (signal.SIGSEGV, "other parameters"),
        (signal.SIGABRT, "its last words below"),
        (signal.SIGBUS, "changed or vanished"),
        (signal.SIGILL, "another kind of CPU"),
        (signal.SIGTERM, "last words below"),
    ],
)
async def test_a_death_is_reported_and_the_next_prompt_starts_anew(
    engine: EngineClient, slow_model: Path, number: signal.Signals, advice: str
) -> None:
    source = ModelSource.of(slow_model)
    await engine.generate(source, only(HELLO, {"temperature": 0}))
    before = await reports_until(
        engine, lambda report: isinstance(report, TextArrived) and bool(report.text)
    )
    first_pid = engine.pid
    assert first_pid is not None
    os.kill(first_pid, number)
    died = the(
        EngineDied,
        await reports_until(engine, lambda report: isinstance(report, EngineDied | Finished)),
    )
    assert text_of(before)
    assert died.cause == number.name
    assert advice in died.advice
    assert died.log

    _, finished = await answer(engine, source, {"max_tokens": 2})
    assert finished.timings.completion_tokens
    assert engine.pid != first_pid


async def test_a_death_tells_which_requests_went_with_it(
    engine: EngineClient, slow_model: Path
) -> None:
    await answer(engine, POCKET, {"max_tokens": 2})
    last = await engine.generate(ModelSource.of(slow_model), only(HELLO, {"temperature": 0}))
    later = engine.number()
    assert engine.pid is not None
    os.kill(engine.pid, signal.SIGKILL)
    await wait_until(lambda: engine.pid is None, "the client to notice")
    # The death is still to be heard when the next prompt is on its way.
    await engine.generate(POCKET, only(HELLO, {"max_tokens": 2}), request=later)
    died = the(EngineDied, await reports_of(engine, last))
    assert died.request == last
    the(Finished, await reports_of(engine, later))


async def test_an_assertion_of_llama_cpp_is_the_last_word(engine: EngineClient) -> None:
    died = the(
        EngineDied, await reports_of(engine, await engine.generate(ASSERTING, only(HELLO, {})))
    )
    assert died.cause == "SIGABRT"
    # Without the folders of where llama.cpp was built.
    assert re.match(r"ops\.cpp:\d+: GGML_ASSERT\(eps >= 0\.0f\) failed", died.log[-2])

    await answer(engine, POCKET, {"max_tokens": 2})
    assert engine.pid is not None
    os.kill(engine.pid, signal.SIGKILL)
    killed = the(
        EngineDied, await reports_until(engine, lambda report: isinstance(report, EngineDied))
    )
    assert not [line for line in killed.log if "ASSERT" in line], "another engine's last words"


@pytest.mark.parametrize("more", [24, 40, 60, 66, 75, 100])
async def test_no_memory_for_a_model_costs_that_model_alone(
    engine: EngineClient, slow_model: Path, more: int
) -> None:
    await limit_memory(engine, more * MIB)
    request = await engine.generate(ModelSource.of(slow_model), only(HELLO, {"max_tokens": 2}))
    match (await reports_of(engine, request))[-1]:
        case Failed(message=message):
            assert str(slow_model) in message
            assert "not enough memory" in message
        case EngineDied(advice=advice):
            assert "no more memory: try a smaller model" in advice
        case other:
            raise AssertionError(other)
    # Where even a small one is too much for what is left of the engine, a new one has room.
    reports = await reports_of(
        engine, await engine.generate(POCKET, only(HELLO, {"max_tokens": 2}))
    )
    if isinstance(reports[-1], EngineDied):
        await answer(engine, POCKET, {"max_tokens": 2})
    else:
        the(Finished, reports)
