"""Lanes as they are written down: what each sets, sweeps over one parameter or two, draws."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise, product
from typing import Final, NamedTuple

from workbench.parameters.kinds import (
    Choice,
    Number,
    Parameter,
    ParameterError,
    Switch,
    Text,
    Texts,
    Value,
)
from workbench.parameters.table import BY_KEY, named

MOST_LANES: Final = 8
"""So many answers are written side by side at most."""

LETTERS: Final = "ABCDEFGH"

MODEL: Final = "model"
"""What a lane may name beside parameters: the model that answers in it."""

RANDOM_SEED: Final = -1
"""A fresh seed for each answer."""

# A comma before the next key; others belong to a value that is a list. What stands behind a
# backslash is no such comma.
_NEXT: Final = re.compile(r"\\.|,(?=\s*[a-z_]+\s*=)")
LARGEST_SEED: Final = 2**32 - 2
"""One more would be llama.cpp's own mark for a random seed."""


class Sweep(NamedTuple):
    """The values that one parameter takes, lane by lane."""

    parameter: Parameter
    values: list[Value]


def read_lane(text: str) -> dict[str, Value]:
    """What a lane sets: ``temperature=1.2,min_p=0.1``, ``model=pocket``. Raises ParameterError."""
    values: dict[str, Value] = {}
    for key, value in _settings(text.strip()) if text.strip() else ():
        if key == MODEL:
            if not value.strip():
                raise ParameterError("model takes a model's name or its file")
            values[MODEL] = value.strip()
            continue
        values[key] = named(key).parse(value)
    return values


def _settings(text: str) -> list[tuple[str, str]]:
    cuts = [match.start() for match in _NEXT.finditer(text) if match[0] == ","]
    found: list[tuple[str, str]] = []
    for begin, end in pairwise([-1, *cuts, len(text)]):
        part = text[begin + 1 : end]
        key, equals, value = part.partition("=")
        key = key.strip()
        if not equals:
            raise ParameterError(f"a lane is written as temperature=1.2,min_p=0.1, not '{part}'")
        former, whole = found[-1] if found else ("", "")
        if key not in (MODEL, *BY_KEY) and _goes_on(BY_KEY.get(former), whole, part):
            found[-1] = former, f"{whole},{part}"
        else:
            found.append((key, value))
    return found


def _goes_on(parameter: Parameter | None, value: str, part: str) -> bool:
    """Whether ``part`` is rather more of a value than a key that is misspelt."""
    if isinstance(parameter, Texts):
        # "logit_bias=yes=2,no=-2"
        return "=" in value
    return isinstance(parameter, Text) and part[:1].isspace()


def read_sweeps(text: str) -> list[Sweep]:
    """One parameter or two: ``temperature 0.2 1.4 4``, ``top_k 1 40 2 temperature 0 1 3``.

    Numbers go evenly from the first to the second, in as many lanes as the third says. Other
    parameters take the values that are named. Raises ParameterError.
    """
    words = text.split()
    sweeps = []
    while words:
        parameter = _of_an_answer(words.pop(0))
        own = []
        while words and words[0] not in BY_KEY:
            own.append(words.pop(0))
        sweeps.append(Sweep(parameter, _values(parameter, own)))
    if not 1 <= len(sweeps) <= 2:
        raise ParameterError("a sweep is over one parameter or two: temperature 0.2 1.4 4")
    if len({sweep.parameter.key for sweep in sweeps}) < len(sweeps):
        raise ParameterError(f"{sweeps[0].parameter.key} is swept twice: name another parameter")
    return sweeps


def _values(parameter: Parameter, words: Sequence[str]) -> list[Value]:
    if isinstance(parameter, Number):
        try:
            first, last = (float(word) for word in words[:2])
            (count,) = (int(word) for word in words[2:])
            if not math.isfinite(last - first):
                raise ValueError
        except ValueError:
            raise ParameterError(
                f"a sweep over {parameter.key} takes two numbers and how many lanes: "
                f"{parameter.key} {parameter.text(parameter.stepped(parameter.default, -1))} "
                f"{parameter.text(parameter.stepped(parameter.default, 1))} 3"
            ) from None
        if not 2 <= count <= MOST_LANES:
            raise ParameterError(f"a sweep takes 2 to {MOST_LANES} lanes, not {count}")
        steps = (first + (last - first) * at / (count - 1) for at in range(count))
        return [parameter.check(_rounded(parameter, step)) for step in steps]
    if not isinstance(parameter, Choice | Switch) or not words:
        raise ParameterError(f"a sweep over {parameter.key} takes some of: {parameter.takes}")
    return [parameter.parse(word) for word in words]


def _rounded(parameter: Number, value: float) -> float | int:
    # Beyond what can be typed and read a value is noise.
    return round(value) if parameter.kind is int else float(f"{value:.4g}")


def grid(sweeps: Sequence[Sweep]) -> list[dict[str, Value]]:
    """What each lane sets: every value of the one with every value of the other.

    Raises ParameterError if that takes too many lanes.
    """
    keys = [sweep.parameter.key for sweep in sweeps]
    lanes = [
        dict(zip(keys, values, strict=True))
        for values in product(*(sweep.values for sweep in sweeps))
    ]
    if len(lanes) > MOST_LANES:
        raise ParameterError(f"that makes {len(lanes)} lanes; there is room for {MOST_LANES}")
    return lanes


def drawn(text: str) -> list[dict[str, Value]]:
    """As many lanes that set nothing as ``text`` says. Raises ParameterError."""
    try:
        count = int(text)
    except ValueError:
        count = 0
    if not 2 <= count <= MOST_LANES:
        raise ParameterError(f"there are 2 to {MOST_LANES} draws, not '{text.strip()}'")
    return [{} for _ in range(count)]


def chosen_seed(seed: int) -> int:
    """The seed to draw with: the given one, or a fresh one where a random one is asked."""
    return random.randint(0, LARGEST_SEED) if seed == RANDOM_SEED else seed


def with_seeds(
    lanes: Sequence[Mapping[str, Value]], seed: Value, *, same: bool
) -> list[dict[str, Value]]:
    """The lanes, those without a seed with ``seed``: all the same, or each the next one.

    Where it is a random one, one is chosen for all of them.
    """
    assert isinstance(seed, int)
    first = chosen_seed(seed)
    return [
        {"seed": nth_seed(first, number, same=same), **lane} for number, lane in enumerate(lanes)
    ]


def nth_seed(first: int, number: int, *, same: bool) -> int:
    """What the lane of this ``number`` draws by: the same as the first, or so many further."""
    return first if same else (first + number) % (LARGEST_SEED + 1)


def differing(
    lanes: Sequence[Mapping[str, Value]], defaults: Sequence[Mapping[str, Value]]
) -> list[dict[str, Value]]:
    """Of what each lane sets, what is not the same in all; every lane then names it.

    Of a lane that leaves a parameter out it is its model's own default, one of ``defaults``
    for each lane, or the table's. A lane that names a model stands among lanes that all do.
    """
    keys = [key for key in (MODEL, *BY_KEY) if any(key in lane for lane in lanes)]
    whole = [
        {key: {**default, **lane}.get(key, _default(key)) for key in keys}
        for lane, default in zip(lanes, defaults, strict=True)
    ]
    apart = [key for key in keys if any(lane[key] != whole[0][key] for lane in whole)]
    return [{key: lane[key] for key in apart} for lane in whole]


def _default(key: str) -> Value:
    return "" if key == MODEL else BY_KEY[key].default


def said(values: Mapping[str, Value]) -> str:
    """Values in a line: ``temperature 1.2  min_p 0.1``; of a model its name."""
    return "  ".join(
        str(value) if key == MODEL else f"{key} {BY_KEY[key].text(value)}"
        for key, value in values.items()
    )


def typed(values: Mapping[str, Value]) -> str:
    """Values as ``read_lane`` takes them."""
    return ",".join(
        f"{key}={value if key == MODEL else BY_KEY[key].text(value)}"
        for key, value in values.items()
    )


def _of_an_answer(key: str) -> Parameter:
    parameter = named(key)
    if parameter.acts == "load":
        raise ParameterError(
            f"{key} is set when the model is loaded: a sweep is over what an answer is drawn by"
        )
    return parameter
