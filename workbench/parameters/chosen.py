"""The values in force: what a person has set, and what the model's own preset adds."""

from __future__ import annotations

from pathlib import Path

from workbench.parameters import presets
from workbench.parameters.kinds import Value, Values


class Chosen:
    """Values that differ from the defaults."""

    def __init__(self, folder: Path, values: Values) -> None:
        """``folder`` holds the presets; ``values`` are what the person began with."""
        self._folder = folder
        self.values: dict[str, Value] = dict(values)
        self._of_model: Values = {}

    def set(self, values: Values) -> None:
        """Put ``values`` in the place of all that was set."""
        self.values = dict(values)

    def use_model(self, model: str) -> bool:
        """Let the own preset of ``model`` act, and the former model's no longer.

        What a person has set comes before what the preset says. Returns whether there is
        one. Raises PresetError, with the former model's preset gone already.
        """
        for key, value in self._of_model.items():
            if self.values.get(key) == value:
                del self.values[key]
        self._of_model = {}
        own = presets.of_model(self._folder, model)
        self._of_model = {key: value for key, value in own.items() if key not in self.values}
        self.values |= self._of_model
        return bool(self._of_model)
