"""Which topic a text is about: the one among whose answers the nearest to it is.

Texts are compared by the cosine of their TF-IDF vectors: how many words they share, rare words
counting for more. A wrong answer is nearer to its own topic's answers, and is found out. What a
table's row says is in a word or two, and cosines pass over those: such an answer has to be one of
the row's, word for word but for synonyms.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Final

from workbench.models.pocket.corpus import Topic, synonyms
from workbench.models.pocket.wording import expanded, sentences

_WORD: Final = re.compile(r"[\w+./-]*\w")
_EXPANSIONS: Final = 24

_Vector = Mapping[str, float]


def words_of(text: str) -> list[str]:
    """A text's words in lower case; ``ctrl+q``, ``top_k`` and ``config.toml`` are one each."""
    return _WORD.findall(text.lower())


class Topics:
    """Finds the topic of an answer."""

    def __init__(self, topics: Sequence[Topic]) -> None:
        answers = [(topic.name, words_of(text)) for topic in topics for text in _answers(topic)]
        counts = Counter(word for _, words in answers for word in set(words))
        self._rarity = {
            word: math.log((1 + len(answers)) / count) for word, count in counts.items()
        }
        self._unknown = math.log(1 + len(answers))
        self._by_name = {topic.name: topic for topic in topics}
        self._answers: dict[str, list[tuple[int, float]]] = {}
        self._names = [name for name, _ in answers]
        for index, (_, words) in enumerate(answers):
            for word, weight in self._vector(words).items():
                self._answers.setdefault(word, []).append((index, weight))

    def of(self, text: str) -> list[str]:
        """The names of the topics whose answers are nearest to ``text``; none shares a word: []."""
        near: dict[int, float] = defaultdict(float)
        for word, weight in self._vector(words_of(text)).items():
            for index, other in self._answers.get(word, ()):
                near[index] += weight * other
        if not near:
            return []
        best = max(near.values())
        found = (self._names[index] for index, how in near.items() if how > best - 1e-9)
        return list(dict.fromkeys(found))

    def is_right(self, topic: Topic, text: str) -> bool:
        """Whether ``text`` is nearest to an answer of ``topic``, or of one that serves as well."""
        found = topic.serving & set(self.of(text))
        return any(_is_said(self._by_name[name], text) for name in found)

    def _vector(self, words: Iterable[str]) -> _Vector:
        weights = {
            word: count * self._rarity.get(word, self._unknown)
            for word, count in Counter(words).items()
        }
        length = math.sqrt(sum(weight**2 for weight in weights.values())) or 1.0
        return {word: weight / length for word, weight in weights.items()}


def _answers(topic: Topic) -> Iterable[str]:
    for answer in [*topic.answer, *topic.more]:
        for text in islice(expanded(answer), _EXPANSIONS):
            yield text
            # Now and then training has the first sentence alone.
            if len(parts := sentences(text)) > 1:
                yield parts[0]
    if topic.brief:
        yield topic.brief


def _is_said(topic: Topic, text: str) -> bool:
    """Whether ``text`` says what a row does; of other topics there is no saying in words."""
    if topic.origin != "row":
        return True
    return _without_synonyms(text) in {_without_synonyms(answer) for answer in _answers(topic)}


def _without_synonyms(text: str) -> tuple[str, ...]:
    said = f" {' '.join(words_of(text))} "
    for word, *others in synonyms():
        for other in others:
            said = said.replace(f" {other.lower()} ", f" {word.lower()} ")
    return tuple(said.split())
