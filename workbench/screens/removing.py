"""Removing models: what is asked first, and the time in which it can be taken back."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from workbench.models.model_file import ModelFile
from workbench.models.removal import Removal
from workbench.panes.figures import byte_size
from workbench.panes.key_line import KeyLine
from workbench.screens.dialog import Dialog
from workbench.untrusted import without_controls

# Of a model of many parts, or in many revisions.
_MOST_FILES = 6


class Removing(NamedTuple):
    """A removal that is agreed upon; it is carried out when the timer has run down."""

    model: ModelFile
    plan: Removal
    timer: Timer


class RemovalScreen(Dialog[bool]):
    """Says what would go, and gives back whether it may."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "agree", "Remove", id="removal.agree", tooltip="Remove the model"),
        Binding("escape", "dismiss", "Keep", id="removal.keep", tooltip="Keep the model"),
    ]

    def __init__(self, model: ModelFile, plan: Removal, seconds: float) -> None:
        """It could be taken back for ``seconds``."""
        super().__init__()
        self._words = words(model, plan, seconds)

    def compose(self) -> ComposeResult:
        with Vertical(classes="pane") as pane:
            pane.border_title = "Remove a model?"
            yield Static(self._words, markup=False)
            yield KeyLine()

    @property
    def text(self) -> str:
        """What is said."""
        return self._words.plain

    def action_agree(self) -> None:
        """It may go."""
        self.dismiss(True)


def words(model: ModelFile, plan: Removal, seconds: float) -> Content:
    """What becomes free, what goes with it, what stays."""
    lines = [
        Content.styled(without_controls(model.name), "bold"),
        Content.assemble(
            (byte_size(plan.freed), "bold $warning"),
            " become free." if plan.freed else ": nothing becomes free, others use the same bytes.",
        ),
        Content(),
        Content.styled(f"{len(plan.files)} {'names' if len(plan.files) > 1 else 'name'} would go:"),
    ]
    lines += [
        Content.styled(without_controls(str(file)), "$foreground-muted")
        for file in plan.files[:_MOST_FILES]
    ]
    if (more := len(plan.files) - _MOST_FILES) > 0:
        lines.append(Content.styled(f"and {more} more", "$foreground-muted"))
    if model.also:
        also = without_controls(", ".join(model.also))
        lines += [Content(), Content(f"The same model stays in {also}.")]
    lines += [Content(), Content(f"For {seconds:.0f} seconds u takes it back.")]
    return Content("\n").join(lines)
