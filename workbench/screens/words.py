"""Words typed in the prompt that are meant for Workbench, not for the model."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from workbench.parameters.table import TABLE

WORDS: Final[dict[str, str]] = {
    "begin": "TEXT  the next answer begins so, and the model goes on",
    "clear": "a new conversation; this one is kept",
    "exit": "leave Workbench",
    "help": "these words, and the keys",
    "load": "FILE  a conversation from JSON; without FILE all that are kept",
    "model": "NAME  another model; without NAME the list",
    "regenerate": "another answer to the last prompt",
    "retry": "the same",
    "save": "FILE  write the conversation as .md, .json or .txt",
    "set": "KEY VALUE  a parameter, such as /set temperature 0.2",
    "system": "TEXT  this conversation's system prompt; without TEXT the library",
}
"""Each with what it takes, in capitals, and what it does."""

# As they are typed alone, out of habit.
_BARE: Final = {"exit": "exit", "quit": "exit", "clear": "clear"}
# A path has more in it than letters.
_WORD: Final = re.compile(r"/([a-z]+)(?:\s+(.*))?", re.DOTALL)


class Said(NamedTuple):
    """A word, known or not, and what stands behind it."""

    word: str
    rest: str


def read(text: str) -> Said | None:
    """The word that a text is; None if it is meant for the model."""
    if text.strip() in _BARE:
        return Said(_BARE[text.strip()], "")
    found = _WORD.fullmatch(text.rstrip())
    return Said(found[1], (found[2] or "").strip()) if found else None


def completions() -> list[str]:
    """All that can be completed."""
    return [
        *(f"/{word}" for word in WORDS),
        *(f"/set {parameter.key}" for parameter in TABLE),
    ]


def described() -> str:
    """All words and what they do."""
    lines = []
    for word, what in WORDS.items():
        takes, _, does = what.rpartition("  ")
        lines.append(f"/{word}{f' {takes}' if takes else ''}: {does}")
    return "\n".join(lines)


def unknown(word: str) -> str:
    """What is said of a word that there is not."""
    return (
        f"There is no word /{word}. There are {', '.join(f'/{each}' for each in WORDS)}. "
        "To send it as it is, begin with a space."
    )
