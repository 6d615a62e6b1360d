"""Several answers side by side: one evaluation of the prompt, one batch, each lane its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.engine.reports import Report
from workbench.engine.client import EngineClient, EngineDied
from workbench.engine.protocol import (
    ChatMessage,
    Failed,
    Finished,
    LanePrompt,
    ModelSource,
    PromptProgress,
    TextArrived,
)
from workbench.models.pocket import MODEL_FILE
from workbench.parameters.kinds import Values
from workbench.parameters.lanes import MOST_LANES

POCKET = ModelSource.of(MODEL_FILE)
GREEDY: Values = {"temperature": 0, "max_tokens": 24}
STORY = [ChatMessage("user", "Tell me a story about a fox and an owl.")]


def lane(number: int, values: Values, messages: Sequence[ChatMessage] = STORY) -> LanePrompt:
    return LanePrompt(number, list(messages), dict(values))


class Answers:
    """What the lanes of some requests said, and how they ended."""

    def __init__(self) -> None:
        self.reports: list[Report] = []
        self.texts: defaultdict[tuple[int, int], str] = defaultdict(str)
        self.ends: dict[tuple[int, int], Finished] = {}

    async def until(self, engine: EngineClient, *wanted: tuple[int, int]) -> None:
        """Listen until these lanes, by request and number, have ended."""
        async for report in engine.events():
            self.reports.append(report)
            assert not isinstance(report, Failed | EngineDied), report
            if isinstance(report, TextArrived):
                self.texts[report.request, report.lane] += report.text
            elif isinstance(report, Finished):
                self.ends[report.request, report.lane] = report
            if set(wanted) <= self.ends.keys():
                return

    async def until_written(self, engine: EngineClient, *wanted: tuple[int, int]) -> None:
        """Listen until these lanes have begun to write."""
        async for report in engine.events():
            self.reports.append(report)
            if isinstance(report, TextArrived):
                self.texts[report.request, report.lane] += report.text
            if all(self.texts[each] for each in wanted):
                return

    def notes(self) -> list[str]:
        return [note for end in self.ends.values() for note in end.notes]


async def answer(
    engine: EngineClient, model: ModelSource, *lanes: LanePrompt
) -> tuple[list[str], list[Finished]]:
    """The lanes' texts, and how they ended."""
    answers = Answers()
    request = await engine.generate(model, lanes)
    keys = [(request, each.lane) for each in lanes]
    await answers.until(engine, *keys)
    return [answers.texts[key] for key in keys], [answers.ends[key] for key in keys]


async def test_one_prompt_is_evaluated_once(engine: EngineClient) -> None:
    answers = Answers()
    request = await engine.generate(POCKET, [lane(number, GREEDY) for number in range(4)])
    await answers.until(engine, *((request, number) for number in range(4)))
    read = {each.lane for each in answers.reports if isinstance(each, PromptProgress)}
    assert read == {0}
    first, *others = (answers.ends[request, number].timings for number in range(4))
    assert first.cached_tokens == 0
    assert all(each.cached_tokens == first.prompt_tokens for each in others)
    assert all(each.completion_tokens == first.completion_tokens for each in others)
    # Tokens that lanes share are held once.
    used = [each.n_used for each in answers.reports if isinstance(each, TextArrived)]
    assert max(used) <= first.prompt_tokens + 4 * first.completion_tokens
    assert len({answers.texts[request, number] for number in range(4)}) == 1


@pytest.mark.parametrize("values", [{"temperature": 0}, {"temperature": 1.0, "seed": 11}])
async def test_a_lane_says_the_same_alone_and_among_seven(
    engine: EngineClient, values: Values
) -> None:
    mine = {**values, "max_tokens": 40}
    [alone], _ = await answer(engine, POCKET, lane(0, mine))
    others = [
        lane(number, {"temperature": 1.2, "seed": number, "max_tokens": 10 * number})
        for number in range(1, MOST_LANES)
    ]
    [among, *theirs], _ = await answer(engine, POCKET, lane(0, mine), *others)
    assert among == alone
    assert len(set(theirs)) > 1


async def test_one_lane_is_stopped_and_the_others_go_on(engine: EngineClient) -> None:
    answers = Answers()
    values: Values = {"ignore_eos": True, "max_tokens": 400}
    request = await engine.generate(POCKET, [lane(number, values) for number in range(3)])
    await answers.until_written(engine, (request, 1))
    await engine.stop(request, 1)
    await answers.until(engine, *((request, number) for number in range(3)))
    reasons = [answers.ends[request, number].reason for number in range(3)]
    assert reasons == ["length", "cancelled", "length"]
    assert answers.ends[request, 1].timings.completion_tokens < 400


async def test_all_lanes_are_stopped(engine: EngineClient, slow_model: Path) -> None:
    answers = Answers()
    source = ModelSource.of(slow_model)
    request = await engine.generate(source, [lane(n, {"ignore_eos": True}) for n in range(3)])
    await answers.until_written(engine, (request, 2))
    await engine.stop(request)
    await answers.until(engine, *((request, number) for number in range(3)))
    assert {end.reason for end in answers.ends.values()} == {"cancelled"}


async def test_a_lane_joins_those_that_run(engine: EngineClient, slow_model: Path) -> None:
    answers = Answers()
    source = ModelSource.of(slow_model)
    running: Values = {"ignore_eos": True, "max_tokens": 200}
    first = await engine.generate(source, [lane(0, running), lane(1, {**running, "max_tokens": 3})])
    await answers.until(engine, (first, 1))
    second = await engine.generate(source, [lane(1, GREEDY)])
    # Lane 0 is taken: this one has to wait for its end.
    third = await engine.generate(source, [lane(0, GREEDY)])
    await answers.until(engine, (second, 1))
    assert (first, 0) not in answers.ends
    await engine.stop(first)
    await answers.until(engine, (first, 0), (third, 0))
    assert answers.ends[first, 0].reason == "cancelled"
    # Lane 0 had read the prompt already; nobody read it twice.
    assert answers.ends[second, 1].timings.cached_tokens >= (
        answers.ends[second, 1].timings.prompt_tokens - 1
    )
    assert answers.texts[third, 0]


async def test_one_lane_is_adjusted(engine: EngineClient, slow_model: Path) -> None:
    answers = Answers()
    source = ModelSource.of(slow_model)
    values: Values = {"ignore_eos": True, "max_tokens": 60}
    request = await engine.generate(source, [lane(0, values), lane(1, values)])
    await answers.until_written(engine, (request, 0), (request, 1))
    await engine.adjust(request, 1, {**values, "max_tokens": 1})
    await answers.until(engine, (request, 0), (request, 1))
    assert answers.ends[request, 0].timings.completion_tokens == 60
    assert answers.ends[request, 1].timings.completion_tokens < 60


async def test_a_full_context_ends_the_longest_lane_alone(engine: EngineClient) -> None:
    small = ModelSource.of(MODEL_FILE, {"n_ctx": 256})
    long = [ChatMessage("user", "Tell me a story about " + "a fox and " * 20 + "an owl.")]
    values: Values = {"ignore_eos": True, "max_tokens": 60, "context_overflow": "shift"}
    _, ends = await answer(
        engine,
        small,
        lane(0, values),
        lane(1, values),
        lane(2, {**values, "max_tokens": -1}, long),
    )
    assert [end.reason for end in ends] == ["length", "length", "context"]
    # It gave back what it held: the next turn of the others has room.
    _, [again] = await answer(engine, small, lane(0, values))
    assert again.reason == "length"


async def test_lanes_with_other_system_prompts(engine: EngineClient) -> None:
    pirate: Values = {**GREEDY, "system": "You are a pirate."}
    brief: Values = {**GREEDY, "system": "You are brief."}
    [first, second], ends = await answer(engine, POCKET, lane(0, pirate), lane(1, brief))
    [alone], _ = await answer(engine, POCKET, lane(0, brief))
    assert second == alone
    # What both begin with was read once.
    assert 0 < ends[1].timings.cached_tokens < ends[1].timings.prompt_tokens
    assert first


async def test_each_lane_remembers_its_own_conversation(engine: EngineClient) -> None:
    values: list[Values] = [{**GREEDY}, {"temperature": 1.2, "seed": 5, "max_tokens": 24}]
    texts, _ = await answer(engine, POCKET, *(lane(n, v) for n, v in enumerate(values)))
    turns = [
        [*STORY, ChatMessage("assistant", text), ChatMessage("user", "And then?")] for text in texts
    ]
    _, ends = await answer(engine, POCKET, *(lane(n, v, turns[n]) for n, v in enumerate(values)))
    for end in ends:
        # Nothing but the new prompt and what the template puts around it.
        assert end.timings.prompt_tokens - end.timings.cached_tokens < 20


@pytest.mark.parametrize("kind", ["sliding", "recurrent"])
async def test_what_cannot_be_shared_is_answered_in_turn(
    engine: EngineClient, kind: str, request: pytest.FixtureRequest
) -> None:
    model = ModelSource.of(request.getfixturevalue(kind))
    [alone], _ = await answer(engine, model, lane(0, GREEDY))
    texts, ends = await answer(engine, model, *(lane(number, GREEDY) for number in (0, 1, 5)))
    assert texts == [alone] * 3
    assert any("one after another" in note for note in ends[0].notes)


async def test_the_room_of_the_last_turn_is_there_for_the_next(engine: EngineClient) -> None:
    small = ModelSource.of(MODEL_FILE, {"n_ctx": 256})
    values: Values = {"ignore_eos": True, "max_tokens": 40}
    await answer(engine, small, *(lane(number, {**values, "seed": number}) for number in range(4)))
    other = [ChatMessage("user", "Now " + "something else " * 30)]
    lanes = (lane(number, {**values, "max_tokens": 4}, other) for number in range(4))
    texts, ends = await answer(engine, small, *lanes)
    assert {end.reason for end in ends} == {"length"}
    assert all(texts)


async def test_one_of_several_is_stopped_while_their_prompt_is_read(
    engine: EngineClient, slow_model: Path
) -> None:
    answers = Answers()
    source = ModelSource.of(slow_model, {"n_ctx": 8192})
    long = [ChatMessage("user", "word " * 3000)]
    values: Values = {"ignore_eos": True, "max_tokens": 2}
    request = await engine.generate(source, [lane(number, values, long) for number in range(3)])
    await engine.stop(request, 0)
    await engine.stop(request, 2)
    await answers.until(engine, *((request, number) for number in range(3)))
    reasons = [answers.ends[request, number].reason for number in range(3)]
    assert reasons == ["cancelled", "length", "cancelled"]


async def test_a_small_batch_holds_all_lanes(engine: EngineClient) -> None:
    tiny = ModelSource.of(MODEL_FILE, {"n_batch": 1, "n_ubatch": 1})
    texts, _ = await answer(engine, tiny, *(lane(number, GREEDY) for number in range(8)))
    assert len(set(texts)) == 1


@pytest.mark.parametrize("numbers", [(), (1, 1), (8,), (-1,)])
async def test_lanes_have_numbers_of_their_own(
    engine: EngineClient, numbers: tuple[int, ...]
) -> None:
    request = await engine.generate(POCKET, [lane(number, GREEDY) for number in numbers])
    async for report in engine.events():
        if isinstance(report, Failed):
            assert report.request == request
            break
        assert not isinstance(report, TextArrived | Finished | EngineDied), report


async def test_one_bad_lane_fails_all_before_they_begin(engine: EngineClient) -> None:
    request = await engine.generate(POCKET, [lane(0, GREEDY), lane(1, {"grammar": "no grammar"})])
    async for report in engine.events():
        if isinstance(report, Failed):
            assert report.request == request
            assert "grammar" in report.message
            break
        assert not isinstance(report, TextArrived | Finished), report
    texts, _ = await answer(engine, POCKET, lane(0, GREEDY))
    assert texts[0]
