"""Choosing a theme: the one under the cursor is in force at once."""

from __future__ import annotations

from functools import partial
from typing import ClassVar, Final

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from workbench.panes.choices import Choices
from workbench.panes.key_line import KeyLine
from workbench.screens.dialog import Dialog
from workbench.screens.look import Look
from workbench.untrusted import without_controls

_FEW: Final = (
    "This terminal shows no more than sixteen colours: themes that need more are left out. If "
    "it can do better, start with COLORTERM=truecolor."
)
# Every cell is drawn anew: not for each row that a held key runs over.
_REST_SECONDS: Final = 0.06
_NONE: Final = "NO_COLOR is set: a theme changes nothing now."


class ThemeList(Choices):
    """The themes, by where they come from."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "j,down", "cursor_down", "Down", show=False, id="themes.down", tooltip="Next theme"
        ),
        Binding("k,up", "cursor_up", "Up", show=False, id="themes.up", tooltip="Previous theme"),
        Binding("enter", "select", "Keep", id="themes.keep", tooltip="Keep this theme"),
    ]


class ThemeScreen(Dialog[None]):
    """Lists the themes; whoever leaves without keeping one has the former one back."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f8", "leave", "Cancel", id="themes.close", tooltip="Keep the former theme"),
    ]

    rows = getters.query_one(ThemeList)

    def __init__(self, look: Look, former: str) -> None:
        """``former`` is the theme in force."""
        super().__init__()
        self._look = look
        self._former = former
        self._waiting: Timer | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="pane") as pane:
            pane.border_title = "Theme"
            yield ThemeList(markup=False, compact=True)
            if self.app.no_color or self._look.only_ansi:
                yield Static(_NONE if self.app.no_color else _FEW, markup=False)
            yield KeyLine()

    def on_mount(self) -> None:
        for origin, names in self._look.choices():
            heading = Content.styled(origin, "$foreground-muted")
            self.rows.add_option(Option(heading, disabled=True))
            for name in names:
                # A sign, as the cursor is elsewhere soon.
                mark = "●" if name == self._former else " "
                self.rows.add_option(Option(f"{mark} {name}", id=name))
                if name == self._former:
                    self.rows.highlighted = self.rows.get_option_index(name)
        self.rows.focus()

    @on(OptionList.OptionHighlighted)
    def _preview(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self._stop_waiting()
        show = partial(self._look.show, event.option_id or self._former)
        self._waiting = self.set_timer(_REST_SECONDS, show)

    @on(OptionList.OptionSelected)
    def _keep(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._stop_waiting()
        name = event.option_id or self._former
        self._look.show(name)
        try:
            self._look.keep(name)
        except OSError as error:
            self.app.notify(
                without_controls(f"The theme is in force, but cannot be remembered: {error}"),
                severity="warning",
                markup=False,
            )
        self.dismiss()

    def action_leave(self) -> None:
        """Go back to the former theme."""
        self._stop_waiting()
        self._look.show(self._former)
        self.dismiss()

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.stop()
