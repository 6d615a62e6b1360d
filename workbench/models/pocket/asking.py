"""How a person types a question: other words for it, small slips, courtesy, no capitals."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Final

from workbench.models.pocket.corpus import Topic, frames, held_out_entries, question_words
from workbench.models.pocket.wording import letters_of, plain

_SMALL: Final = frozenset(
    (
        "a", "an", "the", "of", "do", "does", "is", "are", "to", "in", "on",
        "for", "me", "my", "can", "i", "you", "please", "it", "this", "that", "at",
    )
)  # fmt: skip
_BEFORE: Final = (
    "Please, ", "Please ", "Hey, ", "Hi, ", "Hi! ", "Hello! ", "Hello, ", "Hey Pocket, ",
    "Pocket, ", "OK, ", "Okay, ", "So, ", "And ", "Now, ", "Well, ", "Question: ",
    "Quick question: ", "One question: ", "I have a question: ", "Excuse me, ", "Sorry, ",
    "Tell me, ", "Tell me: ", "I wonder: ", "By the way, ", "Thanks. ", "Good. ",
)  # fmt: skip
_BEHIND: Final = (
    ", please", " please", ", thanks", ", thank you", ", Pocket", ", in short", ", exactly",
    " in Workbench", " here", ", if I may ask", ", in simple words", " again",
)  # fmt: skip
_WORD: Final = re.compile(r"[\w+./-]*\w")
_CACHED: Final = 50_000
_END: Final = re.compile(r"[?.!]*$")


class Asking:
    """Draws what a person types for a wording; never what ``kept_out`` holds.

    ``owners`` says which topic has a wording: asked in another form, a question must not
    become another topic's.
    """

    def __init__(
        self,
        draw: random.Random,
        kept_out: set[str],
        owners: Mapping[str, str],
        keywords: Mapping[str, Sequence[Sequence[str]]],
    ) -> None:
        self._draw = draw
        self._kept_out = kept_out
        self._owners = owners
        self._keywords = keywords

    def allowed(self, text: str, topic: str) -> bool:
        """Whether training may see this text as a question of ``topic``."""
        letters = letters_of(text)
        return letters not in self._kept_out and self._owners.get(letters, topic) == topic

    def typed(self, wording: str, topic: str) -> str:
        """The wording as a person may type it."""
        draw = self._draw
        text = wording
        if topic in self._keywords and draw.random() < 0.08:
            words = self._in_keywords(topic)
            text = words if self.allowed(words, topic) else text
        for change, share in (
            (self._in_another_form, 0.4),
            (self._in_other_words, 0.45),
            (self._shortened, 0.1),
        ):
            if draw.random() < share:
                changed = change(text)
                text = changed if self.allowed(changed, topic) else text
        if draw.random() < 0.15:
            text = self._courteous(text)
        if draw.random() < 0.08:
            text = self._mistyped(text)
        text = self._plainly_written(text)
        return text if self.allowed(text, topic) else wording

    def _in_another_form(self, text: str) -> str:
        matches = _forms_of(text)
        if not matches:
            return text
        forms, about = self._draw.choice(matches)
        changed = self._draw.choice(forms).replace("*", about)
        return changed[0].upper() + changed[1:]

    def _in_other_words(self, text: str) -> str:
        """One or two words of the question replaced."""
        found = _either_of(text)
        for group in self._draw.sample(found, min(len(found), self._draw.choice((1, 1, 2)))):
            text = _replaced(text, group[0], self._draw.choice(group[1:]))
        return text

    def _in_keywords(self, topic: str) -> str:
        """Some telling words of a question or an answer, in their order."""
        words = self._draw.choice(self._keywords[topic])
        count = min(len(words), self._draw.choice((2, 3, 3, 4, 5)))
        chosen = sorted(self._draw.sample(range(len(words)), count))
        return " ".join(words[at] for at in chosen)

    def _shortened(self, text: str) -> str:
        words = text.split()
        kept = [word for word in words if word.lower() not in _SMALL or self._draw.random() < 0.5]
        return " ".join(kept) if len(kept) > 1 else text

    def _courteous(self, text: str) -> str:
        if self._draw.random() < 0.6:
            before = self._draw.choice(_BEFORE)
            first = text.split()[0]
            starts = before.endswith(("! ", ". ")) or first in ("I", "I'm") or first.isupper()
            return before + (text if starts else text[0].lower() + text[1:])
        end = _END.search(text)
        assert end is not None
        return text[: end.start()] + self._draw.choice(_BEHIND) + end[0]

    def _mistyped(self, text: str) -> str:
        """One slip in one longer word: letters swapped, lost, doubled or mistaken."""
        words = text.split(" ")
        places = [at for at, word in enumerate(words) if len(word) > 4 and word.isalpha()]
        if not places:
            return text
        at = self._draw.choice(places)
        word = words[at]
        i = self._draw.randrange(1, len(word) - 1)
        slips = (
            word[:i] + word[i + 1] + word[i] + word[i + 2 :],
            word[:i] + word[i + 1 :],
            word[:i] + word[i] + word[i:],
            word[:i] + self._draw.choice("aeiostnr") + word[i + 1 :],
        )
        words[at] = self._draw.choice(slips)
        return " ".join(words)

    def _plainly_written(self, text: str) -> str:
        draw = self._draw.random()
        if draw < 0.13:
            return text.lower()
        if draw < 0.22:
            return text.rstrip("?.!") or text
        if draw < 0.35:
            return text.lower().rstrip("?.!") or text
        if draw < 0.36:
            return text.upper()
        return text.rstrip("?.!") + "?!" if draw < 0.365 else text


@cache
def _patterns() -> list[tuple[Sequence[str], list[re.Pattern[str]]]]:
    """The frames' forms, and the patterns that find what a question of such a form is about."""
    return [
        (
            frame.forms,
            [
                re.compile(
                    re.escape(_END.sub("", form)).replace(r"\*", r"(\S.*?)") + r"[?.!]*", re.I
                )
                for form in frame.forms
                # What is about anything is no sign of this frame.
                if len(form) > len("* ?")
            ],
        )
        for frame in frames()
    ]


@lru_cache(_CACHED)
def _forms_of(text: str) -> list[tuple[Sequence[str], str]]:
    """The forms that ``text`` may be asked in, and what it asks about."""
    found = []
    for forms, patterns in _patterns():
        match = next(filter(None, (pattern.fullmatch(text) for pattern in patterns)), None)
        if match:
            found.append((forms, match[1]))
    return found


@lru_cache(_CACHED)
def _either_of(text: str) -> list[list[str]]:
    """The groups of words that may stand for each other whose first one is in ``text``."""
    letters = text.lower()
    return [
        group
        for group in question_words()
        if group[0].lower() in letters and _whole(group[0]).search(text)
    ]


def _replaced(text: str, word: str, other: str) -> str:
    """``text`` with ``other`` for the first ``word`` in it."""
    match = _whole(word).search(text)
    if match is None:
        return text
    if match.start() == 0:
        other = other[:1].upper() + other[1:]
    return text[: match.start()] + other + text[match.end() :]


@cache
def _whole(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w+/.-]){re.escape(word)}(?![\w+/-])", re.I)


def keywords(topics: Sequence[Topic]) -> dict[str, list[list[str]]]:
    """For each topic the telling words of every question that is asked, and of every answer.

    Telling is a word that few topics have.
    """
    texts = {topic.name: _texts(topic) for topic in topics if topic.origin == "written"}
    topics_of = Counter(
        word
        for found in texts.values()
        for word in {word.lower() for text in found for word in _WORD.findall(text)}
    )
    most = max(3, len(texts) // 12)
    telling: dict[str, list[list[str]]] = {}
    for name, found in texts.items():
        lists = [
            [word for word in _WORD.findall(text) if topics_of[word.lower()] <= most]
            for text in found
        ]
        lists = [words for words in lists if len(words) > 1]
        if lists:
            telling[name] = lists
    return telling


def _texts(topic: Topic) -> list[str]:
    left_out = set(held_out_entries(topic))
    asked = [plain(entry) for entry in topic.entries if entry not in left_out]
    answers = [plain(answer) for answer in [*topic.answer, *topic.more]]
    # As often from an answer as from a question.
    return asked + answers * max(1, len(asked) // len(answers))
