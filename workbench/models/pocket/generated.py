"""Topics made from the product's own tables, so that what they say stays true.

Every parameter of the table gives its meaning, its default and its range; every key of
``corpus/keys.toml``, which a test holds against the screen's bindings, gives what it does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final

import msgspec

from workbench.models.pocket.corpus import Topic, content, wordings, written
from workbench.models.pocket.wording import letters_of
from workbench.parameters.table import TABLE

_MEANING: Final = (
    "What does {key} do?", "What is {key}?", "Explain {key}.", "{key}",
    "What is {key} {good |}for?", "Tell me about {key}.",
    "What does {the parameter|the setting} {key} mean?",
    "{When|Why} would I change {key}?",
)  # fmt: skip
_DEFAULT: Final = (
    "What is the default of {key}?", "{key} default", "{Which|What} default does {key} have?",
    "What is {key} set to at first?", "What is {the normal|the usual|a normal} value of {key}?",
    "Tell me the default {value |}of {key}.", "Where does {key} start?",
)  # fmt: skip
_RANGE: Final = (
    "Which values can {key} take?", "What is the range of {key}?", "{key} {range|values}",
    "What can I set {key} to?", "What are the {possible|allowed} values of {key}?",
    "How {far|high} can {key} go?", "What does {key} accept?",
)  # fmt: skip
_ACTS: Final = {
    "live": "A change acts on the next token, even in the middle of an answer.",
    "answer": "A change acts on the next answer.",
    "load": "A change loads the model again before the next answer.",
}

_KEY: Final = (
    "What does {key} do?", "What is {key} for?", "{key}", "What happens when I press {key}?",
    "Explain {the key |}{key}.", "Why would I press {key}?",
)  # fmt: skip


class Key(msgspec.Struct, frozen=True):
    """One binding of the screen: its keys as a person reads them, its name and its words."""

    keys: list[str]
    name: str
    does: str


@cache
def topics() -> list[Topic]:
    """Every topic: the written ones, with what the tables know added, and the tables' own.

    A generated topic of which a written one has the name or a wording is merged into that.
    """
    found = {topic.name: topic for topic in written()}
    owners = {letters_of(text): name for name, topic in found.items() for text in wordings(topic)}
    for topic in [*_of_parameters(), *_of_keys()]:
        texts = wordings(topic)
        claimed = [owners[letters_of(text)] for text in texts if letters_of(text) in owners]
        name = topic.name if topic.name in found else claimed[0] if claimed else None
        fresh = [
            entry
            for entry in topic.ask
            if not any(letters_of(text) in owners for text in wordings(_asking(topic, [entry])))
        ]
        if name is None:
            found[topic.name] = topic
        else:
            host = found[name]
            found[name] = msgspec.structs.replace(
                host, ask=[*host.ask, *fresh], answer=[*host.answer, *topic.answer]
            )
        owners |= {letters_of(text): name or topic.name for text in wordings(_asking(topic, fresh))}
    return list(found.values())


@cache
def topic_numbers() -> dict[str, int]:
    """The names of all topics, numbered in their order."""
    return {topic.name: number for number, topic in enumerate(topics())}


def _asking(topic: Topic, ask: Sequence[str]) -> Topic:
    return msgspec.structs.replace(topic, ask=list(ask))


def _keyed(forms: Sequence[str], key: str) -> list[str]:
    return [form.replace("{key}", key) for form in forms]


def _of_parameters() -> Iterator[Topic]:
    for parameter in TABLE:
        key, default = parameter.key, _said(parameter.text(parameter.default))
        takes = _said(parameter.takes)
        meaning = f"{key}: {_said(parameter.help)}"
        acts = _ACTS[parameter.acts]
        yield Topic(
            name=key,
            ask=_keyed(_MEANING, key),
            answer=[meaning, f"{meaning} The default is {default}."],
            more=[f"{key} takes {takes}. {acts}", f"On the command line it is {parameter.flag}."],
            brief=_said(parameter.help),
            origin="parameter",
        )
        yield Topic(
            name=f"{key}: default",
            ask=_keyed(_DEFAULT, key),
            answer=[f"The default of {key} is {default}.", f"{key} is {default} by default."],
            more=[f"{key} takes {takes}."],
            brief=f"{default[0].upper()}{default[1:]}.",
            origin="parameter",
        )
        yield Topic(
            name=f"{key}: values",
            ask=_keyed(_RANGE, key),
            answer=[f"{key} takes {takes}.", f"The values of {key}: {takes}."],
            more=[f"The default of {key} is {default}. {acts}"],
            brief=f"{takes[0].upper()}{takes[1:]}.",
            origin="parameter",
        )


def _said(text: str) -> str:
    """A text of the table as the corpus may hold it: braces and bars have a meaning there."""
    return text.replace("{", "(").replace("}", ")").replace("|", "/").rstrip()


def keys() -> list[Key]:
    """The keys of the screen."""
    return msgspec.convert(content("keys.toml")["key"], list[Key])


def _of_keys() -> Iterator[Topic]:
    for key in keys():
        does = key.does.rstrip(".")
        pressed = " or ".join(key.keys)
        yield Topic(
            name=f"key {key.keys[0]}",
            ask=[entry for each in key.keys for entry in _keyed(_KEY, each)],
            answer=[f"{pressed} ({key.name}): {does}.", f"{does}. The key is {pressed}."],
            brief=f"{does}.",
            origin="key",
        )
