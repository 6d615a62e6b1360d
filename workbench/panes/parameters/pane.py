"""The parameter pane."""

from __future__ import annotations

from itertools import groupby
from typing import Final

from textual import events, getters, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from workbench.panes.parameters.rows import ParameterList
from workbench.parameters.kinds import Parameter, ParameterError, Text, Value, Values
from workbench.parameters.table import BY_KEY, TABLE

_ACTS: Final = {
    "live": "",
    "answer": " Acts with the next answer.",
    "load": " Acts when the model is loaded again: with the next answer.",
}


class ParameterPane(Vertical):
    """Shows and edits the values; only those that differ from the default are kept."""

    rows = getters.query_one(ParameterList)
    editor = getters.query_one(Input)
    detail = getters.query_one("#parameter-detail", Static)

    class Changed(Message):
        """A value was set; ``values`` are all that now differ from their defaults."""

        def __init__(self, parameter: Parameter, values: Values) -> None:
            super().__init__()
            self.parameter = parameter
            self.values = values

    class TextWanted(Message):
        """A parameter of many lines is to be written; ``text`` is what it holds now."""

        def __init__(self, parameter: Parameter, text: str) -> None:
            super().__init__()
            self.parameter = parameter
            self.text = text

    def __init__(self, values: Values) -> None:
        super().__init__(id="parameters", classes="pane")
        self.border_title = "Parameters"
        self.values: dict[str, Value] = dict(values)
        # What the loaded model's file sets by itself.
        self._model_defaults: Values = {}
        self._finding = False
        self.explanation = ""

    def compose(self) -> ComposeResult:
        rows = ParameterList()
        for group, parameters in groupby(TABLE, key=lambda parameter: parameter.group):
            rows.add_option(Option(Content.styled(group, "$foreground-muted"), disabled=True))
            for parameter in parameters:
                rows.add_option(Option(parameter.key, id=parameter.key))
        yield rows
        yield Input(compact=True, select_on_focus=False)
        yield Static(id="parameter-detail", markup=False)

    def on_mount(self) -> None:
        self.editor.display = False
        self.rows.highlighted = self.rows.get_option_index(TABLE[0].key)

    def on_resize(self, _event: events.Resize) -> None:
        self._draw_all()

    @property
    def _current(self) -> Parameter:
        option = self.rows.highlighted_option
        return BY_KEY[option.id] if option is not None and option.id else TABLE[0]

    def _value(self, parameter: Parameter) -> Value:
        return self.values.get(parameter.key, self._default(parameter))

    def _default(self, parameter: Parameter) -> Value:
        return self._model_defaults.get(parameter.key, parameter.default)

    def _draw(self, parameter: Parameter) -> None:
        """Name at the left, value at the right, a mark between where it is no default."""
        # The pane's own width, less the column of the list's scroll bar.
        width = self.content_region.width - 1
        changed = self._value(parameter) != self._default(parameter)
        value = parameter.text(self._value(parameter))
        # Whole lists and grammars are for the detail below; a name must stay legible.
        value = _shortened(value, max(8, width - len(parameter.key) - 4))
        name = Content(parameter.key).truncate(
            max(1, width - len(value) - 4), ellipsis=True, pad=True
        )
        row = Content.assemble(
            ("•" if changed else " ", "$accent"),
            " ",
            name,
            " ",
            (value, "bold $accent" if changed else "$foreground"),
            " ",
        )
        self.rows.replace_option_prompt(parameter.key, row)

    def _explain(self, parameter: Parameter, complaint: str = "") -> None:
        default = parameter.text(self._default(parameter))
        if parameter.key in self._model_defaults:
            default += f", by the model's file (else {parameter.text(parameter.default)})"
        text = Content.assemble(
            (f"{complaint}\n" if complaint else "", "$error"),
            f"{parameter.help}{_ACTS[parameter.acts]}\n",
            (f"{parameter.takes}; default {default}", "$foreground-muted"),
        )
        self.explanation = text.plain
        self.detail.update(text)

    def set(self, key: str, value: Value) -> None:
        """Give a parameter a value; raises ParameterError if it cannot take it."""
        self._set(BY_KEY[key], BY_KEY[key].check(value))

    def use_defaults(self, defaults: Values) -> None:
        """Take over what a model's file sets by itself."""
        self._model_defaults = dict(defaults)
        self._draw_all()

    def replace(self, values: Values) -> None:
        """Take over a whole set of values, such as a preset's."""
        self.values = dict(values)
        self._draw_all()

    def _draw_all(self) -> None:
        for parameter in TABLE:
            self._draw(parameter)
        self._explain(self._current)

    def _set(self, parameter: Parameter, value: Value) -> None:
        if value == self._default(parameter):
            self.values.pop(parameter.key, None)
        else:
            self.values[parameter.key] = value
        self._draw(parameter)
        self._explain(parameter)
        self.post_message(self.Changed(parameter, dict(self.values)))

    @on(ParameterList.Stepped)
    def _step(self, event: ParameterList.Stepped) -> None:
        event.stop()
        parameter = self._current
        self._set(parameter, parameter.stepped(self._value(parameter), event.steps))

    @on(ParameterList.Reset)
    def _reset(self, event: ParameterList.Reset) -> None:
        event.stop()
        self._set(self._current, self._default(self._current))

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self._explain(self._current)

    @on(OptionList.OptionSelected)
    def _edit(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        parameter = self._current
        if isinstance(parameter, Text):
            self.post_message(self.TextWanted(parameter, str(self._value(parameter))))
            return
        self._type(parameter.key, parameter.text(self._value(parameter)))

    @on(ParameterList.FindWanted)
    def _find(self, event: ParameterList.FindWanted) -> None:
        event.stop()
        self._finding = True
        self._type("find", "")

    @on(ParameterList.FindTyped)
    def _find_typed(self, event: ParameterList.FindTyped) -> None:
        event.stop()
        if event.character:
            self.editor.insert_text_at_cursor(event.character)
        else:
            self.stop_editing()

    def _type(self, title: str, text: str) -> None:
        """Open the field for a value, or for a name to look for."""
        self.editor.border_title = title
        self.editor.value = text
        self.editor.display = True
        self.editor.focus()
        self.editor.action_select_all()

    @on(Input.Changed)
    def _seek(self, event: Input.Changed) -> None:
        event.stop()
        typed = event.value.strip().lower().replace("-", "_")
        if self._finding and typed:
            # Names that begin so come before those that only contain it.
            found = [each.key for each in TABLE if typed in each.key]
            found.sort(key=lambda key: not key.startswith(typed))
            if found:
                self.rows.highlighted = self.rows.get_option_index(found[0])

    @on(Input.Submitted)
    def _typed(self, event: Input.Submitted) -> None:
        event.stop()
        if self._finding:
            self.stop_editing()
            return
        parameter = self._current
        try:
            value = parameter.parse(event.value)
        except ParameterError as error:
            self._explain(parameter, str(error))
            return
        self._set(parameter, value)
        self.stop_editing()

    @on(events.DescendantBlur)
    def _left(self, event: events.DescendantBlur) -> None:
        if event.widget is self.editor:
            self.editor.display = False
            self._finding = False
            self._explain(self._current)

    @property
    def editing(self) -> bool:
        """Whether a value or a name is being typed."""
        return self.editor.display

    def stop_editing(self) -> None:
        """Leave the value as it is and go back to the list."""
        self.rows.focus()


def _shortened(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 1] + "…"
