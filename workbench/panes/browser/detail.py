"""What is said of the model under the cursor, in lines of the pane's width."""

from __future__ import annotations

from time import time
from typing import Final

from textual.content import Content

from workbench.models import naming
from workbench.models.facts import Facts
from workbench.models.model_file import ModelFile
from workbench.panes.figures import ago, byte_size
from workbench.untrusted import without_controls

_MUTED: Final = "$foreground-muted"
# Beyond this many columns the eye loses the way from a name to its value.
_WIDEST: Final = 44


def of_model(
    model: ModelFile, facts: Facts | None, *, used: float, checked: str, width: int
) -> list[Content]:
    """The model's name, what is known of it, and where it is.

    Without ``facts`` its file has not been looked at yet. ``used`` is in Unix time, 0 for
    never; ``checked`` is what became of holding it against its checksum.
    """
    lines = Content(without_controls(model.name)).stylize("bold").wrap(width)[:2]
    # Whose it is must be seen as a whole.
    if model.repo:
        lines += Content.styled(without_controls(model.repo), _MUTED).wrap(width)[:2]
    problem = model.incomplete or (facts.problem if facts else "")
    if problem:
        lines += Content.styled(without_controls(problem), "$error").wrap(width)[:2]
    rows = [
        ("size", byte_size(model.size)),
        ("type", (facts and facts.quantisation) or model.quantisation),
        ("parameters", naming.parameter_count(facts.n_params) if facts else "…"),
        ("architecture", facts.architecture if facts else "…"),
        ("context", (f"{facts.n_ctx:,}" if facts.n_ctx else "") if facts else "…"),
        ("used", ago(time() - used) if used else ""),
        ("checksum", checked),
        ("also in", ", ".join(model.also)),
        ("in", "" if model.repo else model.place),
    ]
    return lines + [fact(name, value, min(width, _WIDEST)) for name, value in rows if value]


def fact(name: str, value: str, width: int) -> Content:
    """A name at the left, its value at the right; of a long one the end."""
    room = max(1, width - len(name) - 2)
    shown = Content(without_controls(value).replace("\n", " "))
    while shown.cell_length > room and len(shown) > 1:
        shown = Content("…" + shown.plain[2:])
    gap = " " * (width - len(name) - shown.cell_length)
    return Content.assemble((name, _MUTED), gap, shown)
