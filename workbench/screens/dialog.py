"""A screen over the workbench that asks for something."""

from __future__ import annotations

from textual.screen import ModalScreen, ScreenResultType

from workbench.steady.screen import EndsOnce


class Dialog(EndsOnce[ScreenResultType], ModalScreen[ScreenResultType]):
    """Lies over the screen that it is about."""
