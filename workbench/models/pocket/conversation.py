"""Draws conversations from the corpus, all from one seeded generator: a seed gives a text."""

from __future__ import annotations

import random
from functools import cache
from typing import Any, Final

from workbench.models.pocket import generated
from workbench.models.pocket.asking import Asking, keywords
from workbench.models.pocket.chatml import Turn
from workbench.models.pocket.corpus import (
    Topic,
    content,
    exchanges,
    held_out_entries,
    kept_out,
    synonyms,
    wordings,
)
from workbench.models.pocket.manners import BRIEF, MANNERS, PLAIN, Manner
from workbench.models.pocket.wording import drawn, filled, letters_of, sentences, with_articles

# How often a question is from where: a table's rows are many and say little each. Keys have a
# share only where no written topic has taken them in.
_SHARES: Final = {"written": 83, "row": 8, "parameter": 7, "key": 2}
_ON: Final = (
    "{Tell me|Say} more{| about {it|that}}{.|, please.}", "{Go on|Continue|Carry on}{.|, please.}",
    "More{|, please}{.|!}", "Why{| is that| so}?", "{And|What} else?", "Anything else?",
    "{Can you give|Give me|Do you have} an example{.|?}", "Explain {that|it|more}.",
    "{How|What} do you mean?", "I do not understand.", "{And then|And|So}?", "What does that mean?",
    "Can you {explain that|say more|tell me more}?",
)  # fmt: skip
_NO_MORE: Final = (
    "That is all that I know about {it|this}. Please ask me something else.",
    "I know no more about {it|this}: I am {a very small|only a small} model. "
    "A larger one could tell you more.",
)  # fmt: skip
_NOTHING_YET: Final = (
    "More about what? Ask me a question first{.|, please.}",
    "We have only just begun. What would you like to know?",
)


@cache
def _kept_out() -> set[str]:
    return kept_out(generated.topics())


@cache
def _owners() -> dict[str, str]:
    return {
        letters_of(text): topic.name for topic in generated.topics() for text in wordings(topic)
    }


@cache
def _keywords() -> dict[str, list[list[str]]]:
    return keywords(generated.topics())


@cache
def _by_name() -> dict[str, Topic]:
    return {topic.name: topic for topic in generated.topics()}


@cache
def _asked() -> dict[str, list[str]]:
    """What training may ask, by topic: the entries that are not held out."""
    found = {}
    for topic in generated.topics():
        left_out = set(held_out_entries(topic))
        found[topic.name] = [entry for entry in topic.entries if entry not in left_out]
    return found


def _said_so(text: str) -> str:
    return text[0].upper() + text[1:]


class Corpus:
    """Draws conversations; what is held out is never asked in them."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._asking = Asking(self._random, _kept_out(), _owners(), _keywords())
        self._by_origin: dict[str, list[Topic]] = {}
        for topic in generated.topics():
            self._by_origin.setdefault(topic.origin, []).append(topic)
        # What is asked in many ways is asked somewhat more often: a bag of words then finds 88.7 %
        # of the held-out questions' topics, and 88.2 if all topics are alike.
        self._weights = {
            origin: [len(topic.entries) ** 0.5 for topic in group]
            for origin, group in self._by_origin.items()
        }
        self._shares = [_SHARES[origin] for origin in self._by_origin]
        self._exchanges = exchanges()
        self._stories: dict[str, Any] = content("stories.toml")
        self._names: dict[str, Any] = content("names.toml")
        self._synonyms = synonyms()

    def conversation(self) -> list[Turn]:
        """One conversation of one to four exchanges, now and then under a system message."""
        draw = self._random
        manner = draw.choices((PLAIN, BRIEF, draw.choice(MANNERS)), (80, 10, 10))[0]
        turns = []
        if manner is not PLAIN or draw.random() < 0.15:
            turns.append(Turn("system", drawn(draw.choice(manner.systems), draw)))
        if manner is PLAIN and draw.random() < 0.01:
            turns += self._pair(drawn(draw.choice(_ON), draw), draw.choice(_NOTHING_YET))
        if manner is PLAIN and draw.random() < 0.06:
            return turns + self._whole(draw.choice(self._exchanges))
        for _ in range(draw.choices((1, 2, 3, 4), (55, 27, 12, 6))[0]):
            turns += self._exchange(manner)
        return turns

    def _pair(self, question: str, answer: str) -> list[Turn]:
        answer = drawn(answer, self._random)
        return [Turn("user", drawn(question, self._random)), Turn("assistant", answer)]

    def _whole(self, texts: list[str]) -> list[Turn]:
        turns = []
        for at, text in enumerate(texts):
            text = drawn(text, self._random)
            user = at % 2 == 0
            typed = self._asking.typed(text, "") if user else self._varied(text)
            turns.append(Turn("user" if user else "assistant", typed))
        return turns

    def question(self, topic: str = "") -> Turn:
        """One question alone, about the topic of that name or any."""
        return self._question(_by_name()[topic] if topic else self._topic())

    def answer(self, topic: str) -> Turn:
        """An answer to a question about the topic of that name."""
        return Turn("assistant", self._answer(_by_name()[topic], PLAIN))

    def is_free(self, question: str) -> bool:
        """Whether it is no topic's wording, neither one that is asked nor one held out."""
        return self._asking.allowed(question, "")

    def _topic(self) -> Topic:
        origin = self._random.choices(list(self._by_origin), self._shares)[0]
        return self._random.choices(self._by_origin[origin], self._weights[origin])[0]

    def _exchange(self, manner: Manner) -> list[Turn]:
        kind = self._random.random()
        if manner is PLAIN:
            if kind < 0.07:
                return self.story()
            if kind < 0.10:
                return self._sum()
            if kind < 0.13:
                return self.introduction()
        topic = self._topic()
        turns = [self._question(topic), Turn("assistant", self._answer(topic, manner))]
        going_on = 0.25 if topic.more else 0.05
        left = list(topic.more)
        while self._random.random() < going_on:
            more = left.pop(self._random.randrange(len(left))) if left else None
            said = self._said(more or self._random.choice(_NO_MORE), manner)
            turns += self._pair(self._random.choice(_ON), said)
            if more is None:
                break
        return turns

    def _question(self, topic: Topic) -> Turn:
        while True:
            wording = drawn(self._random.choice(_asked()[topic.name]), self._random)
            wording = " ".join(wording.split())
            if self._asking.allowed(wording, topic.name):
                return Turn("user", self._asking.typed(wording, topic.name), topic.name)

    def _answer(self, topic: Topic, manner: Manner) -> str:
        if manner is BRIEF and topic.brief:
            return topic.brief
        # The first answer is the commonest: at temperature 0 it does not lose against another
        # topic's because its own share of the probability is spread over many beginnings.
        first, *others = topic.answer
        text = self._random.choice(others) if others and self._random.random() < 0.45 else first
        text = drawn(text, self._random)
        if manner is PLAIN and topic.origin == "written":
            first, *rest = sentences(text)
            if rest and len(first.split()) > 7 and self._random.random() < 0.12:
                text = first
        return self._said(text, manner)

    def _said(self, text: str, manner: Manner) -> str:
        return manner.said(self._varied(drawn(text, self._random)), self._random)

    def _varied(self, text: str) -> str:
        """Here and there another word that says the same: an answer is not known by heart."""
        for word, *others in self._synonyms:
            if f" {word} " in text and self._random.random() < 0.35:
                text = text.replace(f" {word} ", f" {self._random.choice(others)} ", 1)
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

    def introduction(self) -> list[Turn]:
        """Somebody says a name, and may ask for it later."""
        draw = self._random
        name = draw.choice(self._names["names"])
        if draw.random() < 0.4:
            name = "".join(draw.choice(part) for part in self._names["made_of"])
        forms = self._names
        if draw.random() < 0.15:
            return self._pair(draw.choice(forms["recall"]), draw.choice(forms["unknown"]))
        said = draw.choice(forms["answer"]).replace("{name}", name)
        turns = self._pair(draw.choice(forms["ask"]).replace("{name}", name), said)
        if draw.random() < 0.5:
            if draw.random() < 0.5:
                topic = self._topic()
                turns += [self._question(topic), Turn("assistant", self._answer(topic, PLAIN))]
            recalled = draw.choice(forms["recalled"]).replace("{name}", name)
            turns += self._pair(draw.choice(forms["recall"]), recalled)
        return turns

    def story(self) -> list[Turn]:
        """Somebody wants a story, mostly about a hero of their choice."""
        draw = self._random
        slots = {slot: draw.choice(values) for slot, values in self._stories["slots"].items()}
        slots["hero"], slots["name"] = draw.choice(list(self._stories["names"].items()))
        slots["place_start"] = _said_so(slots["place"])
        asks = self._stories["ask_named" if draw.random() < 0.65 else "ask_any"]
        question = with_articles(filled(drawn(draw.choice(asks), draw), slots | {"a": "a"}))
        parts = draw.choice(self._stories["plot"])["parts"]
        story = drawn(" ".join(draw.choice(part) for part in parts), draw)
        return [
            Turn("user", self._asking.typed(question, "")),
            Turn("assistant", with_articles(filled(story, slots))),
        ]
