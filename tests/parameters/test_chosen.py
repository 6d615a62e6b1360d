"""Where a value comes from, and the way back."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.parameters import presets
from workbench.parameters.chosen import Chosen, named_preset
from workbench.parameters.table import BY_KEY

TEMPERATURE, TOP_K, SEED = BY_KEY["temperature"], BY_KEY["top_k"], BY_KEY["seed"]


@pytest.fixture
def chosen(tmp_path: Path) -> Chosen:
    presets.save_of_model(tmp_path, "llama", {"top_k": 5})
    return Chosen(tmp_path, {"temperature": 0.1})


def test_every_value_says_where_it_comes_from(chosen: Chosen) -> None:
    chosen.use_model("llama")
    chosen.defaults = {"min_p": 0.2, "top_p": 0.95}
    sources = {key: chosen.source(BY_KEY[key]) for key in ("temperature", "top_k", "min_p")}
    assert sources == {"temperature": "own", "top_k": "preset", "min_p": "model"}
    assert chosen.preset(TOP_K) == "llama's own preset"
    # The file says what the table says.
    assert chosen.source(BY_KEY["top_p"]) == "default"
    assert chosen.value(BY_KEY["min_p"]) == 0.2


def test_a_value_of_a_preset_that_is_edited_is_ones_own(chosen: Chosen) -> None:
    chosen.replace({"top_k": 3, "seed": 7}, named_preset("exact"))
    assert chosen.put(TOP_K, 4)
    assert (chosen.source(TOP_K), chosen.source(SEED)) == ("own", "preset")
    assert chosen.preset(SEED) == "the preset exact"
    # Typed, it is one's own even if it is what the preset says.
    assert chosen.put(SEED, 7)
    assert chosen.source(SEED) == "own"
    assert not chosen.put(SEED, 7)


def test_a_default_set_is_nothing_set(chosen: Chosen) -> None:
    assert chosen.put(TEMPERATURE, 0.8)
    assert chosen.values == {}
    chosen.defaults = {"temperature": 0.3}
    chosen.put(TEMPERATURE, 0.8)
    assert chosen.values == {"temperature": 0.8}


def test_every_change_can_be_taken_back(chosen: Chosen) -> None:
    chosen.replace({"top_k": 3}, named_preset("exact"))
    for value in (4, 5, 6):
        chosen.put(TOP_K, value, stepped=True)
    chosen.put(TOP_K, 40)
    chosen.put(TOP_K, 41, stepped=True)
    chosen.put(SEED, 1)
    chosen.replace({})
    assert chosen.undo() == {"top_k", "seed"}
    assert chosen.values == {"top_k": 41, "seed": 1}
    assert chosen.undo() == {"seed"}
    # What was typed and the steps around it are changes of their own.
    for before in (40, 6):
        assert chosen.undo() == {"top_k"}
        assert chosen.value(TOP_K) == before
    # Three steps of one parameter, taken back in one.
    assert chosen.undo() == {"top_k"}
    assert chosen.source(TOP_K) == "preset"
    assert chosen.undo() == {"top_k", "temperature"}
    assert chosen.values == {"temperature": 0.1}
    assert chosen.undo() == set()


def test_a_value_that_only_became_ones_own_can_be_taken_back(chosen: Chosen) -> None:
    chosen.replace({"seed": 7}, named_preset("exact"))
    chosen.put(SEED, 7)
    assert chosen.undo() == {"seed"}
    assert chosen.source(SEED) == "preset"


def test_what_is_set_together_is_taken_back_together(chosen: Chosen) -> None:
    chosen.replace({"top_k": 3, "seed": 7}, named_preset("exact"))
    together = chosen.put_together({"top_k": 40, "seed": 7, "min_p": 0.2})
    assert together is not None
    assert together.values == {"top_k": 40, "min_p": 0.2}
    assert chosen.values == {"seed": 7, "min_p": 0.2}
    assert (chosen.source(TOP_K), chosen.source(SEED)) == ("default", "preset")
    assert chosen.put_together({"min_p": 0.2}) is None
    assert chosen.undo() == {"top_k", "min_p"}
    assert (chosen.values, chosen.source(TOP_K)) == ({"top_k": 3, "seed": 7}, "preset")


def test_another_model_ends_what_can_be_taken_back(chosen: Chosen) -> None:
    chosen.put(TOP_K, 9)
    chosen.use_model("other")
    assert chosen.undo() == set()
    assert chosen.values == {"temperature": 0.1, "top_k": 9}


def test_what_is_taken_back_was_never_set(chosen: Chosen) -> None:
    chosen.use_model("llama")
    chosen.put(SEED, 7)
    together = chosen.put_together({"top_k": 40, "min_p": 0.2})
    assert together is not None
    chosen.put(TEMPERATURE, 0.5)
    chosen.take_back(together)
    assert chosen.values == {"temperature": 0.5, "top_k": 5, "seed": 7}
    # It is the preset's as before, and goes with it.
    assert chosen.preset(TOP_K) == "llama's own preset"
    assert chosen.undo() == {"temperature"}
    assert chosen.values == {"temperature": 0.1, "top_k": 5, "seed": 7}
    assert chosen.undo() == {"seed"}
    assert chosen.undo() == set()
    chosen.use_model("other")
    assert chosen.values == {"temperature": 0.1}


def test_what_has_been_set_otherwise_since_is_not_taken_back(chosen: Chosen) -> None:
    chosen.use_model("llama")
    together = chosen.put_together({"top_k": 9, "min_p": 0.2})
    assert together is not None
    chosen.put(TOP_K, 11)
    chosen.take_back(together)
    assert chosen.values == {"temperature": 0.1, "top_k": 11}
    assert chosen.source(TOP_K) == "own"
    assert chosen.undo() == {"top_k"}
    assert (chosen.value(TOP_K), chosen.source(TOP_K)) == (5, "preset")
    again = chosen.put_together({"top_k": 9})
    assert again is not None
    chosen.undo()
    chosen.put(TOP_K, 9)
    # It was undone, and typed after that.
    chosen.take_back(again)
    assert (chosen.value(TOP_K), chosen.source(TOP_K)) == (9, "own")


def test_what_is_set_apart_from_the_model_stays_with_another(chosen: Chosen) -> None:
    chosen.replace({"seed": 7}, named_preset("exact"))
    chosen.use_model("llama")
    assert chosen.values == {"seed": 7, "top_k": 5}
    apart = chosen.apart_from_model()
    assert apart == {"seed": 7}
    chosen.use_model("other")
    assert chosen.values == apart
