"""A list to choose from."""

from __future__ import annotations

from textual import events
from textual.style import Style
from textual.widgets import OptionList

from workbench.panes.editor import runs_own_binding
from workbench.panes.field import KeyCame
from workbench.panes.lines import component_style


class Choices(OptionList):
    """Its cursor is seen without colours, too."""

    def get_visual_style(self, *component_classes: str, partial: bool = False) -> Style:
        """The style of a row."""
        style = super().get_visual_style(*component_classes, partial=partial)
        if any(component_style(self, name).reverse for name in component_classes):
            style += Style(reverse=True)
        return style


class ChoicesByField(Choices):
    """Stands beside a field, in which is typed what to list."""

    # The field was asked for: what is typed from then on is meant for it.
    _handing_over = False

    def hand_over(self) -> None:
        """Keys are the field's from now on; it has not got the focus yet."""
        self._handing_over = True

    def on_focus(self) -> None:
        """Whatever was to be typed has been."""
        self._handing_over = False

    async def _on_key(self, event: events.Key) -> None:
        if self._handing_over and event.key != "escape":
            self.post_message(KeyCame(event.key, event.character or ""))
            event.stop()
            event.prevent_default()
        else:
            # Here and now: keys that come in one piece must act in their order.
            await runs_own_binding(self, event)
