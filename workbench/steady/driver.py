"""Textual's driver, made to bear any line: one that is slow, stalled, noisy or gone."""

from __future__ import annotations

import codecs
import contextvars
import os
import select
import signal
import sys
from collections.abc import Callable
from typing import Any, Final

from textual import events
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver

from workbench.steady.pastes import Pastes
from workbench.terminal.writer import Writer

_LOOK_SECONDS: Final = 0.1
# Ends whatever sequence was cut off, a synchronised update, and colours.
_AFTER_A_CUT: Final = "\x18\x1b[?2026l\x1b[0m"


class LineDriver(LinuxDriver):
    """Draws a frame only once the last but one has left, and bears what comes in.

    Textual's own makes the event loop wait while the terminal does not read, and ends the
    app with a traceback at a byte that is no UTF-8.
    """

    def __init__(
        self,
        app: App[Any],
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._context = contextvars.copy_context()
        assert sys.__stdout__ is not None
        # Textual's choice is stderr, which may well be a file.
        self._terminal = sys.__stdout__.fileno()
        self._writer: Writer | None = None
        self._held = False
        self._sent = False
        self._missed = False

    # ---- what goes out ---------------------------------------------------------------------

    def start_application_mode(self) -> None:
        if self._writer is not None:
            # Woken up without having been put to sleep.
            return
        self._writer = Writer(self._terminal, gone=_hang_up)
        super().start_application_mode()  # type: ignore[no-untyped-call]

    def write(self, data: str) -> None:
        """Have ``data`` written; never waits."""
        if self._writer is not None:
            self._writer.write(data.encode("utf-8", "replace"))

    def flush(self) -> None:
        """A frame ends here. If the one before it still waits, the screen is held until then."""
        self._sent = True
        if self._writer is not None and not self._writer.end_frame() and not self._held:
            self._held = True
            self._missed = False
            # What changes meanwhile stays marked as changed: one frame will show all of it.
            self._app._begin_batch()
            self._writer.when_drained(lambda: self._call(self._release))

    def frame_was_drawn(self) -> None:
        """Take note of a frame: what Textual draws while the screen is held is not sent."""
        self._missed = self._missed or not self._sent
        self._sent = False

    def _release(self) -> None:
        if not self._held:
            return
        self._held = False
        self._app._end_batch()
        if self._app.screen_stack:
            if self._missed:
                self._app.screen.refresh()
            self._app.screen.check_idle()

    def stop_application_mode(self) -> None:
        """Leave the full screen."""
        # The frames that still wait are for nobody.
        if self._writer is not None and self._writer.drop():
            self.write(_AFTER_A_CUT)
        super().stop_application_mode()

    def close(self) -> None:
        """Write what waits, if the terminal takes it."""
        super().close()
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
        if self._held:
            self._held = False
            self._app._end_batch()

    # ---- what comes in ---------------------------------------------------------------------

    def run_input_thread(self) -> None:
        """Turn what is typed into messages, until told to end or the line is gone."""
        try:
            self._read_input()
        except Exception as error:
            self._call(self._app._handle_exception, error)

    def _read_input(self) -> None:
        parser, pastes = XTermParser(self._debug), Pastes()
        # A Latin-1 character that is pasted, or a meta key of an old terminal, is no UTF-8.
        decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        while not self.exit_event.is_set():
            if select.select([self.fileno], [], [], _LOOK_SECONDS)[0]:
                try:
                    data = os.read(self.fileno, 4096)
                except BlockingIOError:
                    # Another program on this terminal was quicker.
                    continue
                except OSError:
                    data = b""
                if not data:
                    _hang_up()
                    return
                # A part of a character is no text yet, and no text would end the parser.
                for keys, pasted in pastes.feed(decode(data)):
                    for message in parser.feed(keys) if keys else ():
                        self.process_message(message)
                    if pasted:
                        self.process_message(events.Paste(pasted))
            for message in parser.tick():
                self.process_message(message)

    def _call(self, function: Callable[..., object], *arguments: object) -> None:
        """Call ``function`` on the event loop."""
        try:
            self._loop.call_soon_threadsafe(function, *arguments, context=self._context)
        except RuntimeError:
            # The loop has ended, and the app with it.
            return


def _hang_up() -> None:
    """The line is gone, also for those whom the system does not tell."""
    os.kill(os.getpid(), signal.SIGHUP)
