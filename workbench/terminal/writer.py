"""Bytes on their way to the terminal; nothing waits for a line that is stalled."""

from __future__ import annotations

import contextlib
import os
import queue
import select
import signal
import termios
import threading
from collections.abc import Callable
from typing import Final, NamedTuple

# A write to a terminal lasts until all of it is taken. After so much it is asked anew
# whether anybody wants the rest.
_PIECE: Final = 16_384
_PATIENCE_SECONDS: Final = 0.5


class _Waiting(NamedTuple):
    number: int
    data: bytes
    last: bool = False


class Writer:
    """Writes in a thread of its own, and knows whether the terminal keeps up.

    To be used from the main thread; what it calls is called in the writing thread.
    """

    def __init__(self, terminal: int, *, gone: Callable[[], None]) -> None:
        """``gone`` is called once the terminal takes nothing any more."""
        self._terminal = terminal
        self._gone = gone
        self._queue: queue.SimpleQueue[_Waiting] = queue.SimpleQueue()
        # What was put, written, dropped, and put by the end of the last frame: so many each.
        self._put = self._written = self._dropped = self._framed = 0
        self._drained: Callable[[], None] | None = None
        self._thread = threading.Thread(target=self._run, name="terminal", daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> None:
        """Have ``data`` written after what waits already."""
        self._put += 1
        self._queue.put(_Waiting(self._put, data))

    def end_frame(self) -> bool:
        """Note that a frame ends here; whether the one before it has been written."""
        keeps_up = self._written >= self._framed
        self._framed = self._put
        return keeps_up

    def when_drained(self, call: Callable[[], None]) -> None:
        """Have ``call`` called once nothing waits any more."""
        self._drained = call
        if self._written >= self._put:
            # The thread may have looked just before.
            self._tell()

    def drop(self) -> bool:
        """Give up what waits, be it half written; whether there was anything."""
        self._dropped = self._put
        return self._written < self._put

    def close(self) -> None:
        """Write what waits and end.

        What a stalled terminal has of what was given up is thrown away to make room for the
        rest; if that does not help, the rest stays unwritten.
        """
        self._put += 1
        self._queue.put(_Waiting(self._put, b"", last=True))
        self._thread.join(_PATIENCE_SECONDS)
        if self._thread.is_alive():
            with contextlib.suppress(termios.error):
                termios.tcflush(self._terminal, termios.TCOFLUSH)
            # The kernel wakes nobody for the room that this made; a signal does.
            signal.signal(signal.SIGURG, lambda *_: None)
            if (thread := self._thread.ident) is not None:
                with contextlib.suppress(ProcessLookupError):
                    signal.pthread_kill(thread, signal.SIGURG)
            self._thread.join(_PATIENCE_SECONDS)

    def _run(self) -> None:
        waiting = [self._queue.get()]
        while True:
            while not self._queue.empty():
                waiting.append(self._queue.get())
            last = waiting[-1]
            data = b"".join(each.data for each in waiting if each.number > self._dropped)
            try:
                self._send(data, last.number)
            except OSError:
                self._gone()
                return
            self._written = last.number
            if last.last:
                return
            if self._written >= self._put:
                self._tell()
            waiting = [self._queue.get()]

    def _send(self, data: bytes, number: int) -> None:
        while data and number > self._dropped:
            try:
                data = data[os.write(self._terminal, data[:_PIECE]) :]
            except BlockingIOError:
                # Whoever shares the terminal with us has set it so.
                select.select([], [self._terminal], [])

    def _tell(self) -> None:
        drained, self._drained = self._drained, None
        if drained is not None:
            drained()
