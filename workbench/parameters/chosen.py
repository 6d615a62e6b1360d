"""The values in force: what a person has set, what presets add, and what there was before."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeVar

from workbench.parameters import presets
from workbench.parameters.kinds import Parameter, Value, Values
from workbench.parameters.table import BY_KEY

Source = Literal["default", "model", "preset", "own"]
"""Who says what a value is: the table, the model's file, a preset, or the person."""

_MOST_STEPS_BACK: Final = 100

_Entry = TypeVar("_Entry")


class _Past(NamedTuple):
    """What was set before a change; ``stepped`` is the parameter that was moved by steps."""

    stepped: str
    values: dict[str, Value]
    presets: dict[str, str]


class Together(NamedTuple):
    """Values that were set as one, and what was set before."""

    values: dict[str, Value]
    before: _Past


class Chosen:
    """Values that somebody has set, and where they come from."""

    def __init__(self, folder: Path, values: Values) -> None:
        """``folder`` holds the presets; ``values`` are what the person began with."""
        self._folder = folder
        self.values: dict[str, Value] = dict(values)
        # What the loaded model's file sets by itself.
        self.defaults: Values = {}
        # By key, the preset that a value was taken from and has been left as.
        self._presets: dict[str, str] = {}
        self._of_model = ""
        self._past: deque[_Past] = deque(maxlen=_MOST_STEPS_BACK)

    def copy(self) -> Chosen:
        """The same values and where they come from, to be changed apart."""
        other = Chosen(self._folder, self.values)
        other.defaults = self.defaults
        other._presets = dict(self._presets)
        other._of_model = self._of_model
        return other

    def default(self, parameter: Parameter) -> Value:
        """The value where nobody sets another."""
        return self.defaults.get(parameter.key, parameter.default)

    def value(self, parameter: Parameter) -> Value:
        """The value in force."""
        return self.values.get(parameter.key, self.default(parameter))

    def source(self, parameter: Parameter) -> Source:
        """Where the value in force comes from."""
        if parameter.key in self._presets:
            return "preset"
        if parameter.key in self.values:
            return "own"
        return "default" if self.default(parameter) == parameter.default else "model"

    def preset(self, parameter: Parameter) -> str:
        """The preset that the value was taken from; empty if it was not."""
        return self._presets.get(parameter.key, "")

    def put(self, parameter: Parameter, value: Value, *, stepped: bool = False) -> bool:
        """Give a parameter a value of the person's own; the default is none of them.

        Many steps of one parameter in a row are taken back as one. Returns whether anything
        changes.
        """
        if value == self.value(parameter) and self.source(parameter) != "preset":
            return False
        if not stepped or not self._past or self._past[-1].stepped != parameter.key:
            self._remember(stepped=parameter.key if stepped else "")
        self._put(parameter, value)
        return True

    def apart_from_model(self) -> Values:
        """What is set whatever model is loaded: all but the own preset of the present one."""
        return {
            key: value
            for key, value in self.values.items()
            if self._presets.get(key) != self._of_model
        }

    def put_together(self, values: Values) -> Together | None:
        """Give several parameters values of the person's own, which are taken back as one.

        Returns what has changed, if anything.
        """
        changed = {key: value for key, value in values.items() if value != self.value(BY_KEY[key])}
        if not changed:
            return None
        together = Together(changed, self._remember())
        for key, value in changed.items():
            self._put(BY_KEY[key], value)
        return together

    def take_back(self, together: Together) -> None:
        """Put back what was there before, but for what has been set otherwise since.

        It is as if they had never been set together: no undo brings them back.
        """
        at = next((at for at, past in enumerate(self._past) if past is together.before), None)
        if at is None:
            # It has been undone.
            return
        since = list(self._past)[at + 1 :]
        del self._past[at]
        for values, by_key in (
            (self.values, self._presets),
            *((past.values, past.presets) for past in since),
        ):
            for key, value in together.values.items():
                kept = None if value == self.default(BY_KEY[key]) else value
                if key not in by_key and values.get(key) == kept:
                    _put_back(key, values, together.before.values)
                    _put_back(key, by_key, together.before.presets)

    def _put(self, parameter: Parameter, value: Value) -> None:
        self._presets.pop(parameter.key, None)
        if value == self.default(parameter):
            self.values.pop(parameter.key, None)
        else:
            self.values[parameter.key] = value

    def replace(self, values: Values, preset: str = "") -> set[str]:
        """Put ``values`` in the place of all that was set; ``preset`` says whose they are.

        Returns the keys of what has changed, be it only whose value it is.
        """
        self._remember()
        return self._replace(values, dict.fromkeys(values, preset) if preset else {})

    def undo(self) -> set[str]:
        """Take the last change back; returns the keys of what has changed, if anything."""
        if not self._past:
            return set()
        past = self._past.pop()
        return self._replace(past.values, past.presets)

    def use_model(self, model: str) -> bool:
        """Let the own preset of ``model`` act, and the former model's no longer.

        What a person has set comes before what the preset says. Returns whether there is
        one. Raises PresetError, with the former model's preset gone already.
        """
        self._past.clear()
        for key in [key for key, preset in self._presets.items() if preset == self._of_model]:
            del self._presets[key], self.values[key]
        self._of_model = own_preset(model)
        own = presets.of_model(self._folder, model)
        added = {key: value for key, value in own.items() if key not in self.values}
        self.values |= added
        self._presets |= dict.fromkeys(added, self._of_model)
        return bool(added)

    def _remember(self, *, stepped: str = "") -> _Past:
        past = _Past(stepped, dict(self.values), dict(self._presets))
        self._past.append(past)
        return past

    def _replace(self, values: Values, presets_by_key: dict[str, str]) -> set[str]:
        before, presets_before = dict(self.values), self._presets
        self.values.clear()
        self.values.update(values)
        self._presets = presets_by_key
        return {
            key
            for key in before.keys() | values.keys()
            if (before.get(key), presets_before.get(key))
            != (values.get(key), presets_by_key.get(key))
        }


def _put_back(key: str, present: dict[str, _Entry], before: Mapping[str, _Entry]) -> None:
    if key in before:
        present[key] = before[key]
    else:
        present.pop(key, None)


def own_preset(model: str) -> str:
    """What is said of the own preset of the model file ``model`` (its stem)."""
    return f"{model}'s own preset"


def named_preset(name: str) -> str:
    """What is said of the preset ``name``."""
    return f"the preset {name}"
