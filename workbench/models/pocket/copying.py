"""Whether the model copies what it is told, and keeps to what it has said: names, and heroes."""

from __future__ import annotations

import re
from typing import Final

from workbench.models.pocket.asked import Engine
from workbench.models.pocket.corpus import content
from workbench.models.pocket.wording import with_articles
from workbench.parameters.kinds import Values

# Of the corpus's names every fifth is told.
_EVERY: Final = 5
_NAMED: Final[Values] = {"temperature": 0, "max_tokens": 60}
_TOLD: Final[Values] = {"temperature": 0.7, "seed": 3, "max_tokens": 300}


async def names_repeated(engine: Engine) -> list[bool]:
    """For names that are told: whether the greedy answer says the name."""
    names: list[str] = content("names.toml")["names"][::_EVERY]
    answers = [await engine.answer(f"My name is {name}.", _NAMED) for name in names]
    return [name in _words(answer.text) for name, answer in zip(names, answers, strict=True)]


async def heroes_kept(engine: Engine) -> list[bool]:
    """For each hero that a story is wanted about: whether it has its name, and no other hero's."""
    heroes: dict[str, str] = content("stories.toml")["names"]
    kept = []
    for hero, name in heroes.items():
        question = with_articles(f"Tell me a story about a {hero}.")
        words = _words((await engine.answer(question, _TOLD)).text)
        kept.append(words & set(heroes.values()) == {name})
    return kept


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text))
