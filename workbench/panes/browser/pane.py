"""The model browser pane."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import ClassVar, Final

from textual import events, getters, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from workbench.models.model_file import ModelFile
from workbench.panes.choices import Choices
from workbench.panes.figures import byte_size
from workbench.untrusted import without_controls

_KEPT_END: Final = 7
_HINT: Final = (
    "Enter loads. GGUF files in the Hugging Face cache and in the model_folders of config.toml "
    "are listed here."
)


class ModelList(Choices):
    """The models, by source."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "j,down", "cursor_down", "Down", show=False, id="browser.down", tooltip="Next model"
        ),
        Binding("k,up", "cursor_up", "Up", show=False, id="browser.up", tooltip="Previous model"),
        Binding("enter", "select", "Load", show=False, id="browser.load", tooltip="Load the model"),
    ]


class BrowserPane(Vertical):
    """Lists models; Enter asks for one to be loaded."""

    models = getters.query_one(ModelList)

    class Chosen(Message):
        """The person wants ``model`` loaded."""

        def __init__(self, model: ModelFile) -> None:
            super().__init__()
            self.model = model

    def __init__(self) -> None:
        super().__init__(id="browser", classes="pane")
        self.border_title = "Models"
        self._models: list[ModelFile] = []
        self._loaded: Path | None = None

    def compose(self) -> ComposeResult:
        yield ModelList(markup=False, compact=True)
        yield Static(_HINT, id="browser-detail", markup=False)

    @property
    def names(self) -> list[str]:
        """The listed models' names, from the top."""
        return [model.name for model in self._models]

    def show(self, models: Sequence[ModelFile]) -> None:
        """List ``models``, which come grouped by source."""
        self._models = list(models)
        self._draw()

    def mark_loaded(self, path: Path | None) -> None:
        """Mark the model that is in use."""
        self._loaded = path
        self._draw()

    def _draw(self) -> None:
        highlighted = self.models.highlighted_option
        chosen = highlighted.id if highlighted else None
        self.models.clear_options()
        for source, group in groupby(self._models, key=lambda model: model.source):
            heading = Content.styled(without_controls(source), "$foreground-muted")
            self.models.add_option(Option(heading, disabled=True))
            for model in group:
                self.models.add_option(Option(self._row(model), id=str(model.path)))
        ids = [option.id for option in self.models.options if option.id is not None]
        if ids:
            wanted = chosen if chosen in ids else ids[0]
            self.models.highlighted = self.models.get_option_index(wanted)

    def _model(self, option_id: str | None) -> ModelFile | None:
        return next((model for model in self._models if str(model.path) == option_id), None)

    def _row(self, model: ModelFile) -> Content:
        """Mark and name at the left, size at the right."""
        size = byte_size(model.size)
        mark = "●" if model.path == self._loaded else " "
        # The pane's own width, less the column of the list's scroll bar.
        room = max(8, self.content_region.width - 1 - len(size) - 4)
        name = _shortened(without_controls(model.name), room)
        gap = " " * (room - name.cell_length + 1)
        return Content.assemble(
            (mark, "$success"), " ", name, gap, (size, "$foreground-muted"), " "
        )

    def on_resize(self, _event: events.Resize) -> None:
        self._draw()

    @on(OptionList.OptionHighlighted)
    def _describe(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        detail = self.query_one("#browser-detail", Static)
        model = self._model(event.option_id)
        if model is None:
            detail.update(_HINT)
            return
        facts = filter(None, (model.quantisation, byte_size(model.size), model.incomplete))
        text = f"{model.name}\n{', '.join(facts)}\n{model.place}"
        detail.update(without_controls(text))

    @on(OptionList.OptionSelected)
    def _choose(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        model = self._model(event.option_id)
        if model is not None:
            self.post_message(self.Chosen(model))


def _shortened(name: str, room: int) -> Content:
    """``name`` in at most ``room`` columns: the end, which tells quantisations apart, stays."""
    if Content(name).cell_length <= room:
        return Content(name)
    end = Content("…" + name[-_KEPT_END:])
    return Content(name).truncate(max(1, room - end.cell_length)) + end
