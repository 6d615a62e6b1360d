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

# Wide enough for every name but one beside its value; what is more is the help's.
_VALUE_ENDS: Final = 42
_LEAST_HELP: Final = 20
_LEAST_VALUE: Final = 8


def heading(listing: Listing, row: Heading, width: int) -> Content:
    """The group's name at the left, how much is in it at the right."""
    width = min(width, _VALUE_ENDS)
    changed = listing.changed(row.group)
    count = Content.styled(str(len(GROUPS[row.group])), "$foreground-muted")
    if changed:
        count += Content.styled(f" · {changed} changed", "$accent")
    sign = "▸" if listing.folded(row.group) else "▾"
    name = Content.styled(f"{sign} {row.group}", "$foreground-muted" if not changed else "")
    return _spread(name, count, width - 2)


def parameter(chosen: Chosen, row: Parameter, width: int) -> Content:
    """Where the value comes from, the name, the value, and when a change acts."""
    room = min(width, _VALUE_ENDS)
    sign, colour = SOURCES[chosen.source(row)]
    at_default = chosen.source(row) == "default"
    value = chosen.value(row)
    text = without_controls(row.text(value))
    unit = unit_of(row, value)
    # The sign and a space before the name, a space and the other sign behind the value.
    inner = room - 4
    if unit and len(row.key) + 1 + len(text) + len(unit) > inner:
        unit = ""
    # Whole lists and grammars are for the detail below; a name must stay legible.
    shown = Content(text).truncate(max(_LEAST_VALUE, inner - len(row.key) - 1), ellipsis=True)
    line = Content.assemble(
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
    beside = width - room - 2
    if beside < _LEAST_HELP:
        return line
    about = Content(row.help).truncate(beside, ellipsis=True).stylize("$foreground-muted")
    return line + "  " + about


def unit_of(row: Parameter, value: Value) -> str:
    """What the figure counts, with a space before it; a word needs no unit."""
    if isinstance(row, Number) and row.unit and value not in row.named:
        return f" {row.unit}"
    return ""


def _spread(left: Content, right: Content, width: int) -> Content:
    """One at the left, the other at the right, which stays whole."""
    room = max(1, width - right.cell_length - 1)
    return left.truncate(room, ellipsis=True, pad=True) + " " + right
