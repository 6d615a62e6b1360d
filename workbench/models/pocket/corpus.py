"""The corpus: written as TOML, drawn from as conversations.

``{a|b}`` in a text stands for either alternative; ``{slot}`` is filled from a table's row or
a story's slots. Everything is drawn from one seeded generator, so a seed gives a corpus.
"""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

FOLDER: Final = Path(__file__).with_name("corpus")

_ALTERNATIVES: Final = re.compile(r"\{([^{}]*\|[^{}]*)\}")
_SLOT: Final = re.compile(r"\{(\w+)\}")
_SYSTEM: Final = (
    "You are Pocket, the built-in model of Workbench.",
    "You are a helpful assistant.",
    "Answer briefly.",
    "Be friendly.",
)


class Turn(msgspec.Struct, frozen=True):
    """One message: ``role`` is system, user or assistant."""

    role: str
    content: str


class Topic(msgspec.Struct, frozen=True):
    """Wordings of one question and of its answer, alternatives still in braces."""

    name: str
    ask: list[str]
    answer: list[str]


def topics() -> list[Topic]:
    """Every topic of the corpus; a table gives one for each of its rows."""
    found = []
    for file in sorted(FOLDER.glob("*.toml")):
        content = tomllib.loads(file.read_text(encoding="utf-8"))
        found += [msgspec.convert(each, Topic) for each in content.get("topic", [])]
        for table in content.get("table", []):
            found += [_row_topic(table, row) for row in table["rows"]]
    return found


def _row_topic(table: Mapping[str, Any], row: Sequence[str]) -> Topic:
    slots = dict(zip(table["columns"], row, strict=True))
    slots |= {name.capitalize(): value.capitalize() for name, value in slots.items()}
    return Topic(
        name=f"{table['name']}: {row[0]}",
        ask=[_with_articles(_filled(text, slots)) for text in table["ask"]],
        answer=[_with_articles(_filled(text, slots)) for text in table["answer"]],
    )


def wordings(topic: Topic) -> list[str]:
    """Every wording of a topic's question, all alternatives written out."""
    return list(dict.fromkeys(text for ask in topic.ask for text in _expanded(ask)))


def held_out(topic: Topic, *, share: float = 0.1) -> set[str]:
    """The wordings that training leaves out: a fixed tenth, chosen by the topic's name.

    The plainest wording of each question, its first alternatives, is always trained on.
    """
    plainest = {plain(ask) for ask in topic.ask}
    texts = [text for text in wordings(topic) if text not in plainest]
    if len(texts) < 2:
        return set()
    chooser = random.Random(topic.name)
    return set(chooser.sample(texts, max(1, round(len(texts) * share))))


def unseen(topic: Topic) -> set[str]:
    """The held-out wordings that training does not see in other punctuation or case either."""
    left_out = held_out(topic)
    seen = {letters_of(text) for text in wordings(topic) if text not in left_out}
    return {text for text in left_out if letters_of(text) not in seen}


def letters_of(text: str) -> str:
    """A wording without its case and punctuation."""
    return re.sub(r"[^\w ]", "", text).lower().strip()


def plain(text: str) -> str:
    """A text with the first of all its alternatives."""
    return next(_expanded(text))


def _expanded(text: str) -> Iterator[str]:
    match = _ALTERNATIVES.search(text)
    if match is None:
        yield text
        return
    for choice in match[1].split("|"):
        yield from _expanded(text[: match.start()] + choice + text[match.end() :])


def _filled(text: str, slots: Mapping[str, str]) -> str:
    return _SLOT.sub(lambda match: slots.get(match[1], match[0]), text)


def _with_articles(text: str) -> str:
    return re.sub(r"\b([Aa]) (?=[aeioAEIO])", r"\1n ", text)


def story_names() -> list[str]:
    """The names of the stories' heroes."""
    stories = tomllib.loads((FOLDER / "stories.toml").read_text(encoding="utf-8"))
    return list(stories["names"].values())


class Corpus:
    """Draws conversations from the corpus."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._topics = topics()
        self._wordings = {
            topic.name: sorted(set(wordings(topic)) - held_out(topic)) for topic in self._topics
        }
        # A table's rows are many and say little each: one draw among tables, then its rows.
        self._single = [topic for topic in self._topics if ":" not in topic.name]
        self._rows = [topic for topic in self._topics if ":" in topic.name]
        self._stories = tomllib.loads((FOLDER / "stories.toml").read_text(encoding="utf-8"))

    def conversation(self) -> list[Turn]:
        """One conversation of one to four exchanges, now and then under a system message."""
        draw = self._random
        turns = [Turn("system", draw.choice(_SYSTEM))] if draw.random() < 0.15 else []
        for _ in range(draw.choices((1, 2, 3, 4), (50, 28, 14, 8))[0]):
            turns += self._exchange()
        return turns

    def _exchange(self) -> list[Turn]:
        draw = self._random.random()
        if draw < 0.22:
            return self._story()
        if draw < 0.29:
            return self._sum()
        topic = self._random.choice(self._rows if draw < 0.45 else self._single)
        question = self._random.choice(self._wordings[topic.name])
        answer = self._random.choice(topic.answer)
        return [Turn("user", self._typed(question)), Turn("assistant", self._drawn(answer))]

    def _typed(self, text: str) -> str:
        """People leave out capitals and question marks."""
        draw = self._random.random()
        if draw < 0.12:
            return text.lower()
        if draw < 0.2:
            return text.rstrip("?.!") or text
        return text.lower().rstrip("?.!") or text if draw < 0.28 else text

    def _drawn(self, text: str) -> str:
        while (match := _ALTERNATIVES.search(text)) is not None:
            choice = self._random.choice(match[1].split("|"))
            text = text[: match.start()] + choice + text[match.end() :]
        return text

    def _sum(self) -> list[Turn]:
        """Small sums, as far as a small model may get them right."""
        first, second = self._random.randint(0, 10), self._random.randint(0, 10)
        if self._random.random() < 0.5:
            sign, word, result = "+", "plus", first + second
        else:
            first, second = max(first, second), min(first, second)
            sign, word, result = "-", "minus", first - second
        shown = self._random.choice((sign, word))
        form = self._random.choice(
            ("What is {x} {s} {y}?", "How much is {x} {s} {y}?", "{x} {s} {y}", "{x} {s} {y} = ?")
            + (("{x}{s}{y}", "What is {x}{s}{y}?") if shown == sign else ())
        )
        question = form.format(x=first, s=shown, y=second)
        answer = f"{first} {word} {second} is {result}."
        return [Turn("user", question), Turn("assistant", answer)]

    def _story(self) -> list[Turn]:
        draw = self._random
        slots = {slot: draw.choice(values) for slot, values in self._stories["slots"].items()}
        slots["hero"], slots["name"] = draw.choice(list(self._stories["names"].items()))
        slots["place_start"] = slots["place"][0].upper() + slots["place"][1:]
        asks = self._stories["ask_named" if draw.random() < 0.65 else "ask_any"]
        question = _with_articles(_filled(self._drawn(draw.choice(asks)), slots | {"a": "a"}))
        parts = draw.choice(self._stories["plot"])["parts"]
        story = " ".join(draw.choice(part) for part in parts)
        return [
            Turn("user", self._typed(question)),
            Turn("assistant", _with_articles(_filled(story, slots))),
        ]
