"""An app that leaves the terminal as it was, and nothing running, however it ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any, Final

from rich.console import RenderableType
from textual import events
from textual._compositor import CompositorUpdate
from textual.app import App
from textual.notifications import Notify
from textual.screen import Screen
from textual.worker import WorkerFailed

from workbench.steady.driver import LineDriver
from workbench.steady.ending import Ending
from workbench.steady.frames import Frames, Written
from workbench.terminal.line import Line

_SIGNALS: Final = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
# The engine has 2 of them to end by itself.
_LEAVING_SECONDS: Final = 5.0
_THREADS_SECONDS: Final = 3.0
# More of them do not fit on a screen of 24 rows.
_MOST_TOASTS: Final = 3


class SteadyApp(App[None]):
    """Saves and leaves at signals and at mistakes of its own."""

    def __init__(self, line: Line) -> None:
        super().__init__(driver_class=LineDriver)
        self.line = line
        self.ending = Ending()
        self._leaving_now = False
        self._frames = Frames()

    def on_load(self) -> None:
        """Whoever was away from the terminal comes back to an unknown one."""
        self.app_resume_signal.subscribe(self, lambda _: self._frames.forget())

    def keep_text(self) -> Path | None:
        """Save what would be lost; returns where. Called also when all is in disorder."""
        return None

    async def put_by(self) -> None:
        """Before it is left at a signal: what takes a little longer than saving."""

    def take_signals(self) -> None:
        """From now on a signal is a wish to leave."""
        for number in _SIGNALS:
            signal.signal(number, self._signalled)
        signal.signal(signal.SIGALRM, self._leave_now)

    def on_resize(self) -> None:
        """Terminals cut and reflow what they show, also on the way to the size they had."""
        self._frames.forget()

    def on_app_blur(self, event: events.AppBlur) -> None:
        """The window lost the keyboard: nothing here need change.

        Textual would take the focus from the prompt and give it back later, which styles all
        widgets and lays out the footer anew: a third of a second until a key shows.
        """
        event.prevent_default()

    def on_app_focus(self, event: events.AppFocus) -> None:
        """The window has the keyboard again."""
        event.prevent_default()

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        """Write of a frame what differs from the one before."""
        is_written = self._running and not self._closed and not self._batch_count
        if isinstance(renderable, CompositorUpdate) and is_written and not self.is_headless:
            text = self._frames.text(renderable, self.size, self.console._color_system)
            if text is not None:
                moved = self.cursor_position != self._previous_cursor_position
                renderable = Written(text) if text or moved else None
        super()._display(screen, renderable)

    def on_notify(self, event: Notify) -> None:
        """On a small screen a few words hide all others: the oldest go, and what is said again.

        It is called before Textual's own handler.
        """
        shown = list(self._notifications)
        said_again = [each for each in shown if each.message == event.notification.message]
        others = [each for each in shown if each not in said_again]
        for each in [*said_again, *others[: 1 - _MOST_TOASTS]]:
            self._unnotify(each, refresh=False)

    def action_redraw(self) -> None:
        """Draw every cell, whatever the terminal shows."""
        self._frames.forget()
        self.screen.refresh()

    def post_display_hook(self) -> None:
        """A frame was drawn, if only for nobody."""
        if isinstance(self._driver, LineDriver):
            self._driver.frame_was_drawn()

    def _signalled(self, number: int, _frame: FrameType | None) -> None:
        # Not through the loop alone: it may be what hangs.
        if self._loop is None:
            raise SystemExit(128 + number)
        self.ending.by_signal(number)
        self._hurry()
        with suppress(RuntimeError):
            # The loop may have ended by itself.
            self._loop.call_soon_threadsafe(self._leave)

    def _leave(self) -> None:
        self._keep()
        self.call_later(self._leave_in_order)

    async def _leave_in_order(self) -> None:
        with suppress(Exception):
            await self.put_by()
        self.exit(return_code=self.ending.code)

    def _keep(self) -> None:
        with suppress(Exception):
            self.ending.kept = self.keep_text() or self.ending.kept

    def _handle_exception(self, error: Exception) -> None:
        """Save and leave; in place of Textual's page of locals there is a file."""
        self.ending.by_mistake(error.error if isinstance(error, WorkerFailed) else error)
        self._keep()
        self._hurry()
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        self._close_messages_no_wait()

    def _print_error_renderables(self) -> None:
        self._exit_renderables.clear()

    def _hurry(self) -> None:
        """Leave by force if it takes too long."""
        if isinstance(self._driver, LineDriver):
            signal.setitimer(signal.ITIMER_REAL, _LEAVING_SECONDS, _LEAVING_SECONDS)

    def leave_soon(self) -> None:
        """All is done: what still runs in threads must not keep the shell waiting."""
        if isinstance(self._driver, LineDriver) and not self.ending.code:
            signal.signal(signal.SIGALRM, lambda *_: os._exit(self.return_code or 0))
            signal.setitimer(signal.ITIMER_REAL, _THREADS_SECONDS)

    def _leave_now(self, _number: int, _frame: FrameType | None) -> None:
        # Whatever hangs, this runs on top of it in the main thread.
        if self._leaving_now:
            os._exit(self.ending.code)
        self._leaving_now = True
        self._keep()
        self.restore_terminal()
        self.ending.say()
        # The engine goes with us.
        os._exit(self.ending.code)

    def restore_terminal(self) -> None:
        """Give the terminal back, if that has not been done."""
        with suppress(Exception):
            if self._driver is not None:
                self._driver.stop_application_mode()
        with suppress(Exception):
            if self._driver is not None:
                self._driver.close()


def run_steadily(make: Callable[[], SteadyApp]) -> int:
    """Run an app until it is left, one way or another; returns the exit code."""
    app: SteadyApp | None = None
    ending = Ending()
    try:
        app = make()
        ending = app.ending
        app.take_signals()
        app.run(mouse=app.line.mouse)
        signal.setitimer(signal.ITIMER_REAL, 0)
    except Exception as error:
        # Textual's own way out failed, or ours into the app.
        ending.by_mistake(error)
        if app is not None:
            app.restore_terminal()
    ending.say()
    return ending.code or (app and app.return_code) or 0
