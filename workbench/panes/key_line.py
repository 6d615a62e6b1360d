"""The keys at the foot of a screen: F1 to F12 in their order, and none cut in half."""

from __future__ import annotations

import re
from typing import Final

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

_FUNCTION_KEY: Final = re.compile(r"f(\d+)")
# A key is drawn as " key words ".
_AROUND: Final = 3


class KeyLine(Footer):
    """Textual's footer, put in order.

    Textual shows keys as the focused widget, its screen and the app happen to declare them, and
    cuts the line at the edge: F1 went first. Here the function keys stand where the first of
    them does, by their numbers, and what has no room is left out whole, the last first, but for
    the help.
    """

    def __init__(self) -> None:
        super().__init__(show_command_palette=False)
        self._room = 0

    def compose(self) -> ComposeResult:
        # In a dialog it has less than the screen; before it is laid out it has nothing yet.
        self._room = self.size.width or self.screen.size.width
        keys = _in_order([key for key in super().compose() if isinstance(key, FooterKey)])
        # Whoever sees no other key finds it there.
        shown = [key for key in keys if key.action == "help"]
        left = self._room - sum(map(_width, shown))
        for key in keys:
            if key not in shown:
                left -= _width(key)
                if left < 0:
                    break
                shown.append(key)
        shown.sort(key=keys.index)
        self.styles.grid_size_columns = len(shown)
        yield from shown

    async def on_resize(self, _event: events.Resize) -> None:
        """Show what has room now."""
        if self._room not in (0, self.size.width):
            await self.recompose()


def _width(key: FooterKey) -> int:
    return cell_len(key.key_display) + cell_len(key.description) + _AROUND


def _in_order(keys: list[FooterKey]) -> list[FooterKey]:
    numbers = {key: int(match[1]) for key in keys if (match := _FUNCTION_KEY.fullmatch(key.key))}
    place = next((place for place, key in enumerate(keys) if key in numbers), 0)
    others = [key for key in keys[place:] if key not in numbers]
    return [*keys[:place], *sorted(numbers, key=numbers.__getitem__), *others]
