from __future__ import annotations

from pathlib import Path

from workbench.models.facts import Facts
from workbench.models.marks import Marks
from workbench.models.model_file import ModelFile
from workbench.panes.browser.listing import FAVOURITES, HUB, RECENT, Shelf, count, shelves


def model(name: str, folder: str = "/models", source: str = "/models") -> ModelFile:
    return ModelFile(name, Path(folder, f"{name}.gguf"), 1000, source)


def names(found: list[Shelf]) -> dict[str, list[str]]:
    return {shelf.heading: [each.name for each in shelf.models] for shelf in found}


CACHED = "/cache/models--someone--b-GGUF/snapshots/1"
MODELS = [model("a"), model("b", CACHED, "someone/b-GGUF"), model("c"), model("d", "/lm", "LM")]
MARKS = Marks(["/models/c.gguf"], {"/lm/d.gguf": 5.0, "/models/c.gguf": 9.0, "/gone.gguf": 9.5})


def test_favourites_stand_before_what_was_used_and_that_before_the_places() -> None:
    found = shelves(MODELS, MARKS, {})
    assert names(found) == {FAVOURITES: ["c"], RECENT: ["d"], "/models": ["a"], HUB: ["b"]}
    assert count(found) == 4


def test_only_a_few_are_recent_and_a_filter_moves_none_about() -> None:
    models = [model(f"m{number}") for number in range(8)]
    marks = Marks(used={str(each.path): at + 1.0 for at, each in enumerate(models)})
    found = names(shelves(models, marks, {}))
    assert found == {RECENT: ["m7", "m6", "m5", "m4", "m3"], "/models": ["m0", "m1", "m2"]}
    assert names(shelves(models, marks, {}, "m1")) == {"/models": ["m1"]}


def test_words_are_found_in_names_places_and_facts() -> None:
    facts = {Path("/models/a.gguf"): Facts(architecture="qwen2", quantisation="Q4_K_M")}
    for text in ("QWEN2 a", "q4_k", "models qwen"):
        assert [each.name for shelf in shelves(MODELS, MARKS, facts, text) for each in shelf.models]
    assert names(shelves(MODELS, MARKS, facts, "someone")) == {HUB: ["b"]}
    assert shelves(MODELS, MARKS, facts, "qwen2 someone") == []
