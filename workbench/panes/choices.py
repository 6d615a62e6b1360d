"""A list to choose from."""

from __future__ import annotations

from textual.widgets import OptionList

from workbench.panes.lines import Reversible


class Choices(Reversible, OptionList):
    """Its cursor is seen without colours, too."""
