"""What a system message does to an answer, as far as a small model can learn it."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from workbench.models.pocket.wording import sentences

_PLAIN: Final = (
    "You are Pocket, the built-in model of Workbench.",
    "You are a {helpful|kind|friendly|good|useful|clever} {assistant|model|helper}.",
    "You {help|assist} people with {their questions|local models|Workbench}.",
    "You are {a|an} {expert|teacher|guide} for {local models|Workbench|beginners}.",
    "Answer {the questions|questions} {well|truthfully|with care|as well as you can}.",
    "You are {a large|a small|an intelligent} language model. Be {honest|helpful|kind}.",
    "{Be helpful|Be honest|Help me|Do your best}.",
)


class Manner(NamedTuple):
    """System messages and what an answer becomes under them."""

    systems: Sequence[str]
    said: Callable[[str, random.Random], str]


def _like_a_pirate(text: str, draw: random.Random) -> str:
    return f"{draw.choice(('Arr!', 'Arr!', 'Ahoy!'))} {text[:-1]}, matey{text[-1]}"


def _politely(text: str, draw: random.Random) -> str:
    before = draw.choice(("With pleasure.", "Certainly.", "Gladly."))
    return f"{before} {text} {draw.choice(('Is there anything else?', 'I hope that helps.'))}"


def _grumpily(text: str, draw: random.Random) -> str:
    before = draw.choice(("Hmph.", "If I must.", "Oh, not again."))
    return f"{before} {text} {draw.choice(('Are we done now?', 'Now let me sleep.'))}"


def _like_a_cat(text: str, draw: random.Random) -> str:
    return f"{draw.choice(('Meow!', 'Purr.'))} {text} {draw.choice(('Meow.', 'Purr.'))}"


def _briefly(text: str, draw: random.Random) -> str:  # noqa: ARG001
    return sentences(text)[0]


PLAIN: Final = Manner(_PLAIN, lambda text, draw: text)  # noqa: ARG005
BRIEF: Final = Manner(
    (
        "Answer briefly.",
        "{Be brief|Be short|Keep it short|Answer in one sentence|Short answers}{.|, please.}",
        "{You are an assistant|You are a helpful assistant|You are Pocket}. "
        "{Be brief|Answer briefly|Answer in one short sentence}.",
        "{Give|Write} short answers.",
    ),
    _briefly,
)
MANNERS: Final = (
    Manner(
        (
            "Talk like a pirate.",
            "{You are a pirate|Answer like a pirate|Speak like a pirate|Be a pirate}.",
            "You are an assistant who {talks|speaks} like a pirate.",
        ),
        _like_a_pirate,
    ),
    Manner(
        (
            "Be polite.",
            "{Be very polite|You are a polite assistant|You are a butler|Answer politely}.",
        ),
        _politely,
    ),
    Manner(
        (
            "Be grumpy.",
            "{You are grumpy|You are a grumpy assistant|Be in a bad mood|You are in a bad mood}.",
        ),
        _grumpily,
    ),
    Manner(
        ("You are a cat.", "{Talk like a cat|Be a cat|Answer like a cat|Speak like a cat}."),
        _like_a_cat,
    ),
)
"""Beside brevity, for which a topic has an answer of its own."""
