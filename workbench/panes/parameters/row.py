"""How a row of the parameter pane looks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from textual.content import Content

from workbench.panes.parameters.listing import GROUPS, Heading, Listing
from workbench.parameters.chosen import Chosen, Source
from workbench.parameters.kinds import Number, Parameter, Value
from workbench.untrusted import without_controls

# By their shape as well as by their colour.
SOURCES: Final[Mapping[Source, tuple[str, str]]] = {
    "default": (" ", "$foreground"),
    "model": ("◇", "$primary"),
    "preset": ("◆", "$secondary"),
    "own": ("•", "$accent"),
}
ACTS: Final = {"live": "~", "answer": " ", "load": "↻"}

# However wide the pane: the eye must find from a name to its value.
_VALUE_ENDS: Final = 42
_LEAST_VALUE: Final = 8


def heading(listing: Listing, row: Heading, width: int) -> Content:
    """The group's name at the left, how much is in it at the right."""
    # Above the values, not above the sign behind them.
    room = min(width, _VALUE_ENDS) - 2
    n_changed = listing.changed(row.group)
    name = f"{'▸' if listing.folded(row.group) else '▾'} {row.group}"
    count = str(len(GROUPS[row.group]))
    changed = f" · {n_changed} set" if n_changed else ""
    if len(name) + 1 + len(count) + len(changed) > room:
        changed = changed.removesuffix(" set")
    return _spread(
        Content.styled(name, "$foreground" if changed else "$foreground-muted"),
        Content.assemble((count, "$foreground-muted"), (changed, "$accent")),
        room,
    )


def parameter(chosen: Chosen, row: Parameter, width: int) -> Content:
    """Where the value comes from, the name, the value, and when a change acts."""
    room = min(width, _VALUE_ENDS)
    sign, colour = SOURCES[chosen.source(row)]
    at_default = chosen.source(row) == "default"
    value = chosen.value(row)
    # A grammar may be as long as a book.
    text = without_controls(row.text(value)[:_VALUE_ENDS])
    unit = unit_of(row, value)
    # The sign and a space before the name, a space and the other sign behind the value.
    inner = room - 4
    if unit and len(row.key) + 1 + len(text) + len(unit) > inner:
        unit = ""
    # Whole lists and grammars are for the detail below; a name must stay legible.
    shown = Content(text).truncate(max(_LEAST_VALUE, inner - len(row.key) - 1), ellipsis=True)
    return Content.assemble(
        (f"{sign} ", colour),
        _spread(
            Content(row.key),
            Content.assemble(
                shown.stylize("$foreground" if at_default else f"bold {colour}"),
                (unit, "$foreground-muted"),
            ),
            inner,
        ),
        (f" {ACTS[row.acts]}", "$foreground-muted"),
    )


def unit_of(row: Parameter, value: Value) -> str:
    """What the figure counts, with a space before it; a word needs no unit."""
    if isinstance(row, Number) and row.unit and value not in row.named:
        return f" {row.unit}"
    return ""


def _spread(left: Content, right: Content, width: int) -> Content:
    """One at the left, the other at the right, which stays whole."""
    room = max(1, width - right.cell_length - 1)
    return left.truncate(room, ellipsis=True, pad=True) + " " + right
