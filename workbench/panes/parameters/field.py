"""The fields of the parameter pane: a value, and what to look for."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from workbench.panes.field import Field
from workbench.panes.parameters.detail import choices
from workbench.parameters.kinds import Number, Parameter, ParameterError, Value


class FilterField(Field):
    """What to look for."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "down",
            "submit",
            "To the list",
            show=False,
            id="parameters.found",
            tooltip="Go to what was found",
        ),
    ]


class ValueField(Field):
    """Says while it is being typed what the value will be, or what is wrong with it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "tab",
            "complete",
            "Complete",
            show=False,
            id="parameters.complete",
            tooltip="Complete the word that is being typed, or take the next one",
        ),
        Binding(
            "up",
            "step(1)",
            "More",
            show=False,
            id="parameters.field_more",
            tooltip="One step more, in the field",
        ),
        Binding(
            "down",
            "step(-1)",
            "Less",
            show=False,
            id="parameters.field_less",
            tooltip="One step less, in the field",
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        # Whose value is typed: the list's cursor may be moved meanwhile.
        self.parameter: Parameter | None = None
        self._words: tuple[str, ...] = ()
        self.parsed: Value | None = None
        self.complaint = ""
        self._result = ""

    def begin(self, parameter: Parameter, text: str) -> None:
        """Let a value of ``parameter`` be typed; ``text`` is the present one."""
        self._done = False
        self.parameter = parameter
        self._words = choices(parameter)
        if isinstance(parameter, Number):
            self._words = tuple(parameter.named.values())
        self.border_title = parameter.key
        self.value = text
        self.judge()
        self.action_select_all()

    def is_right(self) -> bool:
        """Whether the parameter can take what has been typed."""
        self.judge()
        return not self.complaint

    def judge(self) -> None:
        """Read what has been typed."""
        if self.parameter is None:
            return
        try:
            self.parsed = self.parameter.parse(self.value)
            self.complaint = ""
        except ParameterError as error:
            self.parsed = None
            self.complaint = str(error)
        self.set_class(bool(self.complaint), "-wrong")
        meant = "" if self.parsed is None else self.parameter.text(self.parsed)
        result = "✕" if self.complaint else f"= {meant}" if meant != self.value else ""
        # To set it draws the field again, even if it is the same.
        if result != self._result:
            self._result = result
            self.border_subtitle = Content(result)

    def action_complete(self) -> None:
        """Complete the word; once it is whole, take the next."""
        typed = self.value.strip().lower()
        if typed in self._words:
            self._put(self._words[(self._words.index(typed) + 1) % len(self._words)])
            return
        found = [word for word in self._words if word.startswith(typed)]
        if found:
            self._put(found[0])

    def action_step(self, steps: int) -> None:
        """Move the typed value by steps."""
        if self.parameter is not None and self.parsed is not None:
            # A list of choices reads downwards.
            steps = steps if isinstance(self.parameter, Number) else -steps
            self._put(self.parameter.text(self.parameter.stepped(self.parsed, steps)))

    def _put(self, text: str) -> None:
        self.value = text
        self.cursor_position = len(text)
