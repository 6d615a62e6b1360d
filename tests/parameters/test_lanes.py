"""Lanes as they are written down."""

from __future__ import annotations

import pytest

from workbench.parameters.kinds import ParameterError
from workbench.parameters.lanes import (
    LARGEST_SEED,
    MOST_LANES,
    differing,
    grid,
    read_lane,
    read_sweeps,
    said,
    typed,
    with_seeds,
)


def swept(text: str) -> list[dict[str, object]]:
    return [dict(lane) for lane in grid(read_sweeps(text))]


def test_a_lane_names_what_it_sets() -> None:
    assert read_lane("temperature=1.2,min_p=0.1") == {"temperature": 1.2, "min_p": 0.1}
    assert read_lane(" top_k = 3 ") == {"top_k": 3}
    assert read_lane("") == {}
    assert read_lane("model=a b.gguf,n_ctx=512") == {"model": "a b.gguf", "n_ctx": 512}
    # A comma within a list parts no parameters.
    lane = read_lane("stop=END,.\\n,temperature=0")
    assert lane == {"stop": ("END", ".\n"), "temperature": 0}
    lane = read_lane("logit_bias=yes=-inf,no=2,temperature=0")
    assert lane == {"logit_bias": ("yes=-inf", "no=2"), "temperature": 0}
    assert read_lane(typed(lane)) == lane
    assert read_lane("system=As key, value=pair.") == {"system": "As key, value=pair."}
    assert read_lane("stop=a\\,top_k=3") == {"stop": ("a,top_k=3",)}
    lane = {"stop": ("a\\",), "temperature": 0}
    assert read_lane(typed(lane)) == lane


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("temperature", "temperature=1.2,min_p=0.1"),
        ("warmth=3", "no parameter 'warmth'"),
        ("top_k=3,warmth=3", "no parameter 'warmth'"),
        ("stop=END,warmth=3", "no parameter 'warmth'"),
        ("system=Be brief.,warmth=3", "no parameter 'warmth'"),
        ("temperature=hot", "temperature takes"),
        ("model=", "model takes"),
    ],
)
def test_a_wrong_lane_says_what_would_be_right(text: str, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        read_lane(text)


def test_a_sweep_goes_evenly_from_one_end_to_the_other() -> None:
    assert swept("temperature 0.2 1.4 4") == [
        {"temperature": 0.2},
        {"temperature": 0.6},
        {"temperature": 1.0},
        {"temperature": 1.4},
    ]
    assert [lane["top_k"] for lane in swept("top_k 1 40 3")] == [1, 20, 40]
    assert swept("enable_thinking on off") == [
        {"enable_thinking": "on"},
        {"enable_thinking": "off"},
    ]


def test_two_sweeps_make_a_grid() -> None:
    lanes = swept("temperature 0 1 2 top_k 1 40 3")
    assert len(lanes) == 6
    assert lanes[0] == {"temperature": 0, "top_k": 1}
    assert lanes[-1] == {"temperature": 1, "top_k": 40}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "one parameter or two"),
        ("temperature 0 1 2 temperature 0 2 2", "temperature is swept twice"),
        ("temperature 0.2", "two numbers and how many lanes"),
        ("temperature 0.2 1.4 lots", "two numbers and how many lanes"),
        ("top_k 1 inf 3", "two numbers and how many lanes"),
        ("top_k nan 3 3", "two numbers and how many lanes"),
        ("temperature 0.2 1.4 1", f"2 to {MOST_LANES} lanes"),
        ("temperature 0.2 99 3", "temperature takes"),
        ("temperature 0 1 3 top_k 1 9 3", "makes 9 lanes"),
        ("system a b", "a sweep over system takes"),
        ("n_ctx 512 1024 2", "n_ctx is set when the model is loaded"),
    ],
)
def test_a_wrong_sweep_says_what_would_be_right(text: str, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        swept(text)


def test_seeds_are_the_same_or_follow_each_other() -> None:
    lanes = [{}, {"seed": 9}, {}]
    assert [lane["seed"] for lane in with_seeds(lanes, 5, same=True)] == [5, 9, 5]
    assert [lane["seed"] for lane in with_seeds(lanes, 5, same=False)] == [5, 9, 7]
    last = with_seeds([{}, {}], LARGEST_SEED, same=False)
    assert [lane["seed"] for lane in last] == [LARGEST_SEED, 0]


def test_only_what_differs_is_said() -> None:
    lanes = [{"temperature": 1.2, "seed": 3}, {"min_p": 0.1, "seed": 3}]
    apart = differing(lanes, [{}, {}])
    assert apart == [{"temperature": 1.2, "min_p": 0.05}, {"temperature": 0.8, "min_p": 0.1}]
    assert said(apart[0]) == "min_p 0.05  temperature 1.2" or said(apart[0]).startswith("temp")
    assert differing([{}, {}], [{}, {}]) == [{}, {}]
    # A model file may have its own ideas of the rest.
    assert differing(lanes, [{"min_p": 0.3}, {}])[0]["min_p"] == 0.3
    # A model's name says enough.
    apart = differing([{"model": "fox", "top_k": 3}, {"model": "owl", "top_k": 3}], [{}, {}])
    assert [said(each) for each in apart] == ["fox", "owl"]
