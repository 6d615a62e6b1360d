"""The app: themes, styles, and a clean way out."""

from __future__ import annotations

import asyncio
import codecs
import re
import signal
from collections.abc import Callable
from functools import partial
from pathlib import PurePath
from typing import Any, ClassVar

from rich.console import RenderableType
from textual._compositor import CompositorUpdate
from textual.app import App
from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.drivers import linux_driver
from textual.screen import Screen
from textual.theme import BUILTIN_THEMES, Theme

from workbench.engine.client import EngineClient
from workbench.frames import Frames, Written
from workbench.models import library
from workbench.parameters.kinds import Values
from workbench.screens.help import HelpScreen
from workbench.screens.workbench import WorkbenchScreen
from workbench.settings import config, paths, themes
from workbench.settings.config import Config
from workbench.settings.themes import ThemeFile

_FALLBACK_THEME = "textual-dark"


def _actions() -> type[Provider]:
    # Here: the palette is not needed to start.
    from workbench.screens.palette import Actions

    return Actions


class WorkbenchApp(App[None]):
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

    def __init__(self, *, model: str, values: Values) -> None:
        """``model`` is a path or ``pocket``; ``values`` differ from the defaults."""
        super().__init__()
        self._model = model
        self._values = values
        self._frames = Frames()
        self._engine = EngineClient(paths.engine_log())

    async def on_mount(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            # Textual alone would leave the terminal as it is, full screen and in mouse mode.
            loop.add_signal_handler(number, self.exit)
        self.app_resume_signal.subscribe(self, lambda _: self._frames.forget())
        settings, complaints = config.load(paths.config_file())
        self._use_keys(settings, complaints)
        self._apply_theme(settings.theme, complaints)
        complaints += [
            f"model_folders in {paths.config_file()}: there is no folder {folder}"
            for folder in settings.folders()
            if not folder.is_dir()
        ]
        await self.push_screen(
            WorkbenchScreen(
                self._engine,
                model=library.resolve(self._model, settings.folders()),
                values=self._values,
                folders=settings.folders(),
                complaints=complaints,
            )
        )

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        """Write of a frame what differs; see ``frames``."""
        is_written = self._running and not self._closed and not self._batch_count
        if isinstance(renderable, CompositorUpdate) and is_written and not self.is_headless:
            text = self._frames.text(renderable, self.size, self.console._color_system)
            if text is not None:
                renderable = Written(text) if text or self._cursor_moved else None
        super()._display(screen, renderable)

    @property
    def _cursor_moved(self) -> bool:
        return self.cursor_position != self._previous_cursor_position

    async def on_unmount(self) -> None:
        await self._engine.close()

    def action_redraw(self) -> None:
        """Draw every cell, whatever the terminal shows."""
        self._frames.forget()
        self.refresh()

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


def _accept_any_bytes() -> None:
    """Let a byte from the terminal that is no UTF-8 be a U+FFFD, not the end of the app.

    Textual decodes strictly, in a thread of its driver's: one Latin-1 character that is
    pasted, or a meta key of an old terminal, would take the conversation with it.
    """
    linux_driver.getincrementaldecoder = lambda encoding: partial(  # type: ignore[attr-defined]
        codecs.getincrementaldecoder(encoding), "replace"
    )


def run_app(model: str, values: Values) -> int:
    """Run the app until it is left; returns the exit code."""
    _accept_any_bytes()
    app = WorkbenchApp(model=model, values=values)
    app.run()
    return app.return_code or 0
