"""Presets: parameters taken from a file, or saved to one."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Final, NamedTuple

from textual import events, getters, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from workbench.panes.choices import Choices
from workbench.panes.key_line import KeyLine
from workbench.parameters import presets
from workbench.parameters.chosen import named_preset, own_preset
from workbench.parameters.kinds import Values
from workbench.parameters.presets import PresetError
from workbench.parameters.table import BY_KEY
from workbench.screens.dialog import Dialog
from workbench.untrusted import without_controls

_DEFAULTS: Final = "defaults"
_OWN: Final = "own"
_NAMED: Final = "named:"


class Taken(NamedTuple):
    """The values of a preset, and what is said of it; nothing of the defaults."""

    values: Values
    preset: str


class PresetScreen(Dialog[Taken | None]):
    """Gives back the preset taken; None if things stay as they are."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Close", id="presets.close", tooltip="Leave all as it is"),
        Binding(
            "ctrl+s",
            "save_own",
            "Save as the model's",
            id="presets.save_own",
            tooltip="Let the present values act whenever this model is loaded",
        ),
        Binding("delete", "delete", "Delete", id="presets.delete", tooltip="Delete the preset"),
    ]

    rows = getters.query_one(OptionList)
    field = getters.query_one(Input)
    detail = getters.query_one("#preset-detail", Static)

    def __init__(self, folder: Path, model: str, values: Values) -> None:
        """``model`` is the stem of the loaded model's file, ``values`` what is set now."""
        super().__init__()
        self._folder = folder
        self._model = model
        self._values = values
        # The preset that the next press of the key deletes, or writes over.
        self._doomed: str | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="pane") as pane:
            pane.border_title = "Presets"
            yield Choices(markup=False, compact=True)
            yield Static(id="preset-detail", markup=False)
            yield Input(
                placeholder="A name, to save the present values",
                compact=True,
                select_on_focus=False,
            )
            yield KeyLine()

    def on_mount(self) -> None:
        self._list()
        self.rows.focus()

    def on_key(self, event: events.Key) -> None:
        """Whoever begins to write wants to save."""
        if self.focused is self.rows and event.is_printable and event.character:
            event.stop()
            self.field.focus()
            self.field.insert_text_at_cursor(event.character)

    def _list(self) -> None:
        self.rows.clear_options()
        self.rows.add_option(Option("all defaults", id=_DEFAULTS))
        if (self._folder / "models" / f"{self._model}.toml").is_file():
            self.rows.add_option(Option(f"{without_controls(self._model)}'s own", id=_OWN))
        for name in presets.names(self._folder):
            self.rows.add_option(Option(without_controls(name), id=_NAMED + name))
        self.rows.highlighted = 0

    def _load(self, option_id: str | None) -> Taken:
        if option_id is None or option_id == _DEFAULTS:
            return Taken({}, "")
        if option_id == _OWN:
            values = presets.of_model(self._folder, self._model)
            return Taken(values, own_preset(self._model))
        name = option_id.removeprefix(_NAMED)
        return Taken(presets.load(self._folder, name), named_preset(name))

    @on(OptionList.OptionHighlighted)
    def _describe(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self._doomed = None
        try:
            values = self._load(event.option_id).values
        except PresetError as error:
            self.detail.update(Content.styled(without_controls(str(error)), "$error"))
            return
        shown = [f"{key} {BY_KEY[key].text(value)}" for key, value in values.items()]
        self.detail.update(without_controls(", ".join(shown)) or "Every parameter at its default.")

    @on(OptionList.OptionSelected)
    def _take(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        try:
            self.dismiss(self._load(event.option_id))
        except PresetError as error:
            self._complain(error)

    @on(Input.Submitted)
    def _save(self, event: Input.Submitted) -> None:
        event.stop()
        name = event.value.strip()
        if name in presets.names(self._folder) and self._doomed != _NAMED + name:
            self._doomed = _NAMED + name
            warning = "There is one of that name: Enter once more writes over it."
            self.detail.update(Content.styled(warning, "$warning"))
            return
        try:
            presets.save(self._folder, name, self._values)
        except PresetError as error:
            self._complain(error)
            return
        self._doomed = None
        self.field.clear()
        self._list()
        self.rows.highlighted = self.rows.get_option_index(_NAMED + name)
        self.rows.focus()
        self.notify(f"Saved as {without_controls(name)}.", timeout=3, markup=False)

    def action_save_own(self) -> None:
        """Make the present values the loaded model's own preset."""
        try:
            presets.save_of_model(self._folder, self._model, self._values)
        except PresetError as error:
            self._complain(error)
            return
        self._list()
        self.notify(
            f"These values now act whenever {without_controls(self._model)} is loaded."
            if self._values
            else f"{without_controls(self._model)} has no preset of its own any more.",
            markup=False,
        )

    def action_delete(self) -> None:
        """Delete the preset under the cursor."""
        option = self.rows.highlighted_option
        if option is None or option.id in (None, _DEFAULTS):
            return
        if self._doomed != option.id:
            self._doomed = option.id
            self.detail.update(Content.styled("The same key once more deletes it.", "$warning"))
            return
        try:
            if option.id == _OWN:
                presets.save_of_model(self._folder, self._model, {})
            else:
                presets.delete(self._folder, str(option.id).removeprefix(_NAMED))
        except PresetError as error:
            self._complain(error)
        self._list()

    def _complain(self, error: PresetError) -> None:
        self.notify(without_controls(str(error)), severity="error", markup=False)
