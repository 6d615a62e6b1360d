"""Which models the browser lists, and under which headings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from workbench.models.facts import Facts
from workbench.models.marks import Marks
from workbench.models.model_file import ModelFile

FAVOURITES: Final = "favourites"
RECENT: Final = "used lately"
HUB: Final = "Hugging Face"
# As many of those used lately stand before the places.
_MOST_RECENT: Final = 5


class Shelf(NamedTuple):
    """Models under a heading."""

    heading: str
    models: list[ModelFile]


def shelves(
    models: Sequence[ModelFile], marks: Marks, facts: Mapping[Path, Facts], text: str = ""
) -> list[Shelf]:
    """Favourites, what was used lately, then the others by their places.

    Of all of them only those that ``text`` describes, in any order of its words.
    """
    words = text.lower().split()
    ordered = marks.ordered(models)
    favourites = [each for each in ordered if marks.is_favourite(each)]
    used = [each for each in ordered if marks.last_used(each) and each not in favourites]
    recent = used[:_MOST_RECENT]
    found = {FAVOURITES: favourites, RECENT: recent}
    in_front = {model.path for model in (*favourites, *recent)}
    home = str(Path.home())
    for model in models:
        if model.path not in in_front:
            found.setdefault(_place(model, home), []).append(model)
    kept = (
        Shelf(heading, [each for each in shelf if _is_meant(each, facts, words)])
        for heading, shelf in found.items()
    )
    return [shelf for shelf in kept if shelf.models]


def _place(model: ModelFile, home: str) -> str:
    """The heading that a model stands under."""
    # How the Hub's cache names a repository's folder; its source is the repository.
    is_hub = "/models--" in str(model.path)
    return HUB if is_hub else model.source.replace(home, "~", 1)


def count(found: Iterable[Shelf]) -> int:
    """How many models are listed."""
    return sum(len(shelf.models) for shelf in found)


def _is_meant(model: ModelFile, facts: Mapping[Path, Facts], words: Sequence[str]) -> bool:
    known = facts.get(model.path, Facts())
    said = (model.name, model.source, *model.also, model.quantisation, known.architecture)
    about = " ".join((*said, known.quantisation, known.title)).lower()
    return all(word in about for word in words)
