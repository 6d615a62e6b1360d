"""Every parameter, declared once.

From this table come the rows of the parameter pane, the flags of the command line, the
validation of what a person types and the values an engine request carries. Keys are
llama.cpp's own names; defaults are llama-server's unless a comment says otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, Literal

import msgspec

Value = int | float
"""A parameter's value."""

Values = Mapping[str, Value]
"""Values by parameter key. A key that is absent stands for the parameter's default."""


class ParameterError(ValueError):
    """A value that a parameter cannot take; the message says why and what it takes."""


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that may be set.

    ``acts`` says what a change needs: ``load`` reloads the model before the next answer,
    ``answer`` takes effect with the next answer.
    ``named`` gives words to special values, inside the range or outside it (``-1``:
    ``random``); the words are accepted wherever the value is typed.
    """

    key: str
    kind: type[int | float]
    default: Value
    minimum: Value
    maximum: Value
    step: Value
    group: Literal["sampling", "answer", "loading"]
    acts: Literal["answer", "load"]
    help: str
    unit: str = ""
    named: Mapping[Value, str] = {}

    @property
    def flag(self) -> str:
        """The command line's flag: ``top_k`` is ``--top-k``."""
        return "--" + self.key.replace("_", "-")

    @property
    def takes(self) -> str:
        """What the parameter accepts, in words: ``0 to 2``, ``1 to 4096 or -1 (random)``."""
        unit = f" {self.unit}" if self.unit else ""
        text = f"{self._digits(self.minimum)} to {self._digits(self.maximum)}{unit}"
        outside = [
            f"{self._digits(value)} ({name})"
            for value, name in self.named.items()
            if not self.minimum <= value <= self.maximum
        ]
        return " or ".join([text, *outside])

    def check(self, value: object) -> Value:
        """Return ``value`` as this parameter's kind; raise ParameterError if it does not fit."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ParameterError(f"{self.key} takes {self.takes}, not {value!r}")
        if self.kind is int and not float(value).is_integer():
            raise ParameterError(f"{self.key} takes a whole number, {self.takes}, not {value}")
        if not math.isfinite(value) or not (
            value in self.named or self.minimum <= value <= self.maximum
        ):
            raise ParameterError(f"{self.key} takes {self.takes}, not {value:g}")
        return self.kind(value)

    def parse(self, text: str) -> Value:
        """Read a typed value; raise ParameterError with a sentence if it does not fit."""
        typed = text.strip().lower()
        for value, name in self.named.items():
            if typed == name:
                return value
        try:
            number = int(typed) if self.kind is int else float(typed)
        except ValueError:
            try:
                number = float(typed)
            except ValueError:
                words = "".join(f" or '{name}'" for name in self.named.values())
                raise ParameterError(
                    f"'{text.strip()}' is not a number; {self.key} takes {self.takes}{words}"
                ) from None
        return self.check(number)

    def text(self, value: Value) -> str:
        """A value as the panes show it: its name if it has one, else its digits."""
        return self.named.get(value) or self._digits(value)

    def stepped(self, value: Value, steps: int) -> Value:
        """``value`` moved by ``steps`` steps along the grid and kept inside the range.

        A named value outside the range is one step below the minimum.
        """
        below = [special for special in self.named if special < self.minimum]
        if below and value in below:
            return self.minimum if steps > 0 else value
        if below and steps < 0 and value == self.minimum:
            return below[0]
        moved = round(value / self.step) * self.step + steps * self.step
        # 0.05 * 3 is 0.15000000000000002; ten digits keep the grid and lose the noise.
        return self.kind(round(min(max(moved, self.minimum), self.maximum), 10))

    def _digits(self, value: Value) -> str:
        # A range bound keeps all its digits; %g would write 4294967294 as 4.29497e+09.
        return str(int(value)) if float(value).is_integer() and abs(value) >= 10 else f"{value:g}"


TABLE: Final[tuple[Parameter, ...]] = (
    Parameter(
        key="temperature",
        kind=float,
        default=0.8,
        minimum=0,
        maximum=5,
        step=0.05,
        group="sampling",
        acts="answer",
        help="Flattens or sharpens the distribution; 0 always takes the likeliest token.",
    ),
    Parameter(
        key="top_k",
        kind=int,
        default=40,
        minimum=0,
        maximum=1_000_000,
        step=5,
        group="sampling",
        acts="answer",
        help="Keeps only the k likeliest tokens.",
        named={0: "off"},
    ),
    Parameter(
        key="top_p",
        kind=float,
        default=0.95,
        minimum=0,
        maximum=1,
        step=0.05,
        group="sampling",
        acts="answer",
        help="Keeps the likeliest tokens whose probabilities add up to p.",
        named={1: "off"},
    ),
    Parameter(
        key="min_p",
        kind=float,
        default=0.05,
        minimum=0,
        maximum=1,
        step=0.01,
        group="sampling",
        acts="answer",
        help="Drops tokens less likely than this share of the likeliest one.",
        named={0: "off"},
    ),
    Parameter(
        key="repeat_penalty",
        kind=float,
        default=1.0,
        minimum=0.1,
        maximum=5,
        step=0.05,
        group="sampling",
        acts="answer",
        help="Makes recently used tokens less likely; above 1 discourages repetition.",
        named={1: "off"},
    ),
    Parameter(
        key="repeat_last_n",
        kind=int,
        default=64,
        minimum=0,
        maximum=32_768,
        step=16,
        unit="tokens",
        group="sampling",
        acts="answer",
        help="How far back repeat_penalty looks.",
        named={0: "off"},
    ),
    Parameter(
        key="seed",
        kind=int,
        default=-1,
        minimum=0,
        # 0xFFFFFFFF is llama.cpp's own mark for a random seed.
        maximum=0xFFFFFFFE,
        step=1,
        group="sampling",
        acts="answer",
        help="The same seed, settings and prompt draw the same answer again.",
        named={-1: "random"},
    ),
    Parameter(
        key="max_tokens",
        kind=int,
        default=-1,
        minimum=1,
        maximum=1_000_000,
        step=64,
        unit="tokens",
        group="answer",
        acts="answer",
        help="The longest answer; without a limit it ends with the model or the context.",
        named={-1: "no limit"},
    ),
    Parameter(
        key="n_ctx",
        kind=int,
        default=0,
        minimum=16,
        maximum=16_777_216,
        step=1024,
        unit="tokens",
        group="loading",
        acts="load",
        help="Room for prompt and answer together; auto is the model's own, at most 8192.",
        named={0: "auto"},
    ),
    Parameter(
        key="n_threads",
        kind=int,
        default=-1,
        minimum=1,
        maximum=1024,
        step=1,
        group="loading",
        acts="load",
        help="CPU threads; auto is one for each physical core this process may use.",
        named={-1: "auto"},
    ),
    Parameter(
        key="n_batch",
        kind=int,
        default=2048,
        minimum=1,
        maximum=65_536,
        step=256,
        unit="tokens",
        group="loading",
        acts="load",
        help="How many prompt tokens are handed to llama.cpp at a time.",
    ),
    Parameter(
        key="n_gpu_layers",
        kind=int,
        default=-1,
        minimum=0,
        maximum=9999,
        step=1,
        group="loading",
        acts="load",
        help="Layers kept on the GPU; without effect in a build for the CPU alone.",
        named={-1: "all"},
    ),
)

BY_KEY: Final[Mapping[str, Parameter]] = {parameter.key: parameter for parameter in TABLE}


def loading(values: Values) -> dict[str, Value]:
    """The part of ``values`` that a model is loaded with."""
    return {key: value for key, value in values.items() if BY_KEY[key].acts == "load"}


def answering(values: Values) -> dict[str, Value]:
    """The part of ``values`` that an answer is drawn with."""
    return {key: value for key, value in values.items() if BY_KEY[key].acts == "answer"}


def completed(values: Values) -> dict[str, Value]:
    """Every parameter's value: the given ones checked, the rest at their defaults."""
    for key in values:
        if key not in BY_KEY:
            raise ParameterError(f"there is no parameter '{key}'")
    return {
        parameter.key: parameter.check(values.get(parameter.key, parameter.default))
        for parameter in TABLE
    }
