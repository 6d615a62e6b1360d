"""What the interface asks for, as it comes down the pipe."""

from __future__ import annotations

import os
import queue
import threading
from typing import BinaryIO

from workbench.engine.llama.context import AbortFlag
from workbench.engine.protocol import Adjust, Generate, Load, SaveState, Stop, read_request
from workbench.parameters.kinds import Values


class RequestQueue:
    """The requests in order; stops and adjustments overtake them.

    A thread reads the pipe, so that a stop is seen while llama.cpp computes.
    """

    def __init__(self, pipe: BinaryIO, abort: AbortFlag) -> None:
        self._pipe = pipe
        self._abort = abort
        self._queue: queue.SimpleQueue[Load | Generate | SaveState] = queue.SimpleQueue()
        self._stopped: set[int] = set()
        self._adjustment: Adjust | None = None
        self._current: int | None = None
        # Without it a late stop of the last request could hit the next one.
        self._lock = threading.Lock()
        threading.Thread(target=self._read, name="requests", daemon=True).start()

    def next(self) -> Load | Generate | SaveState:
        """Wait for the next request and arm its stop."""
        request = self._queue.get()
        with self._lock:
            self._current = request.request
            self._abort.clear()
            if request.request in self._stopped:
                self._abort.set()
        return request

    def adjustment(self) -> Values | None:
        """The parameters that the current request is to go on by; each is given once."""
        # Without the lock, as this is asked for every token. It may have come before its
        # request was begun, so it is kept until then.
        adjustment = self._adjustment
        if adjustment is None or adjustment.request != self._current:
            return None
        self._adjustment = None
        return adjustment.parameters

    def _read(self) -> None:
        while (request := read_request(self._pipe)) is not None:
            match request:
                case Stop(request=number):
                    with self._lock:
                        self._stopped.add(number)
                        if number == self._current:
                            self._abort.set()
                case Adjust():
                    self._adjustment = request
                case _:
                    self._queue.put(request)
        # The interface is gone: nobody is left to answer, wherever llama.cpp may be.
        os._exit(0)
