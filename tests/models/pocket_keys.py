"""The keys that the built-in model explains: ``python -m tests.models.pocket_keys`` writes them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import tomli_w
from textual.binding import Binding, BindingType

from workbench.app import WorkbenchApp
from workbench.models.pocket.corpus import FOLDER
from workbench.screens.keys import KEYS
from workbench.whole import write

FILE: Final = FOLDER / "keys.toml"
_HEAD: Final = (
    "# The keys of the screen, from the bindings; python -m tests.models.pocket_keys writes them.\n"
)
_NAMES: Final = {"escape": "Esc"}


def text() -> str:
    """The file as the bindings have it today."""
    return _HEAD + "\n" + tomli_w.dumps({"key": list(_keys([*KEYS, *WorkbenchApp.BINDINGS]))})


def _keys(bindings: Iterable[BindingType]) -> Iterable[dict[str, object]]:
    taken: set[str] = set()
    for binding in bindings:
        assert isinstance(binding, Binding)
        keys = [key for key in binding.key.split(",") if key not in taken]
        taken.update(keys)
        names = [_NAMES.get(key, key.upper() if key[1:].isdigit() else key) for key in keys]
        # A sign such as > has no letters by which a question could name it.
        if names and not any("_" in name for name in names) and binding.tooltip:
            yield {"keys": names, "name": binding.description, "does": binding.tooltip}


if __name__ == "__main__":
    write(FILE, text())
