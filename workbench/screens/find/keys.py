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


def _judging(keys: str, action: str, description: str, name: str, tooltip: str) -> Binding:
    return Binding(
        keys, f"screen.{action}", description, show=False, id=f"fit.{name}", tooltip=tooltip
    )


JUDGING: Final = [
    _judging(
        "right_square_bracket", "longer(1)", "n_ctx", "longer", "Judge fits by a longer n_ctx"
    ),
    _judging(
        "left_square_bracket", "longer(-1)", "n_ctx", "shorter", "Judge fits by a shorter n_ctx"
    ),
    _judging(
        "c", "next_cache", "Cache", "cache", "Judge fits by other types of the KV cache"
    ),
    _judging(
        "right_curly_bracket", "more_layers(1)", "Layers", "more_layers",
        "Judge fits by more layers on the GPU, where there is one",
    ),
    _judging(
        "left_curly_bracket", "more_layers(-1)", "Layers", "fewer_layers",
        "Judge fits by fewer layers on the GPU",
    ),
    _judging(
        "backspace", "own_terms", "As set", "as_set", "Judge fits by what the parameters say again"
    ),
]  # fmt: skip
"""What fits are reckoned with; the files show some of them, as it is about their verdicts."""

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
    *JUDGING,
    JUMP,
    *_PANES,
]  # fmt: skip
