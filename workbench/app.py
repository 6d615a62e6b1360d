"""The app: styles, what the screens share, and a clean way out."""

from __future__ import annotations

import asyncio
import codecs
import signal
from functools import partial
from pathlib import PurePath
from typing import ClassVar

from textual import work
from textual.app import App
from textual.binding import Binding, BindingType
from textual.drivers import linux_driver

from workbench.engine.client import EngineClient
from workbench.models import library
from workbench.parameters.kinds import Values
from workbench.screens.help import HelpScreen
from workbench.screens.look import Look, ThemesSaved
from workbench.screens.messages import Copied
from workbench.screens.themes import ThemeScreen
from workbench.screens.workbench import WorkbenchScreen
from workbench.settings import config, paths
from workbench.terminal.clipboard import Clipboard
from workbench.untrusted import without_controls


class WorkbenchApp(App[None]):
    """Starts the engine and the workbench screen; ends both."""

    TITLE = "Workbench"
    CSS_PATH: ClassVar[list[str | PurePath]] = [
        "panes/browser/pane.tcss",
        "panes/chat/pane.tcss",
        "panes/parameters/pane.tcss",
        "panes/stats/pane.tcss",
        "screens/help.tcss",
        "screens/look.tcss",
        "screens/presets.tcss",
        "screens/text.tcss",
        "screens/themes.tcss",
        "screens/workbench.tcss",
    ]

    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012
        (0, "-narrow"),
        (100, "-medium"),
        (118, "-wide"),
    ]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "help", "Help", id="app.help", tooltip="Show the keys"),
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

    def __init__(self, *, model: str, values: Values) -> None:
        """``model`` is a path or ``pocket``; ``values`` differ from the defaults."""
        super().__init__()
        self._model = model
        self._values = values
        self._engine = EngineClient(paths.engine_log())
        self._look = Look(self)
        self._ways_out = Clipboard(paths.copied())
        # What was copied last must also arrive last.
        self._copying = asyncio.Lock()

    async def on_mount(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            # Textual alone would leave the terminal as it is, full screen and in mouse mode.
            loop.add_signal_handler(number, self.exit)
        settings, complaints = config.load(paths.config_file())
        complaints += self._look.start(settings.theme)
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
        self._watch_themes()

    async def on_unmount(self) -> None:
        await self._engine.close()

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
        if not isinstance(self.screen, HelpScreen):
            active = [each.binding for each in self.screen.active_bindings.values()]
            # Some of the screen's own are active only at times, Esc to stop above all.
            own = Binding.make_bindings(self.screen.BINDINGS)
            self.push_screen(HelpScreen([*active, *own]))


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
