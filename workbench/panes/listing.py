"""A list whose cursor is seen without colours, too."""

from __future__ import annotations

from textual.style import Style
from textual.widgets import OptionList


class Listing(OptionList):
    """Draws a cursor that is ``reverse``: Textual forgets that word on its way to the rows."""

    def get_visual_style(self, *component_classes: str, partial: bool = False) -> Style:
        """The style of a row."""
        style = super().get_visual_style(*component_classes, partial=partial)
        names = component_classes
        if any(self.get_component_styles(name).text_style.reverse for name in names):
            style += Style(reverse=True)
        return style
