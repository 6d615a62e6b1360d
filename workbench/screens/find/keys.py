"""The keys of the find screen, wherever the focus is."""

from __future__ import annotations

from typing import Final

from textual.binding import Binding, BindingType

from workbench.screens.jump import JUMP

_PANES: Final = [
    Binding(
        keys,
        f"leave_for('{side}')",
        name,
        show=False,
        id=f"pane.{side}",
        tooltip=f"{name}: leave for them",
        priority=True,
    )
    for keys, side, name in (
        ("f2,ctrl+o", "browser", "Models"),
        ("f3,ctrl+t", "parameters", "Parameters"),
        ("f4,ctrl+g", "stats", "Stats"),
    )
]

KEYS: Final[list[BindingType]] = [
    Binding("escape", "back", "Back", id="find.back", tooltip="Back, and out at last"),
    Binding("slash", "type", "Search", id="find.type", tooltip="Type what to look for"),
    Binding("o", "order", "Order", id="find.order", tooltip="Another order of what is found"),
    Binding("b", "sizes", "Size", id="find.sizes", tooltip="Only models of the next size"),
    Binding(
        "t", "gated", "Gated", show=False, id="find.gated",
        tooltip="Leave out what is gated, or have only that, or both",
    ),
    Binding("r", "again", "Again", show=False, id="find.again", tooltip="Ask the Hub again"),
    Binding(
        "d", "downloads", "Downloads", id="find.downloads", tooltip="Go to the downloads"
    ),
    JUMP,
    *_PANES,
]  # fmt: skip
