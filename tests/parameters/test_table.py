from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.parameters.kinds import Parameter, ParameterError
from workbench.parameters.table import BY_KEY, TABLE, answering, completed, loading

ASKED_FOR = {
    "temperature", "top_k", "top_p", "min_p", "repeat_penalty", "repeat_last_n", "seed",
    "max_tokens", "n_ctx", "n_threads", "n_batch", "n_gpu_layers",
}  # fmt: skip

parameters = st.sampled_from(TABLE)


def test_the_table_holds_what_was_asked_for_once() -> None:
    keys = [parameter.key for parameter in TABLE]
    assert len(keys) == len(set(keys))
    assert set(keys) >= ASKED_FOR


@pytest.mark.parametrize("parameter", TABLE, ids=lambda parameter: parameter.key)
def test_defaults_fit_and_help_is_one_sentence(parameter: Parameter) -> None:
    assert parameter.check(parameter.default) == parameter.default
    assert parameter.help.endswith(".")
    assert ". " not in parameter.help


@given(parameters, st.data())
def test_what_a_pane_shows_can_be_typed_again(parameter: Parameter, data: st.DataObject) -> None:
    steps = data.draw(st.integers(-30, 30))
    value = parameter.stepped(parameter.default, steps)
    typed = parameter.parse(parameter.text(value))
    assert typed == (pytest.approx(value, rel=1e-5) if isinstance(value, float) else value)


@given(parameters, st.lists(st.sampled_from([-1, 1]), max_size=60))
def test_stepping_never_leaves_what_is_allowed(parameter: Parameter, steps: list[int]) -> None:
    value = parameter.default
    for step in steps:
        value = parameter.stepped(value, step)
        assert parameter.check(value) == value


def test_stepping_moves_along_the_grid() -> None:
    temperature = BY_KEY["temperature"]
    assert temperature.stepped(0.8, 1) == 0.85
    assert temperature.stepped(0.85, -1) == 0.8
    assert temperature.stepped(5.0, 1) == 5.0


def test_stepping_below_the_minimum_reaches_the_named_value_and_comes_back() -> None:
    seed = BY_KEY["seed"]
    assert seed.stepped(0, -1) == -1
    assert seed.stepped(-1, 1) == 0
    assert seed.stepped(-1, -1) == -1


@pytest.mark.parametrize(
    ("key", "text", "complaint"),
    [
        ("temperature", "hot", "'hot' is not a number; temperature takes 0 to 5"),
        ("temperature", "5.1", "temperature takes 0 to 5, not 5.1"),
        ("temperature", "nan", "temperature takes 0 to 5, not nan"),
        ("temperature", "", "'' is not a number"),
        ("top_k", "1.5", "top_k takes a whole number"),
        ("max_tokens", "0", "1 to 1000000 tokens or -1 (no limit), not 0"),
        ("seed", "-2", "0 to 4294967294 or -1 (random)"),
        ("n_threads", "inf", "n_threads takes"),
    ],
)
def test_out_of_range_says_why(key: str, text: str, complaint: str) -> None:
    with pytest.raises(ParameterError) as error:
        BY_KEY[key].parse(text)
    assert complaint in str(error.value)


def test_names_are_accepted_as_values() -> None:
    assert BY_KEY["seed"].parse(" Random ") == -1
    assert BY_KEY["n_threads"].parse("auto") == -1
    assert BY_KEY["top_k"].parse("off") == 0


def test_values_divide_into_loading_and_answering() -> None:
    values = {"temperature": 0.2, "n_ctx": 512, "max_tokens": 3}
    assert loading(values) == {"n_ctx": 512}
    assert answering(values) == {"temperature": 0.2, "max_tokens": 3}


def test_completed_fills_in_and_checks() -> None:
    values = completed({"temperature": 0})
    assert set(values) == {parameter.key for parameter in TABLE}
    assert values["temperature"] == 0.0
    with pytest.raises(ParameterError, match="no parameter 'temprature'"):
        completed({"temprature": 1})
    with pytest.raises(ParameterError, match="top_p takes"):
        completed({"top_p": 2})
