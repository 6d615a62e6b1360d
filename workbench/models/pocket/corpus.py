"""The corpus: questions by topic, written as TOML or made from the product's own tables.

A tenth of the wordings of each topic is held out: training never sees them, so that they
can say whether the network has learned more than lines by heart.
"""

from __future__ import annotations

import hashlib
import random
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from workbench.models.pocket.wording import expanded, filled, letters_of, plain, with_articles

FOLDER: Final = Path(__file__).with_name("corpus")

# From so many wordings on, a topic can spare one.
_SPARING: Final = 6
_HELD_OUT_SHARE: Final = 0.1


class Topic(msgspec.Struct, frozen=True):
    """Wordings of one question and of its answer, alternatives still in braces.

    ``further`` wordings are younger than those in ``ask``: what was held out before stays so.
    ``also`` names topics whose answers are right here too, as a general "I do not know" is.
    ``more`` follows when the person asks to go on, ``brief`` is the answer under a system
    message that asks for brevity. ``origin`` says where the topic is from: a topic written
    as such, a row of a table of facts, a parameter, or a key.
    """

    name: str
    ask: list[str]
    answer: list[str]
    further: list[str] = []
    more: list[str] = []
    brief: str = ""
    also: list[str] = []
    origin: Literal["written", "row", "parameter", "key"] = "written"

    @property
    def entries(self) -> list[str]:
        """All wordings of the question."""
        return [*self.ask, *self.further]

    @property
    def serving(self) -> set[str]:
        """The names of the topics whose answers are right."""
        return {self.name, *self.also}


class Frame(msgspec.Struct, frozen=True):
    """Forms of a question that mean the same, ``*`` in place of what is asked about."""

    forms: list[str]


@cache
def content(file: str) -> dict[str, Any]:
    """A file of the corpus, read."""
    return tomllib.loads((FOLDER / file).read_text(encoding="utf-8"))


def digest() -> str:
    """SHA-256 of all of the corpus's files."""
    found = hashlib.sha256()
    for file in sorted(FOLDER.glob("*.toml")):
        found.update(file.name.encode() + b"\0" + file.read_bytes())
    return found.hexdigest()


def written() -> list[Topic]:
    """The topics of the files; a table gives one for each of its rows."""
    found = []
    for file in sorted(FOLDER.glob("*.toml")):
        part = content(file.name)
        found += [msgspec.convert(each, Topic) for each in part.get("topic", [])]
        for table in part.get("table", []):
            found += [_row_topic(table, row) for row in table["rows"]]
    return found


def _row_topic(table: Mapping[str, Any], row: Sequence[str]) -> Topic:
    slots = dict(zip(table["columns"], row, strict=True))
    slots |= {name.capitalize(): value[:1].upper() + value[1:] for name, value in slots.items()}
    return Topic(
        name=f"{table['name']}: {row[0]}",
        ask=[with_articles(filled(text, slots)) for text in table["ask"]],
        answer=[with_articles(filled(text, slots)) for text in table["answer"]],
        origin="row",
    )


def exchanges() -> list[list[str]]:
    """Whole conversations: what the person and what the model say, in turn."""
    parts = [content(file.name) for file in sorted(FOLDER.glob("*.toml"))]
    return [each["turns"] for part in parts for each in part.get("exchange", [])]


def frames() -> list[Frame]:
    """The ways of asking that may take each other's place."""
    return msgspec.convert(content("asking.toml")["frame"], list[Frame])


def question_words() -> list[list[str]]:
    """Groups of words that may stand for each other in a question."""
    return list(content("thesaurus.toml")["either"])


def synonyms() -> list[list[str]]:
    """Groups of words of which the first may be another one in an answer."""
    return list(content("synonyms.toml")["either"])


def wordings(topic: Topic) -> list[str]:
    """Every wording of a topic's question, all alternatives written out."""
    return list(dict.fromkeys(text for entry in topic.entries for text in expanded(entry)))


def held_out_entries(topic: Topic) -> list[str]:
    """The entries of ``ask`` that training leaves out with all that they expand to.

    A fixed tenth, chosen by the topic's name, and at least one of a topic with six or more;
    what a whole exchange asks cannot be held out.
    """
    chooser = random.Random(topic.name)
    return [
        entry
        for entries in (topic.ask, topic.further)
        for entry in _chosen(chooser, entries)
        if not {letters_of(text) for text in expanded(entry)} & _exchanged()
    ]


def _chosen(chooser: random.Random, entries: Sequence[str]) -> list[str]:
    """A tenth of the entries, in their order."""
    if len(entries) < _SPARING:
        return []
    count = max(1, round(len(entries) * _HELD_OUT_SHARE))
    chosen = set(chooser.sample(range(len(entries)), count))
    return [entry for index, entry in enumerate(entries) if index in chosen]


@cache
def _exchanged() -> set[str]:
    """The letters of all that the exchanges ask."""
    asked = [text for turns in exchanges() for text in turns[::2]]
    return {letters_of(text) for entry in asked for text in expanded(entry)}


def held_out_questions(topics: Sequence[Topic]) -> list[tuple[Topic, str]]:
    """What is asked of the trained network: each held-out entry in its plainest wording."""
    return [(topic, plain(entry)) for topic in topics for entry in held_out_entries(topic)]


def kept_out(topics: Sequence[Topic]) -> set[str]:
    """The letters of all that the held-out entries expand to: none of it is trained on."""
    return {
        letters_of(text)
        for topic in topics
        for entry in held_out_entries(topic)
        for text in expanded(entry)
    }
