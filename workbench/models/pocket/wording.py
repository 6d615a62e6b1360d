"""Texts with alternatives: ``{a|b}`` stands for either, ``{slot}`` for a slot's value."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from typing import Final

_ALTERNATIVES: Final = re.compile(r"\{([^{}]*\|[^{}]*)\}")
_SLOT: Final = re.compile(r"\{(\w+)\}")
_SENTENCE_END: Final = re.compile(r"(?<=[.!?]) (?=[A-Z])")


def expanded(text: str) -> Iterator[str]:
    """Every text that the alternatives give, the first ones first."""
    match = _ALTERNATIVES.search(text)
    if match is None:
        yield " ".join(text.split())
        return
    for choice in match[1].split("|"):
        yield from expanded(text[: match.start()] + choice + text[match.end() :])


def plain(text: str) -> str:
    """A text with the first of all its alternatives."""
    return next(expanded(text))


def drawn(text: str, draw: random.Random) -> str:
    """A text with alternatives drawn."""
    while (match := _ALTERNATIVES.search(text)) is not None:
        choice = draw.choice(match[1].split("|"))
        text = text[: match.start()] + choice + text[match.end() :]
    return text


def filled(text: str, slots: Mapping[str, str]) -> str:
    """A text with its slots filled; unknown slots stay."""
    return _SLOT.sub(lambda match: slots.get(match[1], match[0]), text)


def with_articles(text: str) -> str:
    """A text whose "a" before a vowel is "an"."""
    return re.sub(r"\b([Aa]) (?=[aeioAEIO])", r"\1n ", text)


def letters_of(text: str) -> str:
    """A wording without its case and punctuation."""
    return " ".join(re.sub(r"[^\w ]", "", text).lower().split())


def sentences(text: str) -> list[str]:
    """A text's sentences, each with its end."""
    return _SENTENCE_END.split(text)
