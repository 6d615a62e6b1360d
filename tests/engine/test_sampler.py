"""Every stage of the chain does what its name says, on the real engine."""

from __future__ import annotations

import json

import pytest

from tests.engine.reports import answer, only, reports_until, the
from workbench.engine.client import EngineClient, EngineDied
from workbench.engine.protocol import ChatMessage, Failed, Finished, ModelSource, TextArrived
from workbench.models.pocket import MODEL_FILE
from workbench.parameters.entries import SAMPLERS
from workbench.parameters.kinds import Values

POCKET = ModelSource.of(MODEL_FILE)
STORY = [ChatMessage("user", "Tell me a story about a fox.")]
GREEDY: Values = {"temperature": 0, "max_tokens": 40}
# Everything off: the bare distribution, drawn from with one seed.
BARE: Values = {
    "temperature": 1.5,
    "top_k": 0,
    "top_p": 1,
    "min_p": 0,
    "seed": 7,
    "max_tokens": 40,
    "ignore_eos": True,
}


async def story(engine: EngineClient, values: Values) -> str:
    return (await answer(engine, POCKET, values, STORY))[0]


async def refusal(engine: EngineClient, values: Values) -> str:
    await engine.generate(POCKET, only(STORY, values))
    reports = await reports_until(
        engine, lambda report: isinstance(report, Finished | Failed | EngineDied)
    )
    return the(Failed, reports).message


@pytest.mark.parametrize(
    "values",
    [
        {"top_k": 1},
        {"top_p": 0.0001},
        {"min_p": 1},
        {"typical_p": 0.0001, "top_k": 1},
        {"top_n_sigma": 0.01},
        {"samplers": ("top_k", "temperature"), "top_k": 1},
    ],
    ids=str,
)
async def test_a_filter_at_its_narrowest_leaves_the_likeliest(
    engine: EngineClient, values: Values
) -> None:
    # In this story no two words are nearly as likely as each other.
    asked = [ChatMessage("user", "Tell me a story about a bear.")]
    greedy, _ = await answer(engine, POCKET, {**GREEDY, "ignore_eos": True}, asked)
    assert (await answer(engine, POCKET, {**BARE, **values}, asked))[0] == greedy
    assert (await answer(engine, POCKET, BARE, asked))[0] != greedy
    assert await story(engine, BARE) != greedy


@pytest.mark.parametrize(
    "values",
    [
        {"dynatemp_range": 1.4},
        {"dynatemp_range": 1.4, "dynatemp_exponent": 4.0},
        {"top_n_sigma": 1.0},
        {"typical_p": 0.3},
        {"xtc_probability": 1.0, "xtc_threshold": 0.01},
        {"repeat_penalty": 2.0},
        {"presence_penalty": 3.0},
        {"frequency_penalty": 3.0},
        {"dry_multiplier": 5.0, "dry_base": 3.0, "dry_allowed_length": 0},
        {"mirostat": "1"},
        {"mirostat": "2", "mirostat_tau": 1.0},
        {"mirostat": "2", "mirostat_tau": 9.0, "mirostat_eta": 1.0},
        {"samplers": (*SAMPLERS[:9], "adaptive_p"), "adaptive_target": 0.1},
        {"samplers": (*SAMPLERS[:9], "infill")},
        {"logit_bias": (" the=-inf", "a=-2")},
        {"temperature": 0.3},
        {"seed": 8},
    ],
    ids=str,
)
async def test_every_parameter_acts_and_repeats(engine: EngineClient, values: Values) -> None:
    changed = await story(engine, {**BARE, **values})
    assert changed != await story(engine, BARE)
    assert changed == await story(engine, {**BARE, **values})


async def test_min_keep_outweighs_the_filters(engine: EngineClient) -> None:
    narrow = {**BARE, "top_p": 0.0001}
    assert await story(engine, {**narrow, "min_keep": 1000}) != await story(engine, narrow)


async def test_the_order_of_the_chain_matters(engine: EngineClient) -> None:
    first = {**BARE, "temperature": 5.0, "min_p": 0.1}
    assert await story(engine, {**first, "samplers": ("temperature", "min_p")}) != await story(
        engine, {**first, "samplers": ("min_p", "temperature")}
    )


async def test_a_biased_token_is_never_or_always_drawn(engine: EngineClient) -> None:
    never, finished = await answer(
        engine, POCKET, {**GREEDY, "logit_bias": (" fox=-inf", "fox=-inf")}, STORY
    )
    assert "fox" in await story(engine, GREEDY)
    assert "fox" not in never
    assert finished.timings.completion_tokens > 1
    always = await story(engine, {**GREEDY, "logit_bias": ("!=1000",), "max_tokens": 3})
    assert always == "!!!"


async def test_ignore_eos_goes_on_where_the_model_would_end(engine: EngineClient) -> None:
    hello = [ChatMessage("user", "Hello")]
    _, ended = await answer(engine, POCKET, {"temperature": 0, "max_tokens": 200}, hello)
    assert ended.reason == "stop"
    _, went_on = await answer(
        engine, POCKET, {"temperature": 0, "max_tokens": 200, "ignore_eos": True}, hello
    )
    assert went_on.reason == "length"
    assert went_on.timings.completion_tokens == 200


async def test_the_answer_ends_before_a_stop_string(engine: EngineClient) -> None:
    whole = await story(engine, {**GREEDY, "max_tokens": 60})
    word = whole.split()[4]
    cut, finished = await answer(engine, POCKET, {**GREEDY, "stop": (word,)}, STORY)
    assert cut == whole.split(word)[0]
    assert finished.reason == "stop"


async def test_a_grammar_is_kept(engine: EngineClient) -> None:
    grammar = 'root ::= "The answer is " ("yes" | "no") "."'
    text, finished = await answer(engine, POCKET, {**BARE, "ignore_eos": False, "grammar": grammar})
    assert text in ("The answer is yes.", "The answer is no.")
    assert finished.reason == "stop"


async def test_a_complete_grammar_ends_even_where_the_model_may_not(engine: EngineClient) -> None:
    text, finished = await answer(engine, POCKET, {**BARE, "grammar": 'root ::= "yes"'})
    assert (text, finished.reason) == ("yes", "stop")


async def test_a_schema_is_for_the_answer_and_not_for_thoughts(engine: EngineClient) -> None:
    template = "{{ messages[0].content }}<think>\n"
    values: Values = {
        "temperature": 0,
        "max_tokens": 12,
        "chat_template": template,
        "json_schema": '{"const": "yes"}',
    }
    request = await engine.generate(POCKET, only(STORY, values))
    reports = await reports_until(engine, lambda report: isinstance(report, Finished))
    arrived = [each for each in reports if isinstance(each, TextArrived)]
    assert all(each.request == request for each in arrived)
    assert "".join(each.text for each in arrived) == ""
    assert len("".join(each.thoughts for each in arrived)) > len('"yes"')


async def test_a_schema_is_kept(engine: EngineClient) -> None:
    schema = {
        "type": "object",
        "properties": {"name": {"enum": ["fox", "owl"]}, "old": {"type": "boolean"}},
        "required": ["name", "old"],
        "additionalProperties": False,
    }
    values: Values = {"temperature": 2.0, "seed": 1, "json_schema": json.dumps(schema)}
    text, _ = await answer(engine, POCKET, values)
    read = json.loads(text)
    assert read["name"] in ("fox", "owl")
    assert isinstance(read["old"], bool)


async def test_a_string_of_a_schema_is_json_whatever_is_drawn(engine: EngineClient) -> None:
    schema = {"type": "object", "properties": {"poem": {"type": "string"}}, "required": ["poem"]}
    values: Values = {
        "temperature": 0,
        "max_tokens": 60,
        "json_schema": json.dumps(schema),
        # A raw line end is what the model would most like to write.
        "logit_bias": ("\n=30",),
    }
    text, _ = await answer(engine, POCKET, values)
    json.loads(text if text.rstrip().endswith("}") else f'{text}"}}')
    assert "\n" not in text.partition('"poem"')[2].partition('"')[2].rstrip()


@pytest.mark.parametrize(
    "value",
    [
        "C:\\temp",
        "C:\\u00e9",
        "\\\u00e9",
        "a\nb",
        "\U0001f600 and \u00e9",
        'say "hi"',
        {'a\\b"': "\u20ac\t"},
    ],
    ids=str,
)
async def test_a_schema_allows_just_its_value(engine: EngineClient, value: object) -> None:
    text, finished = await answer(
        engine, POCKET, {"temperature": 2.0, "seed": 1, "json_schema": json.dumps({"const": value})}
    )
    assert finished.reason == "stop"
    assert json.loads(text) == value


async def test_a_schema_names_properties_and_patterns_as_json_does(engine: EngineClient) -> None:
    schema = {
        "type": "object",
        "properties": {'the "size"\\\u00e9': {"type": "string", "pattern": "^a\\.b$"}},
        "required": ['the "size"\\\u00e9'],
    }
    values: Values = {"temperature": 2.0, "seed": 1, "json_schema": json.dumps(schema)}
    text, _ = await answer(engine, POCKET, values)
    assert json.loads(text) == {'the "size"\\\u00e9': "a.b"}


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"grammar": 'root ::= "yes" | no'}, "Undefined rule identifier 'no'"),
        ({"grammar": "root ::= root"}, "the grammar is wrong"),
        ({"grammar": 'start ::= "x"'}, "the grammar is wrong"),
        ({"grammar": "root ::= ("}, "the grammar is wrong"),
        ({"json_schema": "{"}, "the JSON schema is not JSON"),
        ({"json_schema": '{"$ref": "#/nowhere"}'}, "cannot be made a grammar"),
        ({"json_schema": "[1]"}, "JSON schema"),
        ({"json_schema": "{}", "grammar": 'root ::= "x"'}, "set one of them to none"),
    ],
    ids=str,
)
async def test_what_cannot_be_a_grammar_is_said_and_the_engine_lives(
    engine: EngineClient, values: Values, complaint: str
) -> None:
    assert complaint in await refusal(engine, values)
    assert await story(engine, GREEDY)


async def test_parameters_act_at_the_next_token_of_a_running_answer(engine: EngineClient) -> None:
    values = {**GREEDY, "max_tokens": 400, "ignore_eos": True}
    request = await engine.generate(POCKET, only(STORY, values))
    adjusted = False
    text = ""
    async for report in engine.events():
        if isinstance(report, TextArrived):
            text += report.text
            if not adjusted:
                adjusted = True
                await engine.adjust(request, 0, {**values, "logit_bias": ("!=1000",)})
        if isinstance(report, Finished):
            break
        assert not isinstance(report, Failed | EngineDied), report
    assert text.endswith("!!!!!!!!")
    assert not text.startswith("!")


async def test_what_mirostat_has_come_to_outlasts_a_change(engine: EngineClient) -> None:
    values: Values = {**BARE, "mirostat": "2", "mirostat_tau": 2.0, "max_tokens": 60}
    plain = await story(engine, values)
    request = await engine.generate(POCKET, only(STORY, values))
    text, adjusted = "", False
    async for report in engine.events():
        if isinstance(report, TextArrived):
            text += report.text
            if not adjusted:
                adjusted = True
                # It changes nothing of how a token is drawn.
                await engine.adjust(request, 0, {**values, "top_k": 5})
        if isinstance(report, Finished):
            break
        assert not isinstance(report, Failed | EngineDied), report
    assert text == plain


async def test_a_running_answer_can_be_given_another_limit(engine: EngineClient) -> None:
    values = {**GREEDY, "max_tokens": -1, "ignore_eos": True, "context_overflow": "shift"}
    request = await engine.generate(POCKET, only(STORY, values))
    await engine.adjust(request, 0, {**values, "max_tokens": 5})
    reports = await reports_until(
        engine, lambda report: isinstance(report, Finished | Failed | EngineDied)
    )
    assert the(Finished, reports).reason == "length"
