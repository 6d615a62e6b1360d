"""Which panes are shown and how wide: the person's choice, which lasts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

import msgspec

from workbench.settings import remembered

Side = Literal["browser", "parameters", "stats"]
Column = Literal["browser", "instruments"]

COLUMNS: Final[dict[Side, Column]] = {
    "browser": "browser",
    "parameters": "instruments",
    "stats": "instruments",
}
"""The column that a pane stands in."""

_LIMITS: Final[dict[Column, tuple[int, int]]] = {"browser": (22, 70), "instruments": (30, 80)}
# The chat keeps at least so many columns.
_CHAT: Final = 40


class Layout:
    """What is hidden, and widths where they are not the layout's own."""

    def __init__(self, file: Path) -> None:
        """``file`` is where it is remembered."""
        self._file = file
        state = remembered.load(file)
        self._hidden = {side for side in COLUMNS if side in state.hidden}
        self._widths = {
            column: state.widths[column] for column in _LIMITS if column in state.widths
        }

    def hides(self, side: Side) -> bool:
        """Whether a pane is not to be shown."""
        return side in self._hidden

    def hide(self, side: Side, hidden: bool) -> None:
        """Hide or show a pane. Raises OSError if that cannot be remembered; it acts anyway."""
        if hidden != (side in self._hidden):
            self._hidden ^= {side}
            self._save()

    def widths(self, defaults: Mapping[Column, int], room: int) -> dict[Column, int]:
        """How wide the columns are that stand beside the chat on a screen of ``room`` columns."""
        left = room - _CHAT - sum(_LIMITS[column][0] for column in defaults)
        widths: dict[Column, int] = {}
        for column, default in defaults.items():
            least, most = _LIMITS[column]
            wanted = min(max(self._widths.get(column, default), least), most)
            widths[column] = least + max(0, min(wanted - least, left))
            left -= widths[column] - least
        return widths

    def widen(self, column: Column, width: int) -> None:
        """Make a column so wide. Raises OSError as ``hide`` does."""
        least, most = _LIMITS[column]
        self._widths[column] = min(max(width, least), most)
        self._save()

    def _save(self) -> None:
        state = remembered.load(self._file)
        remembered.save(
            self._file,
            msgspec.structs.replace(
                state, hidden=tuple(sorted(self._hidden)), widths=dict(self._widths)
            ),
        )
