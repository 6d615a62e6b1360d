"""A list to choose from."""

from __future__ import annotations

from textual.style import Style
from textual.widgets import OptionList

from workbench.panes.field import ByField
from workbench.panes.lines import component_style


class Choices(OptionList):
    """Its cursor is seen without colours, too."""

    def get_visual_style(self, *component_classes: str, partial: bool = False) -> Style:
        """The style of a row."""
        style = super().get_visual_style(*component_classes, partial=partial)
        if any(component_style(self, name).reverse for name in component_classes):
            style += Style(reverse=True)
        return style


class ChoicesByField(Choices, ByField):
    """Stands beside a field, in which is typed what to list."""
