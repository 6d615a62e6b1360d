"""The model browser pane: every model on this machine."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

from textual import events, getters, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from workbench.models.facts import Facts
from workbench.models.marks import Marks
from workbench.models.model_file import ModelFile
from workbench.panes.browser import detail, listing
from workbench.panes.browser.keys import Wish
from workbench.panes.browser.listing import Shelf
from workbench.panes.browser.models import ModelFilter, ModelList
from workbench.panes.browser.rows import shortened
from workbench.panes.field import KeyCame, type_ahead
from workbench.panes.figures import byte_size
from workbench.panes.lines import Lines
from workbench.parameters.kinds import Values

_HINT: Final = "GGUF files in the model_folders of config.toml and in other programs' caches."
_NONE_FOUND: Final = "Nothing matches. Esc lists all."
# The detail has this many rows at most, and leaves the list as many at least.
_DETAIL: Final = 12
_LIST: Final = 5


class BrowserPane(Vertical):
    """Lists models; Enter asks for one to be loaded."""

    models = getters.query_one(ModelList)
    filter = getters.query_one(ModelFilter)
    detail = getters.query_one("#browser-detail", Lines)
    status = getters.query_one("#browser-status", Lines)

    class Chosen(Message):
        """The person wants ``model`` loaded, and ``values`` set that were chosen for it."""

        def __init__(self, model: ModelFile, values: Values | None = None) -> None:
            super().__init__()
            self.model = model
            self.values = values or {}

    class Wished(Message):
        """The person wants something else done with ``model``."""

        def __init__(self, wish: Wish, model: ModelFile) -> None:
            super().__init__()
            self.wish = wish
            self.model = model

    class UndoWanted(Message):
        """The person wants the last removal taken back."""

    class FindWanted(Message):
        """The person wants to look for models on the Hub."""

    class Widened(Message):
        """The lines of ``say`` have other columns than before."""

    def __init__(self) -> None:
        super().__init__(id="browser", classes="pane")
        self.border_title = "Models"
        self._models: list[ModelFile] = []
        self._marks = Marks()
        self._facts: dict[Path, Facts] = {}
        self._checked: dict[Path, str] = {}
        self._used = 0
        self._loaded: Path | None = None
        # What has been removed, but for the bytes.
        self._gone: set[Path] = set()
        # From the wish to look for something until it is found, wherever the focus is.
        self._looking = False
        self._status: list[Content] = []
        self._shelves: list[Shelf] = []
        self._drawn_width = 0

    def compose(self) -> ComposeResult:
        with Horizontal(id="model-filter"):
            yield Static("/ ", markup=False)
            yield ModelFilter()
            yield Static(id="model-count", markup=False)
        yield ModelList()
        yield Lines(id="browser-detail")
        yield Lines(id="browser-status")

    def on_mount(self) -> None:
        self.status.display = False
        self.filter.placeholder = "filter"

    # ---- what the screen gives ---------------------------------------------------------------

    @property
    def names(self) -> list[str]:
        """The listed models' names, from the top."""
        return [model.name for shelf in self._shelves for model in shelf.models]

    @property
    def listed(self) -> list[ModelFile]:
        """All models, those included that a filter leaves out."""
        return list(self._models)

    @property
    def detail_text(self) -> str:
        """What is said of the model under the cursor."""
        return "\n".join(line.plain for line in self._detail_lines())

    @property
    def status_text(self) -> str:
        """What is going on with models."""
        return "\n".join(line.plain for line in self._status)

    def show(
        self,
        models: Sequence[ModelFile],
        marks: Marks | None = None,
        facts: Mapping[Path, Facts] | None = None,
        used: int = 0,
        hidden: Collection[Path] = (),
    ) -> None:
        """List ``models`` but ``hidden``; ``used`` bytes of the disk they take together."""
        self._models = list(models)
        self._gone = set(hidden)
        self._marks = marks or self._marks
        self._facts.update(facts or {})
        self._used = used
        self._draw()

    def show_marks(self, marks: Marks) -> None:
        """Other models are favourites."""
        self._marks = marks
        self._draw()

    def learn(self, facts: Mapping[Path, Facts]) -> None:
        """More is known of some models."""
        self._facts.update(facts)
        shown = {str(path) for path in facts}
        for model in self._models:
            # Of the row only a problem is seen.
            listed = str(model.path) in shown and facts[model.path].problem
            if listed and str(model.path) in self._ids():
                self.models.replace_option_prompt(str(model.path), self._row(model))
        if self.model is not None and str(self.model.path) in shown:
            self._describe()

    def mark_loaded(self, path: Path | None) -> None:
        """Mark the model that is in use, if one is."""
        if path != self._loaded:
            self._loaded = path
            self._draw()

    def show_checked(self, path: Path, outcome: str) -> None:
        """Say what became of holding a model against its checksum."""
        self._checked[path] = outcome
        self._describe()

    def hide(self, path: Path, *, hidden: bool = True) -> None:
        """Leave a model out that is to be removed, or list it again."""
        self._gone = self._gone | {path} if hidden else self._gone - {path}
        self._draw()

    def go_to(self, path: Path) -> None:
        """Put the cursor on a model, if it is listed."""
        if str(path) in self._ids():
            self.models.highlighted = self.models.get_option_index(str(path))

    def say(self, lines: Sequence[Content]) -> None:
        """Say below what is going on with models; nothing if nothing is."""
        if len(lines) != len(self._status):
            self.status.styles.height = len(lines) + self.status.gutter.height
            self.status.display = bool(lines)
        self._status = list(lines)
        self.status.show(self._status)

    @property
    def width(self) -> int:
        """The columns that a line of ``say`` has."""
        return max(8, self.content_region.width)

    # ---- the list ----------------------------------------------------------------------------

    @property
    def model(self) -> ModelFile | None:
        """The model under the cursor."""
        option = self.models.highlighted_option
        return self._model(option.id) if option else None

    def _model(self, option_id: str | None) -> ModelFile | None:
        return next((model for model in self._models if str(model.path) == option_id), None)

    def _ids(self) -> list[str]:
        return [option.id for option in self.models.options if option.id is not None]

    def _draw(self) -> None:
        highlighted = self.models.highlighted_option
        chosen = highlighted.id if highlighted else None
        row = self.models.highlighted or 0
        there = [model for model in self._models if model.path not in self._gone]
        self._drawn_width = self.width
        self._shelves = listing.shelves(there, self._marks, self._facts, self.filter.value)
        options: list[Option] = []
        for shelf in self._shelves:
            heading = shortened(shelf.heading, self.width - 2).stylize("$foreground-muted")
            options.append(Option(heading, disabled=True))
            options += [Option(self._row(each), id=str(each.path)) for each in shelf.models]
        if not options:
            options.append(Option(Content.styled(_NONE_FOUND, "$foreground-muted"), disabled=True))
        self.models.clear_options()
        self.models.add_options(options)
        self.models.filtered = bool(self.filter.value)
        ids = self._ids()
        if chosen in ids:
            self.models.highlighted = self.models.get_option_index(str(chosen))
        elif ids:
            # What has gone leaves the cursor where it was.
            near = [at for at, each in enumerate(options) if each.id is not None]
            self.models.highlighted = min(near, key=lambda at: abs(at - row))
        self._summarise()
        self._describe()

    def _row(self, model: ModelFile) -> Content:
        # The pane's own width, less the column of the list's scroll bar.
        return _row_of(model.name, model.size, self._mark(model), self.content_region.width - 1)

    def _mark(self, model: ModelFile) -> tuple[str, str]:
        known = self._facts.get(model.path)
        if model.path == self._loaded:
            return "●", "$success"
        if model.incomplete or (known and known.problem):
            return "✕", "$error"
        return ("★", "$accent") if self._marks.is_favourite(model) else (" ", "")

    def _summarise(self) -> None:
        listed, known = listing.count(self._shelves), len(self._models) - len(self._gone)
        count = f"{listed} of {known}" if self.filter.value else ""
        self.query_one("#model-count", Static).update(count, layout=False)
        summary = f"{known} models, {byte_size(self._used)}" if self._used and known > 1 else ""
        # To set a border's text lays the whole screen out again, even if it is the same.
        if str(self.border_subtitle or "") != summary:
            self.border_subtitle = summary

    def on_resize(self, _event: events.Resize) -> None:
        """Rows are as wide as there is room, and the detail as high."""
        if self.width != self._drawn_width:
            self._draw()
            self.post_message(self.Widened())
        else:
            self._describe()

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self._describe()

    @on(OptionList.OptionSelected)
    def _choose(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        model = self._model(event.option_id)
        if model is not None:
            self.post_message(self.Chosen(model))

    @on(ModelList.Wished)
    def _wish(self, event: ModelList.Wished) -> None:
        event.stop()
        model = self._model(event.option_id)
        if model is None:
            return
        if event.wish == "copy":
            self.app.copy_to_clipboard(str(model.path))
        else:
            self.post_message(self.Wished(event.wish, model))

    @on(ModelList.UndoWanted)
    def _undo(self, event: ModelList.UndoWanted) -> None:
        event.stop()
        self.post_message(self.UndoWanted())

    @on(ModelList.FindWanted)
    def _find(self, event: ModelList.FindWanted) -> None:
        event.stop()
        self.post_message(self.FindWanted())

    # ---- the detail --------------------------------------------------------------------------

    def _detail_lines(self) -> list[Content]:
        model = self.model
        if model is None:
            return Content.styled(_HINT, "$foreground-muted").wrap(self.width)
        return detail.of_model(
            model,
            self._facts.get(model.path),
            used=self._marks.last_used(model),
            checked=self._checked.get(model.path, ""),
            width=self.width,
        )

    def _describe(self) -> None:
        # As high for every model: rows must not jump.
        room = self.content_region.height - self.status.outer_size.height - _LIST
        height = max(0, min(_DETAIL, room))
        self.detail.display = height > 1
        self.detail.styles.height = height
        self.detail.show(self._detail_lines()[: max(0, height - self.detail.gutter.height)])

    # ---- the filter --------------------------------------------------------------------------

    @on(ModelList.FilterWanted)
    def _open_filter(self, event: ModelList.FilterWanted) -> None:
        event.stop()
        self._looking = True
        self.filter.focus()
        self.filter.action_select_all()

    @on(KeyCame)
    async def _key_came(self, event: KeyCame) -> None:
        event.stop()
        if not self._looking:
            # The keys behind Enter were meant for the list.
            self.models.post_message(events.Key(event.key, event.character or None))
        elif event.key == "enter":
            self._accept_filter()
        else:
            type_ahead(self.filter, event)

    @on(Input.Changed, "ModelFilter")
    def _look_for(self, event: Input.Changed) -> None:
        event.stop()
        self._draw()

    @on(Input.Submitted, "ModelFilter")
    def _found(self, event: Input.Submitted) -> None:
        event.stop()
        self._accept_filter()

    def _accept_filter(self) -> None:
        # What was typed in one piece with Enter has not been looked for yet.
        self._draw()
        self._looking = False
        self.models.focus()

    @on(ModelList.AllWanted)
    @on(ModelFilter.GivenUp)
    def _give_up(self, event: Message) -> None:
        event.stop()
        self.filter.clear()
        self._accept_filter()


# A filter that is being typed draws the same rows again and again.
@lru_cache(4096)
def _row_of(name: str, n_bytes: int, mark: tuple[str, str], width: int) -> Content:
    """Mark and name at the left, size at the right."""
    size = byte_size(n_bytes)
    room = max(8, width - len(size) - 4)
    shown = shortened(name, room)
    gap = " " * (room - shown.cell_length + 1)
    return Content.assemble(mark, " ", shown, gap, (size, "$foreground-muted"), " ")
