"""The app: styles, what the screens share, and a clean way out."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePath
from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.command import Provider

from workbench.engine.client import EngineClient
from workbench.models import library
from workbench.parameters.kinds import Values
from workbench.screens.help import HelpScreen
from workbench.screens.look import Look, ThemesSaved
from workbench.screens.messages import Copied
from workbench.screens.opening import Begin
from workbench.screens.themes import ThemeScreen
from workbench.screens.workbench import WorkbenchScreen
from workbench.sessions.database import StoreError
from workbench.settings import config, paths
from workbench.settings.config import Config
from workbench.steady.app import SteadyApp, run_steadily
from workbench.terminal.clipboard import Clipboard
from workbench.terminal.line import Line
from workbench.untrusted import without_controls


def _actions() -> type[Provider]:
    # Here: the palette is not needed to start.
    from workbench.screens.palette import Actions

    return Actions


class WorkbenchApp(SteadyApp):
    """Starts the engine and the workbench screen; ends both."""

    TITLE = "Workbench"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_actions}
    CSS_PATH: ClassVar[list[str | PurePath]] = [
        "panes/browser/pane.tcss",
        "panes/chat/pane.tcss",
        "panes/parameters/pane.tcss",
        "panes/stats/pane.tcss",
        "screens/find/find.tcss",
        "screens/help.tcss",
        "screens/jump.tcss",
        "screens/lanes/lanes.tcss",
        "screens/library.tcss",
        "screens/look.tcss",
        "screens/palette.tcss",
        "screens/presets.tcss",
        "screens/sessions/sessions.tcss",
        "screens/systems.tcss",
        "screens/text.tcss",
        "screens/themes.tcss",
        "screens/workbench.tcss",
    ]

    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012
        (0, "-slim"),
        (76, "-narrow"),
        (100, "-medium"),
        (118, "-wide"),
        (180, "-vast"),
    ]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (20, "-high")]  # noqa: RUF012

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "help", "Help", id="app.help", tooltip="Show the keys"),
        Binding(
            "ctrl+l",
            "redraw",
            "Redraw",
            show=False,
            id="app.redraw",
            tooltip="Draw the whole screen anew, should the terminal have spoilt it",
        ),
        Binding(
            "f8",
            "change_theme",
            "Theme",
            show=False,
            id="app.theme",
            tooltip="Choose the colours, with a look at each",
        ),
        Binding("ctrl+q", "quit", "Quit", id="app.quit", priority=True, tooltip="Leave Workbench"),
    ]

    def __init__(
        self,
        *,
        model: str = "",
        values: Values,
        line: Line | None = None,
        begin: Begin = "where it was",
    ) -> None:
        """``model`` is a path or ``pocket``; without it the conversation's goes on, or else
        ``pocket``. ``values`` are set from the beginning.
        """
        line = line or Line()
        super().__init__(line)
        self._model = model
        self._values = values
        self._begin = begin
        self._workbench: WorkbenchScreen | None = None
        self._engine = EngineClient(paths.engine_log(), reports_a_second=line.reports_a_second)
        self._look = Look(self)
        self._ways_out = Clipboard(paths.copied())
        # What was copied last must also arrive last.
        self._copying = asyncio.Lock()

    async def on_mount(self) -> None:
        settings, complaints = config.load(paths.config_file())
        self._use_keys(settings, complaints)
        complaints += self._look.start(settings.theme)
        # Both look at disks, which may be slow.
        model, closed = await asyncio.to_thread(self._look_for_models, settings)
        complaints += [f"model_folders in {paths.config_file()}: {each}" for each in closed]
        self._workbench = WorkbenchScreen(
            self._engine,
            model=model,
            values=self._values,
            folders=settings.folders(),
            complaints=complaints,
            begin=self._begin,
            any_model=not self._model,
        )
        await self.push_screen(self._workbench)
        self._watch_themes()

    def _look_for_models(self, settings: Config) -> tuple[Path, list[str]]:
        """The model to begin with, and what is wrong with the folders of models."""
        folders = settings.folders()
        return library.resolve(self._model or library.POCKET, folders), library.closed(folders)

    async def on_unmount(self) -> None:
        if self._workbench is not None:
            await self._workbench.leave_models()
        await self._engine.close()
        if self._workbench is not None and not self.ending.code:
            try:
                await self._workbench.leave()
            except StoreError as error:
                self.ending.not_kept(str(error))
        self.leave_soon()

    async def action_quit(self) -> None:
        """Leave, with what spares the engine reading the conversation anew next time."""
        if self._workbench is not None:
            if self._workbench.holds_back():
                return
            await self._workbench.put_by(interrupted=False)
        self.exit()

    async def put_by(self) -> None:
        """Do so at a signal, too; an answer under way is one that was interrupted."""
        if self._workbench is not None:
            await self._workbench.put_by(interrupted=True)

    def keep_text(self) -> Path | None:
        """Save the conversation and what is being written; returns where. Raises StoreError."""
        return self._workbench.keep_now() if self._workbench is not None else None

    @work(group="themes", description="watch the themes", exit_on_error=False)
    async def _watch_themes(self) -> None:
        await self._look.watch()

    def on_themes_saved(self, message: ThemesSaved) -> None:
        """Show what has been saved, or say what is wrong with it."""
        for complaint in self._look.reload(message.files):
            self.notify(
                without_controls(complaint),
                title="The theme stays as it was",
                severity="error",
                timeout=10,
                markup=False,
            )

    def copy_to_clipboard(self, text: str) -> None:
        """Copy by every way there is, and say which; what widgets copy and cut comes here."""
        if not text:
            return
        # What is pasted within the app.
        self._clipboard = text
        sequence = self._ways_out.sequence(text)
        sent = bool(sequence) and self._driver is not None and not self.is_headless
        if sent and self._driver is not None:
            self._driver.write(sequence)
        self._copy(text, sent=sent)

    @work(group="copy", description="copy by this machine's tools", exit_on_error=False)
    async def _copy(self, text: str, *, sent: bool) -> None:
        async with self._copying:
            ways = await asyncio.to_thread(self._ways_out.copy, text, sent=sent)
        self.post_message(Copied(ways))

    def on_copied(self, message: Copied) -> None:
        """Say where the text went."""
        self.notify(without_controls(message.ways), timeout=4, markup=False)

    def action_change_theme(self) -> None:
        """Choose a theme, here and from the palette."""
        if not isinstance(self.screen, ThemeScreen):
            self.push_screen(ThemeScreen(self._look, self.theme))

    def action_help(self) -> None:
        """Show the keys."""
        if isinstance(self.screen, HelpScreen):
            return
        places: dict[str, list[Binding]] = {"Here": [], "Everywhere": []}
        for active in self.screen.active_bindings.values():
            is_everywhere = active.node in (self, self.screen)
            places["Everywhere" if is_everywhere else "Here"].append(active.binding)
        # Some of the screen's own are active only at times, Esc to stop above all.
        for binding in Binding.make_bindings(self.screen.BINDINGS):
            keys = self._keymap.get(binding.id or "", binding.key)
            places["Everywhere"] += [replace(binding, key=key) for key in keys.split(",")]
        self.push_screen(HelpScreen(places.items()))

    def _use_keys(self, settings: Config, complaints: list[str]) -> None:
        if settings.keys:
            from workbench.screens import keymap

            keys, wrong = keymap.checked(settings.keys, type(self))
            complaints += [f"{paths.config_file()}, keys: {each}" for each in wrong]
            self.set_keymap(keys)

    def get_key_display(self, binding: Binding) -> str:
        """Function keys in capitals, as they stand on the keys."""
        shown = super().get_key_display(binding)
        return shown.upper() if re.fullmatch(r"f\d+", shown) else shown


def run_app(model: str, values: Values, line: Line, begin: Begin = "where it was") -> int:
    """Run the app until it is left; returns the exit code."""
    return run_steadily(lambda: WorkbenchApp(model=model, values=values, line=line, begin=begin))
