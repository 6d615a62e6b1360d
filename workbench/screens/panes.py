"""Four panes: where they stand, which are shown, and how to get from one to another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from textual import getters
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from workbench.panes.browser.pane import BrowserPane
from workbench.panes.chat.pane import ChatPane
from workbench.panes.key_line import KeyLine
from workbench.panes.parameters.pane import ParameterPane
from workbench.panes.stats.pane import StatsPane
from workbench.parameters.chosen import Chosen
from workbench.screens.layout import COLUMNS, Column, Layout, Side
from workbench.screens.setting import SettingScreen


class PanesScreen(SettingScreen[None]):
    """Browser, chat, and the instruments: parameters over stats."""

    chat = getters.query_one(ChatPane)
    browser = getters.query_one(BrowserPane)
    stats = getters.query_one(StatsPane)
    instruments = getters.query_one("#instruments", Vertical)

    def __init__(
        self, layout: Path, chosen: Chosen, *, engine_pid: Callable[[], int | None]
    ) -> None:
        """The arrangement lasts in the file ``layout``; ``chosen`` holds the parameters.

        ``engine_pid`` gives the engine's process id while there is one.
        """
        super().__init__()
        self._engine_pid = engine_pid
        self._layout = Layout(layout)
        self._chosen = chosen

    def compose(self) -> ComposeResult:
        with Horizontal(id="panes"):
            yield BrowserPane()
            yield ChatPane()
            with Vertical(id="instruments"):
                yield ParameterPane(self._chosen)
                yield StatsPane(self._engine_pid)
        yield KeyLine()

    def action_pane(self, side: Side) -> None:
        """Go to a pane; whoever is there, or sees the stats, has it hidden."""
        pane = self._pane(side)
        there = pane.has_focus_within or side == "stats"
        if pane.display and pane.is_on_screen and there:
            if not self._one_at_a_time and not self.has_class("-over"):
                self._hide(side, True)
            self.go_to("chat")
            return
        self._hide(side, False)
        self.go_to(side)

    def go_to(self, place: Side | Literal["chat"]) -> None:
        """Give a pane the keys; on a screen that is too narrow it takes the chat's place."""
        for side in COLUMNS:
            self.set_class(place == side, f"-{side}")
        self.set_class(place == "browser" and self.has_class("-medium"), "-over")
        targets = {"browser": self.browser.models, "parameters": self.parameters.rows}
        # The stats have nothing to focus; whoever looks at them wants to go on writing.
        self.focus_at_once(targets.get(place, self.chat.prompt))

    def _pane(self, side: Side) -> Widget:
        panes: dict[Side, Widget] = {
            "browser": self.browser,
            "parameters": self.parameters,
            "stats": self.stats,
        }
        return panes[side]

    def _hide(self, side: Side, hidden: bool) -> None:
        try:
            self._layout.hide(side, hidden)
        except OSError as error:
            self._complain_of_memory(error)
        self._arrange()

    def action_widen(self, columns: int) -> None:
        """Make the column with the focus wider or narrower; in the chat, the others give way."""
        column: Column = "instruments"
        widget: Widget = self.instruments
        if self.browser.has_focus_within:
            column, widget = "browser", self.browser
        elif not self.instruments.has_focus_within:
            columns = -columns
        if self._one_at_a_time or not widget.display:
            # It has no width of its own to begin with.
            return
        try:
            self._layout.widen(column, widget.outer_size.width + columns)
        except OSError as error:
            self._complain_of_memory(error)
        self._arrange()

    def _complain_of_memory(self, error: OSError) -> None:
        self.notify(
            f"The layout will not be remembered: {error.strerror}.", severity="warning", timeout=4
        )

    @property
    def _one_at_a_time(self) -> bool:
        """Whether one pane has the whole screen, and its width."""
        return self.has_class("-narrow") or self.has_class("-slim")

    def _arrange(self) -> None:
        """Hide and widen as the person wants it, as far as the screen has room."""
        for side in COLUMNS:
            self.set_class(self._layout.hides(side), f"-no-{side}")
        wide = 14 if self.has_class("-vast") else 0
        columns: dict[Column, Widget] = {"instruments": self.instruments, "browser": self.browser}
        usual: dict[Column, int] = {"instruments": 32 + wide, "browser": 30 + wide}
        shown = {column: usual[column] for column, widget in columns.items() if widget.display}
        widths = self._layout.widths(shown, self.size.width)
        for column, widget in columns.items():
            # Where one pane has the screen, its width is the screen's.
            if self._one_at_a_time:
                widget.styles.clear_rule("width")
            elif column in widths:
                widget.styles.width = widths[column]

    def action_read(self) -> None:
        """Go to the transcript."""
        self.go_to("chat")
        self.focus_at_once(self.chat.transcript)

    def on_resize(self) -> None:
        """Arrange the panes; what the stats say may now be for the chat's border."""
        self._arrange()
        # What there is room for is known a little later.
        self.call_after_refresh(self._arrange)
        self.call_after_refresh(self.stats.summarise)
