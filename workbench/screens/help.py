"""Help: the keys that work where the person was, and those of the screen at any time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static


class HelpScreen(ModalScreen[None]):
    """Lists bindings, each with its tooltip."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,q", "dismiss", "Close", id="help.close", tooltip="Close the help"),
    ]

    def __init__(self, bindings: Iterable[Binding]) -> None:
        """``bindings`` may name one more than once."""
        super().__init__()
        self._keys = list(bindings)
        self.text = ""

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="pane") as pane:
            pane.border_title = "Keys"
            pane.border_subtitle = "Esc closes"
            table = self._table()
            self.text = table.plain
            yield Static(table, markup=False)

    def _table(self) -> Content:
        keys: dict[str, list[str]] = {}
        for binding in self._keys:
            # Ours carry an id; the widgets' own editing keys are everybody's.
            if binding.id:
                shown = keys.setdefault(binding.tooltip or binding.description, [])
                key = self.app.get_key_display(binding)
                if key not in shown:
                    shown.append(key)
        width = max(len(", ".join(shown)) for shown in keys.values()) + 2
        return Content("\n").join(
            Content.assemble((", ".join(shown).ljust(width), "bold $primary"), text)
            for text, shown in keys.items()
        )
