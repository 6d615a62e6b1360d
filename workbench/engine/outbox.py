"""Events on their way to the interface; nothing that computes waits for it to read."""

from __future__ import annotations

import os
import select
import threading
from collections import deque


class Outbox:
    """Writes to a pipe at once while it takes everything; what it does not take waits.

    A pipe holds 64 KiB. An interface that is stopped, or whose line is, must not stop the
    answer. Only what waits costs a thread: in ordinary times there is one write per event.
    """

    def __init__(self, pipe: int) -> None:
        """``pipe`` is this object's from now on."""
        os.set_blocking(pipe, False)
        self._pipe = pipe
        self._waiting: deque[bytes] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def send(self, frame: bytes) -> None:
        """Send a frame, now or when the pipe has room again. Raises BrokenPipeError."""
        with self._changed:
            if not self._waiting:
                frame = frame[self._write(frame) :]
            if not frame:
                return
            self._waiting.append(frame)
            if self._thread is None:
                self._thread = threading.Thread(target=self._drain, name="events", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _write(self, data: bytes) -> int:
        try:
            return os.write(self._pipe, data)
        except BlockingIOError:
            return 0

    def _drain(self) -> None:
        room = select.poll()
        room.register(self._pipe, select.POLLOUT)
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
            room.poll()
            with self._changed:
                first = self._waiting[0]
                try:
                    rest = first[self._write(first) :]
                except BrokenPipeError:
                    # The end of the other pipe ends the process.
                    return
                if rest:
                    self._waiting[0] = rest
                else:
                    self._waiting.popleft()
