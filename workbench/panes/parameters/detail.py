"""What is said below the rows about the one under the cursor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from textual.content import Content

from workbench.panes.parameters.listing import GROUPS, Heading, Listing
from workbench.panes.parameters.row import ACTS, SOURCES, unit_of
from workbench.parameters.chosen import Chosen
from workbench.parameters.kinds import Choice, Group, Parameter, Switch, Value
from workbench.untrusted import without_controls

_ACTS: Final = {
    "live": "acts at the next token",
    "answer": "acts with the next answer",
    "load": "loads the model again",
}
_GROUPS: Final[Mapping[Group, str]] = {
    "sampling": "How a token is drawn: the stages of the sampler chain.",
    "penalties": "What makes repetitions less likely.",
    "mirostat": "Holds the surprise of the text at a target.",
    "adaptive_p": "Prefers tokens near a probability.",
    "constraints": "What the answer must keep to.",
    "answer": "How long an answer gets, and where it ends.",
    "template": "How the prompt is put together.",
    "loading": "How the model gets into memory, and how much of it.",
    "KV cache": "What the model remembers of the context, and how exactly.",
    "GPU": "What is computed where.",
    "RoPE": "How positions in the context are encoded.",
    "adapters": "Files that change what the model does.",
}
_LONGEST_VALUE: Final = 160
_LONGEST_DEFAULT: Final = 30


def of_heading(listing: Listing, row: Heading) -> list[Content]:
    """What the group is about."""
    n_changed = listing.changed(row.group)
    changed = f", {n_changed} not at the default" if n_changed else ""
    count = f"{len(GROUPS[row.group])} parameters{changed}"
    return [Content(_GROUPS[row.group]), Content.styled(count, "$foreground-muted")]


def of_parameter(
    chosen: Chosen, row: Parameter, *, complaint: str = "", typed: str | None = None
) -> list[Content]:
    """The help, what the parameter takes, where its value comes from, when a change acts.

    While a value is being typed, which is ``typed``, what it may be comes first, behind what
    is wrong with it.
    """
    lines = [
        Content(row.help),
        _takes(row, typed),
        _origin(chosen, row),
        Content.styled(f"{ACTS[row.acts]} {_ACTS[row.acts]}".strip(), "$foreground-muted"),
    ]
    if complaint:
        lines[0] = Content.styled(f"✕ {without_controls(complaint)}", "$error")
    elif typed is not None:
        lines[:2] = reversed(lines[:2])
    return lines


def choices(row: Parameter) -> tuple[str, ...]:
    """All that a parameter takes, if that is a few words."""
    if isinstance(row, Choice):
        return row.choices
    return ("off", "on") if isinstance(row, Switch) else ()


def _takes(row: Parameter, typed: str | None) -> Content:
    """What a parameter accepts; of a few words, which of them is being typed."""
    words = choices(row)
    if not words or typed is None:
        return Content.styled(row.takes, "$foreground-muted")
    meant = typed.strip().lower()
    parts = []
    for word in words:
        style = "$foreground-muted"
        if word == meant:
            style = "bold underline $accent"
        elif meant and word.startswith(meant):
            style = "$accent"
        parts.append(Content.styled(word, style))
    return Content("  ").join(parts)


def _origin(chosen: Chosen, row: Parameter) -> Content:
    source = chosen.source(row)
    sign, colour = SOURCES[source]
    default = _value(row, row.default, _LONGEST_DEFAULT)
    if source == "default":
        return Content.styled(f"at the default, {default}", "$foreground-muted")
    said = {
        "model": "by the model's file",
        "preset": f"by {without_controls(chosen.preset(row))}",
        "own": "your own",
    }[source]
    others = f"; default {default}"
    if source != "model" and row.key in chosen.defaults:
        of_file = _value(row, chosen.default(row), _LONGEST_DEFAULT)
        others = f"; {of_file} by the model's file, default {default}"
    value = _value(row, chosen.value(row), _LONGEST_VALUE)
    return Content.assemble((f"{sign} {value}", colour), f" {said}", (others, "$foreground-muted"))


def _value(row: Parameter, value: Value, room: int) -> str:
    text = without_controls(row.text(value))
    return (text if len(text) <= room else text[: room - 1] + "…") + unit_of(row, value)
