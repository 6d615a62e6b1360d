"""The parameter pane."""

from __future__ import annotations

from typing import Final

from textual import events, getters, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from workbench.panes.field import KeyCame, type_ahead
from workbench.panes.lines import Lines
from workbench.panes.parameters import detail
from workbench.panes.parameters.field import FilterField, ValueField
from workbench.panes.parameters.listing import Heading
from workbench.panes.parameters.rows import ParameterList
from workbench.parameters.chosen import Chosen, Together
from workbench.parameters.kinds import Parameter, Text, Value, Values
from workbench.parameters.table import BY_KEY, TABLE

# Below this many rows the field has no border.
_LOW: Final = 16


class ParameterPane(Vertical):
    """Shows and edits the values; only those that differ from the default are kept."""

    rows = getters.query_one(ParameterList)
    filter = getters.query_one(FilterField)
    editor = getters.query_one(ValueField)
    detail = getters.query_one(Lines)

    class Changed(Message):
        """Values were set; ``live`` if one of them acts at the next token."""

        def __init__(self, *, live: bool) -> None:
            super().__init__()
            self.live = live

    class PresetsWanted(Message):
        """The person wants to save or to take a preset."""

    class TextWanted(Message):
        """A parameter of many lines is to be written; ``text`` is what it holds now."""

        def __init__(self, parameter: Parameter, text: str) -> None:
            super().__init__()
            self.parameter = parameter
            self.text = text

    def __init__(self, chosen: Chosen) -> None:
        super().__init__(id="parameters", classes="pane")
        self.border_title = "Parameters"
        self._chosen = chosen
        self._detail_height = 1
        # From the wish to look for something until it is found, wherever the focus is.
        self._looking = False

    def compose(self) -> ComposeResult:
        with Horizontal(id="parameter-filter"):
            yield Static("/ ", markup=False)
            yield FilterField()
            yield Static(id="parameter-count", markup=False)
        yield ParameterList(self._chosen)
        yield ValueField()
        yield Lines(id="parameter-detail")

    def on_mount(self) -> None:
        self.editor.display = False
        self._show_filter()

    def on_resize(self, _event: events.Resize) -> None:
        """Keep as much room for the explanation as most of them need: rows must not jump."""
        room = self.content_region.height
        self.set_class(room < _LOW, "-low")
        needed = max(
            sum(len(line.wrap(self._width)) for line in detail.of_parameter(self._chosen, each))
            for each in TABLE
        )
        self._detail_height = max(1, min(needed, room // 3))
        self._explain()

    # ---- what the screen asks for and gives ------------------------------------------------

    @property
    def values(self) -> dict[str, Value]:
        """Those that differ from the defaults."""
        return self._chosen.values

    def value(self, parameter: Parameter) -> Value:
        """The value in force."""
        return self._chosen.value(parameter)

    @property
    def explanation(self) -> str:
        """What is said of the row under the cursor."""
        return "\n".join(line.plain for line in self._explanation())

    def set(self, key: str, value: Value) -> None:
        """Give a parameter a value; raises ParameterError if it cannot take it."""
        self.rows.set(BY_KEY[key], BY_KEY[key].check(value))

    def set_together(self, values: Values) -> Together | None:
        """Give several parameters values, as one change; returns what changes, if anything."""
        return self.rows.set_together(values)

    def take_back(self, together: Together) -> None:
        """Put back what was there before, but for what has been set otherwise since."""
        self.rows.take_back(together)

    def replace(self, values: Values, preset: str) -> None:
        """Take the values of a preset instead of all that was set."""
        self.rows.replace(dict(values), preset)

    def use(self, chosen: Chosen) -> None:
        """Show and edit other values; what was being typed is left."""
        if self.editing:
            self.stop_editing()
        self._chosen = chosen
        self.rows.use(chosen)

    def use_defaults(self, defaults: Values) -> None:
        """Take over what a model's file sets by itself."""
        self._chosen.defaults = dict(defaults)
        self.show()

    def show(self) -> None:
        """Show the values anew: they have changed elsewhere."""
        self.rows.show()

    def go_to(self, key: str) -> None:
        """Put the cursor on a parameter, wherever it is."""
        if BY_KEY[key] not in self.rows.listing.rows:
            self.rows.action_show_all()
        self.rows.go_to(BY_KEY[key])

    @property
    def editing(self) -> bool:
        """Whether a value, or what to look for, is being typed."""
        return self.editor.display or self.filter.has_focus

    def stop_editing(self) -> None:
        """Leave the value as it is, or look for nothing, and go back to the list."""
        if self.filter.has_focus:
            self.rows.action_show_all()
        self._looking = False
        self.rows.focus()

    # ---- the rows --------------------------------------------------------------------------

    @on(ParameterList.Moved)
    def _moved(self, event: ParameterList.Moved) -> None:
        event.stop()
        self._explain()

    @on(ParameterList.Changed)
    def _changed(self, event: ParameterList.Changed) -> None:
        # Textual lets a message that a key of ours led to go no further than this pane.
        event.stop()
        self._explain()
        self.post_message(self.Changed(live=event.live))

    @on(ParameterList.PresetsWanted)
    def _want_presets(self, event: ParameterList.PresetsWanted) -> None:
        event.stop()
        self.post_message(self.PresetsWanted())

    @on(ParameterList.EditWanted)
    def _edit(self, event: ParameterList.EditWanted) -> None:
        event.stop()
        self._open_editor(event.parameter)

    def _open_editor(self, parameter: Parameter) -> None:
        value = self._chosen.value(parameter)
        if isinstance(parameter, Text):
            self.post_message(self.TextWanted(parameter, str(value)))
            return
        self.editor.begin(parameter, parameter.text(value))
        self.editor.display = True
        self.editor.focus()
        self._explain()

    @on(KeyCame)
    async def _key_came(self, event: KeyCame) -> None:
        event.stop()
        field = self.editor if self.editor.display else self.filter
        if not (self.editor.display or self._looking):
            await self._press(event.key)
        elif event.key != "enter":
            type_ahead(field, event)
        elif field is self.editor:
            self._accept_value()
        else:
            self._accept_filter()

    async def _press(self, key: str) -> None:
        row, action = self.rows.row, self.rows.action_of(key)
        # The keys behind this one are here already: no message may come after them.
        if action == "filter":
            self._open_filter()
        elif action == "choose" and isinstance(row, Parameter):
            self._open_editor(row)
        elif action:
            await self.rows.run_action(action)

    # ---- the value -------------------------------------------------------------------------

    @on(Input.Changed, "ValueField")
    def _judge(self, event: Input.Changed) -> None:
        event.stop()
        self.editor.judge()
        self._explain()

    @on(Input.Submitted, "ValueField")
    def _set(self, event: Input.Submitted) -> None:
        event.stop()
        self._accept_value()

    def _accept_value(self) -> None:
        parameter = self.editor.parameter
        if self.editor.is_right() and self.editor.parsed is not None and parameter is not None:
            self.editor.display = False
            self.rows.set(parameter, self.editor.parsed)
            self.stop_editing()
        self._explain()

    @on(events.DescendantBlur)
    def _left(self, event: events.DescendantBlur) -> None:
        if event.widget is self.editor:
            self.editor.display = False
            self._explain()

    # ---- the filter ------------------------------------------------------------------------

    @on(ParameterList.FilterWanted)
    def _ask(self, event: ParameterList.FilterWanted) -> None:
        event.stop()
        self._open_filter()

    def _open_filter(self) -> None:
        self._looking = True
        self.filter.focus()
        self.filter.action_select_all()

    @on(ParameterList.FilterChanged)
    def _show_filter(self) -> None:
        listing = self.rows.listing
        if not listing.text:
            self.filter.clear()
        self.filter.placeholder = "changed ones only" if listing.only_changed else "filter"
        count = f"{listing.shown} of {len(TABLE)}" if listing.filtered else ""
        self.query_one("#parameter-count", Static).update(count, layout=False)

    @on(Input.Changed, "FilterField")
    def _look_for(self, event: Input.Changed) -> None:
        event.stop()
        self._narrow()

    @on(Input.Submitted, "FilterField")
    def _found(self, event: Input.Submitted) -> None:
        event.stop()
        self._accept_filter()

    def _narrow(self) -> None:
        if self.filter.value != self.rows.listing.text:
            self.rows.look_for(self.filter.value)
        self._show_filter()

    def _accept_filter(self) -> None:
        # What was typed in one piece with Enter has not been looked for yet.
        self._narrow()
        self._looking = False
        self.rows.focus()

    # ---- the explanation -------------------------------------------------------------------

    @property
    def _width(self) -> int:
        return max(16, self.content_region.width)

    def _explanation(self) -> list[Content]:
        row = self.rows.row
        if row is None:
            return []
        if isinstance(row, Heading):
            return detail.of_heading(self.rows.listing, row)
        if not self.editor.display:
            return detail.of_parameter(self._chosen, row)
        return detail.of_parameter(
            self._chosen, row, complaint=self.editor.complaint, typed=self.editor.value
        )

    def _explain(self) -> None:
        lines = [part for line in self._explanation() for part in line.wrap(self._width)]
        height = self._detail_height
        if self.editor.complaint and self.editor.display:
            height = max(height, min(len(lines), self.content_region.height // 2))
        self.detail.styles.height = height + self.detail.gutter.height
        self.detail.show(lines)
