"""The real engine process on real models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.engine.reports import HELLO, answer, only, reports_until, running_engine, text_of, the
from tests.gguf_files import random_model, recurrent_model, sliding_model
from tests.waiting import wait_until
from workbench.engine.client import EngineClient, EngineDied
from workbench.engine.protocol import (
    ChatMessage,
    Failed,
    Finished,
    Loaded,
    LoadProgress,
    ModelSource,
    PromptProgress,
    Ready,
    TextArrived,
)
from workbench.engine.template import NO_TEMPLATE_NOTE
from workbench.models.pocket import MODEL_FILE
from workbench.parameters.kinds import Value

POCKET = ModelSource.of(MODEL_FILE)


def finished_or_failed(report: object) -> bool:
    return isinstance(report, Finished | Failed | EngineDied)


async def test_one_request_loads_reads_writes_and_reports(engine: EngineClient) -> None:
    await engine.generate(POCKET, only(HELLO, {"temperature": 0, "max_tokens": 12}))
    reports = await reports_until(engine, finished_or_failed)
    kinds = [type(report) for report in reports]
    order = [Ready, LoadProgress, Loaded, PromptProgress, TextArrived, Finished]
    assert list(dict.fromkeys(kinds)) == order

    loaded, finished = the(Loaded, reports), the(Finished, reports)
    timings = finished.timings
    assert loaded.model.name == "pocket"
    assert loaded.load_ms > 0
    assert finished.reason in ("length", "stop")
    assert text_of(reports).strip()
    assert 0 < timings.completion_tokens <= 12
    assert timings.prompt_tokens > 0
    assert timings.prompt_tps > 0
    assert timings.tps > 0
    assert 0 < timings.ttft_ms < 60_000
    # The last token is drawn but not decoded, unless it was the end of the answer.
    held = timings.prompt_tokens + timings.completion_tokens
    assert timings.n_context in (held - 1, held)
    assert timings.n_ctx == loaded.model.n_ctx


async def test_greedy_answers_are_the_same_and_seeds_repeat(engine: EngineClient) -> None:
    greedy = {"temperature": 0, "max_tokens": 40}
    assert (await answer(engine, POCKET, greedy))[0] == (await answer(engine, POCKET, greedy))[0]

    hot = {"temperature": 2.0, "top_k": 0, "top_p": 1, "min_p": 0, "max_tokens": 40}
    first, finished = await answer(engine, POCKET, hot)
    again, _ = await answer(engine, POCKET, {**hot, "seed": finished.seed})
    other, _ = await answer(engine, POCKET, {**hot, "seed": finished.seed ^ 1})
    assert again == first
    assert other != first


async def test_the_filters_narrow_what_can_be_drawn(engine: EngineClient) -> None:
    greedy, _ = await answer(engine, POCKET, {"temperature": 0, "max_tokens": 24})
    hot = {"temperature": 5, "top_k": 0, "top_p": 1, "min_p": 0, "seed": 3, "max_tokens": 24}
    assert (await answer(engine, POCKET, hot))[0] != greedy
    for narrow in ({"top_k": 1}, {"top_p": 0}, {"min_p": 1}):
        assert (await answer(engine, POCKET, {**hot, **narrow}))[0] == greedy, narrow


async def test_repeat_penalty_acts_and_looks_back_only_so_far(
    engine: EngineClient, slow_model: Path
) -> None:
    source = ModelSource.of(slow_model, {"n_ctx": 256})
    plain = {"temperature": 0, "max_tokens": 48}
    penalised = {**plain, "repeat_penalty": 5}
    text, _ = await answer(engine, source, plain)
    assert (await answer(engine, source, penalised))[0] != text
    assert (await answer(engine, source, {**penalised, "repeat_last_n": 0}))[0] == text


async def test_a_stop_keeps_the_text_and_the_engine(engine: EngineClient, slow_model: Path) -> None:
    source = ModelSource.of(slow_model)
    request = await engine.generate(source, only(HELLO, {"temperature": 0}))
    before = await reports_until(
        engine, lambda report: isinstance(report, TextArrived) and report.n_tokens > 3
    )
    pid = engine.pid
    await engine.stop(request)
    after = await reports_until(engine, finished_or_failed)
    finished = the(Finished, after)
    assert finished.reason == "cancelled"
    assert text_of([*before, *after])
    assert finished.timings.completion_tokens < 2000

    await answer(engine, source, {"max_tokens": 2})
    assert engine.pid == pid


def middling_model(path: Path, *, n_ctx: int) -> Path:
    return random_model(path, layers=4, width=256, heads=4, forward=768, n_ctx=n_ctx)


@pytest.mark.parametrize(
    ("make", "n_words"),
    # The small ones read faster.
    [(middling_model, 1500), (sliding_model, 3000), (recurrent_model, 3000)],
)
async def test_a_stop_inside_a_long_prompt_leaves_the_memory_right(
    engine: EngineClient, tmp_path: Path, make: Callable[..., Path], n_words: int
) -> None:
    source = ModelSource.of(
        make(tmp_path / "long.gguf", n_ctx=16_384), {"n_threads": 1, "n_ubatch": 128}
    )
    # No part of it is like another, or a gap in the memory would not show.
    long = [ChatMessage("user", " ".join(map(str, range(n_words))))]
    # Drawn from all tokens, so that the least difference in what was read shows.
    hot: dict[str, Value] = {
        "temperature": 1,
        "samplers": ("temperature",),
        "seed": 1,
        "max_tokens": 150,
    }
    request = await engine.generate(source, only(long, hot))
    before = await reports_until(engine, lambda report: isinstance(report, PromptProgress))
    midway = the(PromptProgress, before)
    assert 0 < midway.n_done < midway.n_total
    assert midway.n_total >= 4000
    await engine.stop(request)
    finished = the(Finished, await reports_until(engine, finished_or_failed))
    assert finished.reason == "cancelled"
    assert finished.timings.completion_tokens == 0
    assert finished.timings.n_context < midway.n_total
    if make is not recurrent_model:
        assert midway.n_done <= finished.timings.n_context

    text, again = await answer(engine, source, hot, long)
    # Where a memory cannot be cut, what came after its last checkpoint is read again.
    if make is middling_model:
        assert again.timings.cached_tokens == finished.timings.n_context
    async with running_engine(engine.log_file.with_name("fresh.log")) as fresh:
        assert (await answer(fresh, source, hot, long))[0] == text


async def test_a_stop_before_its_request_begins_is_kept(
    engine: EngineClient, slow_model: Path
) -> None:
    source = ModelSource.of(slow_model)
    first = await engine.generate(source, only(HELLO, {"max_tokens": 20}))
    second = await engine.generate(source, only(HELLO, {}))
    await engine.stop(second)
    reports = await reports_until(
        engine, lambda report: isinstance(report, Finished) and report.request == second
    )
    reasons = {report.request: report.reason for report in reports if isinstance(report, Finished)}
    assert reasons[first] in ("length", "stop")
    assert reasons[second] == "cancelled"


async def test_text_comes_in_few_events(engine: EngineClient) -> None:
    await engine.generate(POCKET, only([ChatMessage("user", "Tell me a story.")], {"seed": 1}))
    reports = await reports_until(engine, finished_or_failed)
    timings = the(Finished, reports).timings
    texts = [report for report in reports if isinstance(report, TextArrived)]
    # Thirty a second, beside the first piece and the last.
    assert len(texts) <= timings.decode_ms / 1000 * 30 + 3


async def test_the_common_beginning_is_not_evaluated_again(engine: EngineClient) -> None:
    parameters = {"temperature": 0, "max_tokens": 16}
    text, first = await answer(engine, POCKET, parameters)
    conversation = [*HELLO, ChatMessage("assistant", text), ChatMessage("user", "And why?")]
    followed, second = await answer(engine, POCKET, parameters, conversation)
    assert second.timings.cached_tokens >= first.timings.prompt_tokens - 1

    async with running_engine(engine.log_file.with_name("fresh.log")) as fresh:
        assert (await answer(fresh, POCKET, parameters, conversation))[0] == followed


async def test_a_full_context_ends_the_answer(engine: EngineClient, slow_model: Path) -> None:
    source = ModelSource.of(slow_model, {"n_ctx": 64})
    _, finished = await answer(engine, source, {"temperature": 0})
    assert finished.reason == "context"
    assert finished.timings.n_ctx == 64
    assert finished.timings.n_context == 64


async def test_a_prompt_that_does_not_fit_says_so(engine: EngineClient, slow_model: Path) -> None:
    source = ModelSource.of(slow_model, {"n_ctx": 64})
    await engine.generate(source, only([ChatMessage("user", "word " * 200)], {}))
    message = the(Failed, await reports_until(engine, finished_or_failed)).message
    assert "the context holds 64" in message
    assert "raise n_ctx" in message


async def test_loading_parameters_reload_the_model(engine: EngineClient) -> None:
    await answer(engine, POCKET, {"max_tokens": 1})
    await engine.generate(
        ModelSource.of(MODEL_FILE, {"n_ctx": 128}), only(HELLO, {"max_tokens": 1})
    )
    reports = await reports_until(engine, finished_or_failed)
    assert the(Loaded, reports).model.n_ctx == 128


async def test_notes_say_what_a_person_should_know(engine: EngineClient, tmp_path: Path) -> None:
    bare = random_model(
        tmp_path / "bare.gguf", layers=1, width=64, heads=2, forward=64, drop_template=True
    )
    await engine.load(ModelSource.of(bare, {"n_ctx": 8192}))
    reports = await reports_until(engine, lambda report: isinstance(report, Loaded | Failed))
    notes = the(Loaded, reports).notes
    assert NO_TEMPLATE_NOTE in notes
    assert any("4096 tokens this model was trained on" in note for note in notes)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"n_gpu_layers": 5}, "n_gpu_layers has no effect"),
        ({"n_gpu_layers": 5, "tensor_split": ("3", "1")}, "n_gpu_layers, tensor_split have no"),
        ({"n_gpu_layers": 0, "offload_kqv": False, "split_mode": "layer"}, ""),
        ({}, ""),
    ],
)
async def test_without_a_gpu_what_only_a_gpu_can_do_is_a_note(
    engine: EngineClient, asked: dict[str, Value], said: str
) -> None:
    await engine.load(ModelSource.of(MODEL_FILE, asked))
    reports = await reports_until(engine, lambda report: isinstance(report, Loaded))
    if the(Ready, reports).gpu_offload:
        pytest.skip("this llama.cpp is built for a GPU")
    notes = [note for note in the(Loaded, reports).notes if "no effect" in note]
    assert [note.startswith(said) for note in notes] == ([True] if said else [])


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "there is no file"),
        (b"", "it is empty"),
        (b"Once upon a time there was a text file.", "is not a GGUF file"),
        (MODEL_FILE.read_bytes()[:400_000], "incomplete"),
        (MODEL_FILE.read_bytes()[:600], "could not load"),
    ],
    ids=["missing", "empty", "text", "truncated data", "truncated header"],
)
async def test_a_bad_file_is_a_sentence_and_the_engine_lives(
    engine: EngineClient, tmp_path: Path, content: bytes | None, complaint: str
) -> None:
    file = tmp_path / "bad.gguf"
    if content is not None:
        file.write_bytes(content)
    await engine.load(ModelSource.of(file))
    failed = the(Failed, await reports_until(engine, finished_or_failed))
    assert complaint in failed.message
    assert str(file) in failed.message
    await answer(engine, POCKET, {"max_tokens": 1})


async def test_a_folder_is_no_model(engine: EngineClient, tmp_path: Path) -> None:
    await engine.load(ModelSource.of(tmp_path))
    failed = the(Failed, await reports_until(engine, finished_or_failed))
    assert "is a folder" in failed.message


async def test_a_broken_template_fails_the_answer_alone(
    engine: EngineClient, tmp_path: Path
) -> None:
    broken = random_model(
        tmp_path / "broken.gguf", layers=1, width=64, heads=2, forward=64, template="{% if %}"
    )
    await engine.generate(ModelSource.of(broken), only(HELLO, {}))
    failed = the(Failed, await reports_until(engine, finished_or_failed))
    assert "broken at line 1" in failed.message
    await answer(engine, POCKET, {"max_tokens": 1})


async def test_closing_leaves_no_process(tmp_path: Path, slow_model: Path) -> None:
    async with running_engine(tmp_path / "engine.log") as engine:
        await engine.generate(ModelSource.of(slow_model), only(HELLO, {"temperature": 0}))
        await reports_until(engine, lambda report: isinstance(report, TextArrived))
        pid = engine.pid
    assert pid is not None
    await wait_until(lambda: not psutil.pid_exists(pid), "the engine to be gone")


async def test_what_llama_cpp_says_goes_to_the_log_only(
    engine: EngineClient, capfd: pytest.CaptureFixture[str]
) -> None:
    await answer(engine, POCKET, {"max_tokens": 1})
    assert "llama" in engine.log_file.read_text()
    assert capfd.readouterr() == ("", "")
