"""A screen over the workbench that asks for something."""

from __future__ import annotations

from textual.screen import ModalScreen, ScreenResultType

from workbench.steady.screen import EndsOnce


class Dialog(ModalScreen[ScreenResultType], EndsOnce[ScreenResultType]):
    """Lies over the screen that it is about."""

    # Textual takes its styles from the first of the classes above.
