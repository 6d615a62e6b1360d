"""A screen that renders as the workbench's does: only what a change lets be seen."""

from __future__ import annotations

from textual.screen import Screen

from workbench.steady.compositor import SparingCompositor


class SparingScreen(Screen[None]):
    """To be an app's default screen."""

    def __init__(self) -> None:
        super().__init__()
        self._compositor = SparingCompositor()
