"""The app: themes, styles, and a clean way out."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path, PurePath
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.theme import BUILTIN_THEMES, Theme

from workbench.engine.client import EngineClient
from workbench.models import library
from workbench.parameters.kinds import Values
from workbench.screens.help import HelpScreen
from workbench.screens.workbench import WorkbenchScreen
from workbench.settings import config, paths, themes
from workbench.settings.config import Config
from workbench.settings.themes import ThemeFile
from workbench.steady.app import SteadyApp, run_steadily
from workbench.terminal.line import Line

_FALLBACK_THEME = "textual-dark"


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
        "screens/help.tcss",
        "screens/jump.tcss",
        "screens/palette.tcss",
        "screens/presets.tcss",
        "screens/text.tcss",
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
        Binding("ctrl+q", "quit", "Quit", id="app.quit", priority=True, tooltip="Leave Workbench"),
    ]

    def __init__(self, *, model: str, values: Values, line: Line | None = None) -> None:
        """``model`` is a path or ``pocket``; ``values`` differ from the defaults."""
        line = line or Line()
        super().__init__(line)
        self._model = model
        self._values = values
        self._workbench: WorkbenchScreen | None = None
        self._engine = EngineClient(paths.engine_log(), reports_a_second=line.reports_a_second)

    async def on_mount(self) -> None:
        settings, complaints = config.load(paths.config_file())
        self._use_keys(settings, complaints)
        self._apply_theme(settings.theme, complaints)
        complaints += [
            f"model_folders in {paths.config_file()}: there is no folder {folder}"
            for folder in settings.folders()
            if not folder.is_dir()
        ]
        self._workbench = WorkbenchScreen(
            self._engine,
            model=library.resolve(self._model, settings.folders()),
            values=self._values,
            folders=settings.folders(),
            complaints=complaints,
        )
        await self.push_screen(self._workbench)

    async def on_unmount(self) -> None:
        await self._engine.close()
        if self._workbench is not None and not self.ending.code:
            with suppress(OSError):
                self._workbench.rescue.forget()

    def keep_text(self) -> Path | None:
        """Save the conversation and what is being written; returns where."""
        return self._workbench.keep_now() if self._workbench is not None else None

    def action_help(self) -> None:
        """Show the keys."""
        if isinstance(self.screen, HelpScreen):
            return
        places: dict[str, list[Binding]] = {"Here": [], "Everywhere": []}
        for active in self.screen.active_bindings.values():
            is_everywhere = active.node in (self, self.screen)
            places["Everywhere" if is_everywhere else "Here"].append(active.binding)
        # Some of the screen's own are active only at times, Esc to stop above all.
        places["Everywhere"] += Binding.make_bindings(self.screen.BINDINGS)
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

    def _apply_theme(self, wanted: str, complaints: list[str]) -> None:
        """Register every theme and take the wanted one; what is wrong goes to ``complaints``."""
        found, wrong = themes.load_folders([paths.shipped_themes(), paths.user_themes()])
        complaints += wrong
        for file in found:
            self.register_theme(_theme(file))
        if wanted in self.available_themes:
            self.theme = wanted
        else:
            complaints.append(f"there is no theme '{wanted}'")
            default = Config().theme
            self.theme = default if default in self.available_themes else _FALLBACK_THEME


def _theme(file: ThemeFile) -> Theme:
    colours = file.colours
    # Textual's own styles refer to variables that only its ansi themes define.
    base = BUILTIN_THEMES["ansi-dark" if file.dark else "ansi-light"].variables
    return Theme(
        name=file.name,
        dark=file.dark,
        ansi=file.ansi,
        primary=colours.primary,
        secondary=colours.secondary,
        accent=colours.accent,
        foreground=colours.foreground,
        background=colours.background,
        surface=colours.surface,
        panel=colours.panel,
        success=colours.success,
        warning=colours.warning,
        error=colours.error,
        variables={**(base if file.ansi else {}), **file.variables},
    )


def run_app(model: str, values: Values, line: Line) -> int:
    """Run the app until it is left; returns the exit code."""
    return run_steadily(lambda: WorkbenchApp(model=model, values=values, line=line))
