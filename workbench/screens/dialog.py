"""A screen over the workbench that asks for something."""

from __future__ import annotations

from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen, ScreenResultType


class Dialog(ModalScreen[ScreenResultType]):
    """Ends once, however many keys for that are on their way.

    Textual takes whatever screen is foremost then: over a slow line that is the workbench.
    """

    def dismiss(self, result: ScreenResultType | None = None) -> AwaitComplete:
        """Give the result, and go."""
        return super().dismiss(result) if self.is_current else AwaitComplete()
