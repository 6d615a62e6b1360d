"""Words typed in the prompt that are meant for Workbench, not for the model."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from workbench.parameters.kinds import Choice, Parameter, ParameterError, Switch, Value
from workbench.parameters.table import BY_KEY, TABLE
from workbench.untrusted import named_file

WORDS: Final[dict[str, str]] = {
    "begin": "TEXT  the next answer begins so, and the model goes on",
    "clear": "a new conversation; this one is kept",
    "exit": "leave Workbench",
    "help": "these words, and the keys",
    "load": "FILE  a conversation from JSON; without FILE all that are kept",
    "model": "NAME  another model; without NAME the list",
    "regenerate": "another answer to the last prompt",
    "retry": "the same",
    "save": "FILE  write the conversation as .md, .json, .txt, or as a script that has it "
    "answered once more, .py",
    "set": "KEY VALUE  a parameter, such as /set temperature 0.2",
    "system": "TEXT  this conversation's system prompt, or the library's of that name; without "
    "TEXT the library",
}
"""Each with what it takes, in capitals, and what it does."""

IN_LANES: Final[dict[str, str]] = {
    "draws": "LANES  so many of the foremost lane's settings, each by a chance of its own",
    "exit": WORDS["exit"],
    "help": "these words",
    "set": "KEY VALUE  a parameter of the foremost lane, such as /set temperature 0.2",
    "sweep": "KEY FIRST LAST LANES  lanes over a range, such as /sweep temperature 0.2 1.4 4",
}
"""Those for lanes side by side."""

# As they are typed alone, out of habit.
_BARE: Final = {"exit": "exit", "quit": "exit", "clear": "clear"}
# A path has more in it than letters.
_WORD: Final = re.compile(r"/([a-z]+)(?:\s+(.*))?", re.DOTALL)


# The key, and what stands behind a space or "=": there may be others in it.
_SETTING: Final = re.compile(r"(\w+)(?:\s*=\s*|\s+|$)(.*)", re.DOTALL)
_MOST_FILES: Final = 2000


class Said(NamedTuple):
    """A word, known or not, and what stands behind it."""

    word: str
    rest: str


def read(text: str) -> Said | None:
    """The word that a text is; None if it is meant for the model, as with a space before it."""
    if text.rstrip() in _BARE:
        return Said(_BARE[text.rstrip()], "")
    found = _WORD.fullmatch(text.rstrip())
    return Said(found[1], (found[2] or "").strip()) if found else None


def setting(rest: str) -> tuple[Parameter, Value]:
    """What ``/set`` is to set. Raises ParameterError."""
    found = _SETTING.fullmatch(rest)
    key, text = found.groups() if found else (rest, "")
    if key not in BY_KEY:
        raise ParameterError(f"there is no parameter {key}: F3 leads to the list")
    return BY_KEY[key], BY_KEY[key].parse(text.strip())


def completions(
    text: str,
    *,
    known: Mapping[str, str] = WORDS,
    models: Sequence[str] = (),
    systems: Sequence[str] = (),
    files: bool = False,
) -> list[str]:
    """What a text that is being typed may become; with ``files`` also by looking at the disk."""
    word, space, rest = text.partition(" ")
    if not space:
        return [f"/{each}" for each in known if f"/{each}".startswith(word)]
    if word[1:] not in known:
        return []
    match word:
        case "/model":
            found: Iterable[str] = models
        case "/system":
            found = systems
        case "/set":
            found = _settings(rest)
        case "/save" | "/load" if files:
            found = _files(rest)
        case _:
            found = ()
    return [f"{word} {each}" for each in found if each.startswith(rest)]


def _settings(rest: str) -> list[str]:
    key, space, _ = rest.partition(" ")
    if not space:
        return [parameter.key for parameter in TABLE]
    match BY_KEY.get(key):
        case Choice(choices=choices):
            return [f"{key} {choice}" for choice in choices]
        case Switch():
            return [f"{key} on", f"{key} off"]
    return []


def _files(rest: str) -> list[str]:
    """What there is where a path leads; a folder ends with a stroke."""
    typed, stroke, begun = rest.rpartition("/")
    try:
        with os.scandir(named_file(f"{typed}{stroke}" or ".")) as entries:
            return sorted(
                f"{typed}{stroke}{each.name}{'/' * each.is_dir()}"
                for each in itertools.islice(entries, _MOST_FILES)
                # What is hidden is not offered unasked; what no terminal takes, never.
                if each.name.isprintable() and each.name.startswith(".") <= begun.startswith(".")
            )
    except OSError:
        return []


def described(known: Mapping[str, str] = WORDS) -> str:
    """All words and what they do."""
    lines = []
    for word, what in known.items():
        takes, _, does = what.rpartition("  ")
        lines.append(f"/{word}{f' {takes}' if takes else ''}: {does}")
    return "\n".join(lines)


def unknown(word: str, known: Mapping[str, str] = WORDS) -> str:
    """What is said of a word that there is not."""
    return (
        f"There is no word /{word}. There are {', '.join(f'/{each}' for each in known)}. "
        "To send it as it is, begin with a space."
    )
