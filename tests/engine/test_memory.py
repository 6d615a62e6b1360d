"""What is never evaluated twice, what happens when the context is full, and states on disk."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.engine.reports import Report, answer, only, reports_until, running_engine, text_of, the
from tests.gguf_files import random_model
from workbench.engine.client import EngineClient, EngineDied
from workbench.engine.protocol import (
    ChatMessage,
    Failed,
    Finished,
    ModelSource,
    Noted,
    StateSaved,
)
from workbench.models.pocket import MODEL_FILE
from workbench.parameters.kinds import Values

POCKET = ModelSource.of(MODEL_FILE)
GREEDY: Values = {"temperature": 0, "max_tokens": 20}
SYSTEM = ChatMessage("system", "You are brief.")


def user(text: str) -> ChatMessage:
    return ChatMessage("user", text)


def done(report: Report) -> bool:
    return isinstance(report, Finished | Failed | EngineDied)


async def talk(
    engine: EngineClient, model: ModelSource, turns: int, values: Values = GREEDY
) -> list[ChatMessage]:
    """A conversation of some turns; the messages with the last answer."""
    messages: list[ChatMessage] = [SYSTEM]
    for turn in range(turns):
        messages.append(user(f"Tell me a story about {turn} foxes and {turn + 1} owls."))
        text, _ = await answer(engine, model, values, messages)
        messages.append(ChatMessage("assistant", text))
    return messages


@pytest.fixture(params=["pocket", "sliding", "recurrent"])
def model(request: pytest.FixtureRequest) -> ModelSource:
    name = request.param
    return POCKET if name == "pocket" else ModelSource.of(request.getfixturevalue(name))


# ---- the common beginning ----------------------------------------------------------------------


async def test_regenerating_evaluates_one_token(engine: EngineClient, model: ModelSource) -> None:
    messages = (await talk(engine, model, 3))[:-1]
    _, again = await answer(engine, model, GREEDY, messages)
    timings = again.timings
    assert timings.prompt_tokens - timings.cached_tokens == 1


async def test_what_is_reused_answers_as_what_is_read_anew(
    engine: EngineClient, model: ModelSource, tmp_path: Path
) -> None:
    messages = (await talk(engine, model, 3))[:-1]
    reused, timings = await answer(engine, model, GREEDY, messages)
    assert timings.timings.cached_tokens > 0
    async with running_engine(tmp_path / "other.log") as other:
        anew, _ = await answer(other, model, GREEDY, messages)
    assert reused == anew


async def test_editing_the_last_turn_keeps_the_others(
    engine: EngineClient, model: ModelSource
) -> None:
    messages = await talk(engine, model, 3)
    edited = [*messages[:-2], user("Something else, please.")]
    _, finished = await answer(engine, model, GREEDY, edited)
    timings = finished.timings
    assert timings.prompt_tokens - timings.cached_tokens < 60
    assert timings.cached_tokens > 60


async def test_an_answer_that_was_cut_goes_on_without_reading_it_again(
    engine: EngineClient,
) -> None:
    question = [user("Tell me a story about a fox.")]
    whole, _ = await answer(engine, POCKET, {"temperature": 0, "max_tokens": 30}, question)
    begun, _ = await answer(engine, POCKET, {"temperature": 0, "max_tokens": 15}, question)
    rest, finished = await answer(
        engine,
        POCKET,
        {"temperature": 0, "max_tokens": 15},
        [*question, ChatMessage("assistant", begun)],
    )
    assert begun + rest == whole
    timings = finished.timings
    assert timings.prompt_tokens - timings.cached_tokens <= 2


# ---- the full context --------------------------------------------------------------------------

SMALL = ModelSource.of(MODEL_FILE, {"n_ctx": 128})


async def run(
    engine: EngineClient, messages: Sequence[ChatMessage], values: Values
) -> list[Report]:
    await engine.generate(SMALL, only(messages, values))
    return await reports_until(engine, done)


def endless(policy: str, max_tokens: int = 300) -> Values:
    return {
        "temperature": 0,
        "ignore_eos": True,
        "max_tokens": max_tokens,
        "context_overflow": policy,
    }


TURNS = [
    SYSTEM,
    user("Who are you?"),
    ChatMessage("assistant", "I am Pocket."),
    user("What is temperature?"),
    ChatMessage("assistant", "It flattens the distribution."),
    user("Tell me a story about a fox."),
]


async def test_by_default_a_full_context_ends_the_answer(engine: EngineClient) -> None:
    reports = await run(engine, TURNS, endless("stop"))
    finished = the(Finished, reports)
    assert finished.reason == "context"
    assert finished.timings.n_context == 128
    assert not [report for report in reports if isinstance(report, Noted)]


async def test_shifting_goes_on_and_says_what_left_before_it_goes(engine: EngineClient) -> None:
    reports = await run(engine, TURNS, endless("shift"))
    assert the(Finished, reports).reason == "length"
    notes = [report.note for report in reports if isinstance(report, Noted)]
    assert len(notes) >= 2
    assert "tokens after the system prompt are shifted out" in notes[0]
    assert len(text_of(reports)) > 300


async def test_dropping_goes_on_until_the_last_turn_and_says_what_is_left_out(
    engine: EngineClient,
) -> None:
    reports = await run(engine, TURNS, endless("drop"))
    notes = [report.note for report in reports if isinstance(report, Noted)]
    assert "the oldest 4 messages" in notes[0]
    # Nothing is left to drop but the question itself.
    assert the(Finished, reports).reason == "context"
    assert the(Finished, reports).timings.completion_tokens > 60


async def test_a_long_conversation_loses_its_oldest_turns_not_its_system_message(
    engine: EngineClient,
) -> None:
    talk = [SYSTEM]
    for _ in range(12):
        talk += [user("What is temperature?"), ChatMessage("assistant", "A number. " * 3)]
    talk.append(user("Who are you?"))
    [refused] = [report for report in await run(engine, talk, GREEDY) if isinstance(report, Failed)]
    assert "set context_overflow to drop" in refused.message

    reports = await run(engine, talk, {**GREEDY, "context_overflow": "drop"})
    [note] = [report.note for report in reports if isinstance(report, Noted)]
    assert "messages" in note
    assert reports.index(the(Noted, reports)) < reports.index(the(Finished, reports))
    shortened = the(Finished, reports).timings.prompt_tokens
    short = await run(engine, [SYSTEM, user("Who are you?")], GREEDY)
    # The system message is still what the prompt begins with.
    assert the(Finished, short).timings.cached_tokens > 5
    assert the(Finished, short).timings.prompt_tokens < shortened <= 96


async def test_a_single_message_that_is_too_long_is_refused(engine: EngineClient) -> None:
    reports = await run(engine, [user("word " * 400)], {**GREEDY, "context_overflow": "drop"})
    assert "even the last message alone does not fit" in the(Failed, reports).message
    # It would be no help to drop what came before.
    reports = await run(engine, [user("word " * 400)], GREEDY)
    assert "context_overflow" not in the(Failed, reports).message


async def test_a_last_message_that_fits_alone_is_answered(engine: EngineClient) -> None:
    """Where it takes more than the three quarters that are left to a prompt otherwise."""
    drop: Values = {**GREEDY, "max_tokens": 3, "context_overflow": "drop"}
    long = user("word " * 90)
    alone = the(Finished, await run(engine, [long], drop)).timings.prompt_tokens
    assert 96 < alone < 128
    reports = await run(engine, [user("word " * 30), ChatMessage("assistant", "Yes."), long], drop)
    assert the(Finished, reports).timings.prompt_tokens == alone
    assert "the oldest 2 messages" in the(Noted, reports).note


# ---- states on disk ----------------------------------------------------------------------------


async def save(engine: EngineClient, file: Path) -> StateSaved:
    await engine.save_state(file)
    reports = await reports_until(
        engine, lambda report: isinstance(report, StateSaved | Failed | EngineDied)
    )
    return the(StateSaved, reports)


async def reopen(
    log: Path, model: ModelSource, messages: Sequence[ChatMessage], state: Path
) -> Finished:
    """The answer of a new engine that finds ``state``."""
    async with running_engine(log) as engine:
        await engine.generate(model, only(messages, GREEDY), state=state)
        return the(Finished, await reports_until(engine, done))


async def test_a_state_is_taken_up_by_another_engine(
    engine: EngineClient, model: ModelSource, tmp_path: Path
) -> None:
    messages = await talk(engine, model, 2)
    (tmp_path / "states").mkdir()
    state = tmp_path / "states" / "talk.kv"
    saved = await save(engine, state)
    assert saved.size == state.stat().st_size
    assert [file.name for file in state.parent.iterdir()] == ["talk.kv"]

    going_on = [*messages, user("And then?")]
    expected, _ = await answer(engine, model, GREEDY, going_on)
    async with running_engine(tmp_path / "other.log") as other:
        await other.generate(model, only(going_on, GREEDY), state=state)
        reports = await reports_until(other, done)
    assert the(Finished, reports).timings.cached_tokens >= saved.n_tokens - 30
    assert the(Finished, reports).notes == []
    assert text_of(reports) == expected


@pytest.mark.parametrize("where", [0, 6, 40, 900, 1000, -1])
async def test_a_damaged_state_is_ignored_with_a_note(
    engine: EngineClient, tmp_path: Path, where: int
) -> None:
    messages = await talk(engine, POCKET, 1)
    state = tmp_path / "talk.kv"
    await save(engine, state)
    data = bytearray(state.read_bytes())
    data[where] ^= 0xFF
    state.write_bytes(data)
    finished = await reopen(tmp_path / "other.log", POCKET, [*messages, user("And?")], state)
    assert finished.timings.cached_tokens == 0
    [note] = finished.notes
    assert f"The saved state {state} is ignored" in note


async def test_a_truncated_or_foreign_state_is_ignored_with_a_note(
    engine: EngineClient, tmp_path: Path
) -> None:
    messages = await talk(engine, POCKET, 1)
    state = tmp_path / "talk.kv"
    await save(engine, state)
    whole = state.read_bytes()
    for broken in (whole[:3], whole[:5], whole[:100], whole[:-1], whole + b"x", b"GGUF"):
        state.write_bytes(broken)
        finished = await reopen(tmp_path / "other.log", POCKET, [*messages, user("And?")], state)
        assert "is ignored" in finished.notes[0]


async def test_a_state_of_other_settings_is_stale(engine: EngineClient, tmp_path: Path) -> None:
    messages = await talk(engine, POCKET, 1)
    state = tmp_path / "talk.kv"
    await save(engine, state)
    other = ModelSource.of(MODEL_FILE, {"cache_type_k": "q8_0"})
    finished = await reopen(tmp_path / "other.log", other, messages[:-1], state)
    assert "saved with another cache_type_k" in finished.notes[0]


async def test_a_state_of_another_model_is_stale(
    engine: EngineClient, tmp_path: Path, sliding: Path
) -> None:
    await talk(engine, POCKET, 1)
    state = tmp_path / "talk.kv"
    await save(engine, state)
    finished = await reopen(tmp_path / "other.log", ModelSource.of(sliding), [user("Hello")], state)
    assert "saved with another model" in finished.notes[0]


async def test_a_file_that_is_no_state_is_not_written_over(
    engine: EngineClient, tmp_path: Path
) -> None:
    await talk(engine, POCKET, 1)
    notes = tmp_path / "notes.txt"
    notes.write_text("my precious notes")
    await engine.save_state(notes)
    reports = await reports_until(engine, lambda report: isinstance(report, StateSaved | Failed))
    assert "is left as it is" in the(Failed, reports).message
    assert notes.read_text() == "my precious notes"
    notes.write_text("")
    await save(engine, notes)


async def test_what_is_no_file_is_not_replaced_and_a_link_is_followed(
    engine: EngineClient, tmp_path: Path
) -> None:
    await talk(engine, POCKET, 1)
    link, file, pipe = tmp_path / "link.kv", tmp_path / "far" / "talk.kv", tmp_path / "pipe"
    file.parent.mkdir()
    link.symlink_to(file)
    await save(engine, link)
    assert link.is_symlink()
    assert file.stat().st_size > 1000
    os.mkfifo(pipe)
    await engine.save_state(pipe)
    reports = await reports_until(engine, lambda report: isinstance(report, StateSaved | Failed))
    assert "is left as it is" in the(Failed, reports).message
    assert pipe.is_fifo()


async def test_a_state_that_cannot_be_looked_at_ends_nothing(
    engine: EngineClient, tmp_path: Path
) -> None:
    state = tmp_path / ("x" * 300)
    await engine.generate(POCKET, only([user("Hello")], GREEDY), state=state)
    assert the(Finished, await reports_until(engine, done)).timings.completion_tokens


async def test_a_state_is_of_one_kind_of_long_context(engine: EngineClient, tmp_path: Path) -> None:
    """Beyond what a model was first trained on some turn positions by other factors."""
    file = random_model(
        tmp_path / "long.gguf", layers=1, width=64, heads=2, forward=64, n_ctx=4096,
        metadata={"llama.rope.scaling.original_context_length": 1024},
    )  # fmt: skip
    small = ModelSource.of(file, {"n_ctx": 512})
    messages = await talk(engine, small, 1)
    state = tmp_path / "talk.kv"
    await save(engine, state)
    within = ModelSource.of(file, {"n_ctx": 768})
    again = [*messages, user("And then?")]
    assert (await reopen(tmp_path / "within.log", within, again, state)).notes == []
    beyond = ModelSource.of(file, {"n_ctx": 2048})
    notes = (await reopen(tmp_path / "beyond.log", beyond, again, state)).notes
    assert any("saved with another n_ctx" in note for note in notes)


@pytest.mark.parametrize(
    ("metadata", "is_bound"),
    [
        ({"llama.rope.scaling.type": "longrope"}, True),
        (
            {
                "llama.rope.scaling.type": "yarn",
                "llama.rope.scaling.original_context_length": 1024,
            },
            False,
        ),
    ],
    ids=["longrope", "yarn"],
)
async def test_which_models_have_two_kinds_of_factors(
    engine: EngineClient, tmp_path: Path, metadata: dict[str, str | int], is_bound: bool
) -> None:
    file = random_model(
        tmp_path / "long.gguf", layers=1, width=64, heads=2, forward=64, n_ctx=1024,
        metadata=metadata,
    )  # fmt: skip
    messages = await talk(engine, ModelSource.of(file, {"n_ctx": 512}), 1)
    state = tmp_path / "talk.kv"
    await save(engine, state)
    beyond = ModelSource.of(file, {"n_ctx": 2048})
    again = [*messages, user("And then?")]
    notes = (await reopen(tmp_path / "beyond.log", beyond, again, state)).notes
    assert any("saved with another n_ctx" in note for note in notes) is is_bound


async def test_a_state_of_a_model_with_one_kind_is_good_for_any_context(
    engine: EngineClient, tmp_path: Path
) -> None:
    messages = await talk(engine, ModelSource.of(MODEL_FILE, {"n_ctx": 512}), 1)
    state = tmp_path / "talk.kv"
    await save(engine, state)
    # More than Pocket was trained on.
    long = ModelSource.of(MODEL_FILE, {"n_ctx": 2048})
    finished = await reopen(tmp_path / "e.log", long, [*messages, user("And then?")], state)
    assert not any("saved with another" in note for note in finished.notes)
    assert finished.timings.cached_tokens > 0


async def test_a_state_that_is_not_there_is_no_matter(tmp_path: Path) -> None:
    finished = await reopen(tmp_path / "e.log", POCKET, [user("Hello")], tmp_path / "none.kv")
    assert finished.notes == []


async def test_a_state_that_cannot_be_written_is_said(engine: EngineClient, tmp_path: Path) -> None:
    await talk(engine, POCKET, 1)
    (tmp_path / "file").write_text("")
    await engine.save_state(tmp_path / "file" / "talk.kv")
    reports = await reports_until(engine, lambda report: isinstance(report, StateSaved | Failed))
    assert "cannot write" in the(Failed, reports).message
