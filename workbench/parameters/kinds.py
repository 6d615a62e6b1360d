"""What a parameter can be: a number, a switch, a choice, a text, a list of texts.

Every kind reads what a person types, checks what a file or a message brings, and shows a
value in words.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Final, Literal, TypeAlias

import msgspec

from workbench.untrusted import named_file, without_controls, without_surrogates

Value: TypeAlias = bool | int | float | str | tuple[str, ...]
"""A parameter's value."""

Values: TypeAlias = Mapping[str, Value]
"""Values by parameter key. A key that is absent stands for the parameter's default."""

Group = Literal[
    "sampling",
    "penalties",
    "mirostat",
    "adaptive_p",
    "constraints",
    "answer",
    "template",
    "loading",
    "KV cache",
    "GPU",
    "RoPE",
    "adapters",
]

_ON: Final = ("on", "yes", "true", "1")
_OFF: Final = ("off", "no", "false", "0")
# Whoever shows a text to be typed shows no command to a terminal.
_CODES: Final = {chr(code): f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}
_ESCAPES: Final = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\\": "\\\\"}


class ParameterError(ValueError):
    """A value that a parameter cannot take; the message says why and what it takes."""


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that may be set.

    ``acts`` says what a change needs: ``load`` reloads the model before the next answer,
    ``answer`` takes effect with the next answer, ``live`` with the next token.
    """

    key: str
    default: Value
    group: Group
    acts: Literal["live", "answer", "load"]
    help: str

    @property
    def flag(self) -> str:
        """The command line's flag: ``top_k`` is ``--top-k``."""
        return "--" + self.key.replace("_", "-")

    @property
    def takes(self) -> str:
        """What the parameter accepts, in words."""
        raise NotImplementedError

    def check(self, value: object) -> Value:
        """Return ``value`` as this parameter's kind; raise ParameterError if it does not fit."""
        raise NotImplementedError

    def parse(self, text: str) -> Value:
        """Read a typed value; raise ParameterError with a sentence if it does not fit."""
        raise NotImplementedError

    def text(self, value: Value) -> str:
        """A value as the panes show it, on one line; ``parse`` reads back all but long texts."""
        raise NotImplementedError

    def stepped(self, value: Value, steps: int) -> Value:  # noqa: ARG002
        """``value`` moved by ``steps``; itself where there is no order to move along."""
        return value


class Number(Parameter, frozen=True, kw_only=True):
    """A number in a range.

    ``named`` gives words to special values, inside the range or outside it (``-1``:
    ``random``); the words are accepted wherever the value is typed.
    """

    kind: type[int | float]
    default: int | float
    minimum: int | float
    maximum: int | float
    step: int | float
    unit: str = ""
    named: Mapping[int | float, str] = {}

    @property
    def takes(self) -> str:
        """The range and the special values: ``1 to 4096 or -1 (random)``."""
        unit = f" {self.unit}" if self.unit else ""
        text = f"{self._digits(self.minimum)} to {self._digits(self.maximum)}{unit}"
        outside = [
            f"{self._digits(value)} ({name})"
            for value, name in self.named.items()
            if not self.minimum <= value <= self.maximum
        ]
        return " or ".join([text, *outside])

    def check(self, value: object) -> int | float:
        """Accepts whole floats for ints; refuses booleans and what is out of range."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ParameterError(f"{self.key} takes {self.takes}, not {value!r}")
        if self.kind is int and isinstance(value, float) and not value.is_integer():
            raise ParameterError(f"{self.key} takes a whole number, {self.takes}, not {value}")
        if not (value in self.named or self.minimum <= value <= self.maximum):
            raise ParameterError(f"{self.key} takes {self.takes}, not {value}")
        return self.kind(value)

    def parse(self, text: str) -> int | float:
        """Reads digits or a special value's name."""
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
        """The value's name if it has one, else its digits."""
        assert isinstance(value, int | float)
        return self.named.get(value) or self._digits(value)

    def stepped(self, value: Value, steps: int) -> int | float:
        """Moved along the grid and kept inside the range.

        A named value outside the range is one step below the minimum.
        """
        assert isinstance(value, int | float)
        below = [special for special in self.named if special < self.minimum]
        if below and value in below:
            return self.minimum if steps > 0 else value
        if below and steps < 0 and value == self.minimum:
            return below[0]
        moved = round(value / self.step) * self.step + steps * self.step
        # 0.05 * 3 is 0.15000000000000002; ten digits keep the grid and lose the noise.
        return self.kind(round(min(max(moved, self.minimum), self.maximum), 10))

    def _digits(self, value: float) -> str:
        # A range bound keeps all its digits; %g would write 4294967294 as 4.29497e+09.
        return str(int(value)) if float(value).is_integer() and abs(value) >= 10 else f"{value:g}"


class Switch(Parameter, frozen=True, kw_only=True):
    """On or off."""

    default: bool

    @property
    def takes(self) -> str:
        """The two words."""
        return "on or off"

    def check(self, value: object) -> bool:
        """Accepts booleans only."""
        if not isinstance(value, bool):
            raise ParameterError(f"{self.key} takes {self.takes}, not {value!r}")
        return value

    def parse(self, text: str) -> bool:
        """Reads on, off and their like."""
        typed = text.strip().lower()
        if typed not in _ON + _OFF:
            raise ParameterError(f"{self.key} takes {self.takes}, not '{text.strip()}'")
        return typed in _ON

    def text(self, value: Value) -> str:
        """The word."""
        return "on" if value else "off"

    def stepped(self, value: Value, steps: int) -> bool:  # noqa: ARG002
        """Right is on, left is off."""
        return steps > 0


class Choice(Parameter, frozen=True, kw_only=True):
    """One of some names."""

    default: str
    choices: tuple[str, ...]

    @property
    def takes(self) -> str:
        """The names."""
        return ", ".join(self.choices[:-1]) + f" or {self.choices[-1]}"

    def check(self, value: object) -> str:
        """Accepts the names only."""
        if value not in self.choices:
            raise ParameterError(f"{self.key} takes {self.takes}, not {value!r}")
        return str(value)

    def parse(self, text: str) -> str:
        """Reads a name in any case."""
        return self.check(text.strip().lower())

    def text(self, value: Value) -> str:
        """The name."""
        return str(value)

    def stepped(self, value: Value, steps: int) -> str:
        """The neighbour in the order of the table, the ends kept."""
        index = self.choices.index(str(value)) + steps
        return self.choices[min(max(index, 0), len(self.choices) - 1)]


class Text(Parameter, frozen=True, kw_only=True):
    """A text, perhaps of many lines; typed as ``@FILE`` it is read from that file."""

    default: str
    example: str

    @property
    def takes(self) -> str:
        """What kind of text, by example."""
        return f"a text such as {self.example}, or @FILE"

    def check(self, value: object) -> str:
        """Accepts any text, but for what a terminal would take for a command."""
        if not isinstance(value, str):
            raise ParameterError(f"{self.key} takes {self.takes}, not {value!r}")
        return without_controls(value)

    def parse(self, text: str) -> str:
        """Reads the text, or the file it names; ``none`` is the empty text."""
        stripped = text.strip()
        if not stripped.startswith("@"):
            return "" if stripped.lower() == "none" else self.check(stripped)
        file = named_file(stripped[1:])
        try:
            return self.check(file.read_text("utf-8").strip())
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
            raise ParameterError(f"{self.key}: cannot read {file}: {reason}") from error

    def text(self, value: Value) -> str:
        """The text with its line ends written out, or ``none``."""
        return " ".join(str(value).split()) or "none"


class Texts(Parameter, frozen=True, kw_only=True):
    """Some texts in order, typed with ``separator`` between them.

    ``\\n``, ``\\t``, ``\\x1b`` and a backslash before the separator or itself stand for the
    character.
    ``entry`` checks one of them and raises ParameterError.
    """

    default: tuple[str, ...]
    example: str
    entry: Callable[[str], object]
    separator: str = ","

    @property
    def takes(self) -> str:
        """What kind of list, by example."""
        return f"a list such as {self.example}"

    def check(self, value: object) -> tuple[str, ...]:
        """Accepts a sequence of texts that ``entry`` does not refuse."""
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise ParameterError(f"{self.key} takes {self.takes}, not {value!r}")
        for text in value:
            if not isinstance(text, str):
                raise ParameterError(f"{self.key} takes {self.takes}, not {text!r} in it")
            if text != without_surrogates(text):
                # Put right it would be another file's name.
                raise ParameterError(f"{self.key} takes text in UTF-8, not {text!r}")
            try:
                self.entry(text)
            except ParameterError as error:
                raise ParameterError(f"{self.key}: {error}") from error
        return tuple(value)

    def parse(self, text: str) -> tuple[str, ...]:
        """Reads entries between separators; ``none`` or nothing is the empty list."""
        if text.strip().lower() in ("", "none"):
            return ()
        entries = [""]
        characters = iter(text)
        for character in characters:
            if character == "\\":
                escaped = next(characters, "\\")
                if escaped == "x":
                    digits = "".join(islice(characters, 2))
                    entries[-1] += _of_code(digits)
                else:
                    entries[-1] += {"n": "\n", "t": "\t", "r": "\r"}.get(escaped, escaped)
            elif character == self.separator:
                entries.append("")
            else:
                entries[-1] += character
        return self.check(tuple(entry for entry in entries if entry))

    def text(self, value: Value) -> str:
        """The entries on one line, or ``none``."""
        assert isinstance(value, tuple)
        escapes = str.maketrans({**_CODES, **_ESCAPES, self.separator: "\\" + self.separator})
        return self.separator.join(entry.translate(escapes) for entry in value) or "none"


def _of_code(digits: str) -> str:
    """The character of two hexadecimal digits; what are none stays as it was typed."""
    if len(digits) == 2 and set(digits) <= set(string.hexdigits):
        return chr(int(digits, 16))
    return f"x{digits}"
