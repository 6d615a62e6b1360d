"""What the interface asks for, as it comes down the pipe."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from typing import BinaryIO

from workbench.engine.llama.context import AbortFlag
from workbench.engine.protocol import Adjust, Generate, Load, Price, SaveState, Stop, read_request
from workbench.parameters.kinds import Values


class RequestQueue:
    """The requests in order; stops and adjustments overtake them.

    A thread reads the pipe, so that a stop is seen while llama.cpp computes.
    """

    def __init__(self, pipe: BinaryIO, abort: AbortFlag) -> None:
        self._pipe = pipe
        self._abort = abort
        self._waiting: deque[Load | Generate | SaveState | Price] = deque()
        self._stopped: set[int] = set()
        self._stopped_lanes: set[tuple[int, int]] = set()
        # By request and lane. They may have come before their request was begun.
        self._adjustments: dict[tuple[int, int], Values] = {}
        # The request for which llama.cpp computes alone: its stop may end that at once.
        self._alone: int | None = None
        # Without it a late stop of the last request could hit the next one.
        self._changed = threading.Condition()
        threading.Thread(target=self._read, name="requests", daemon=True).start()

    def next(self) -> Load | Generate | SaveState | Price:
        """Wait for the next request and arm its stop."""
        with self._changed:
            while not self._waiting:
                self._changed.wait()
            # What was meant for requests that are over is no longer of use.
            request = self._waiting.popleft()
            self._adjustments = {
                key: values
                for key, values in self._adjustments.items()
                if key[0] >= request.request
            }
        self.arm(request.request)
        return request

    def joining(self, fits: Callable[[Generate], bool]) -> Generate | None:
        """The next request if it is one that can be answered beside those under way."""
        # Without the lock, as this is asked for every token.
        if not self._waiting:
            return None
        with self._changed:
            request = self._waiting[0]
            if isinstance(request, Generate) and fits(request):
                self._waiting.popleft()
                return request
        return None

    def arm(self, request: int | None) -> None:
        """From now on llama.cpp computes for ``request`` alone, or for several."""
        with self._changed:
            self._alone = request
            self._abort.clear()
            if request in self._stopped:
                self._abort.set()

    def stopped(self, request: int, lane: int) -> bool:
        """Whether a lane is to end."""
        return request in self._stopped or (request, lane) in self._stopped_lanes

    def adjustment(self, request: int, lane: int) -> Values | None:
        """The parameters that a lane is to go on by; each is given once."""
        # Without the lock, as this is asked for every token.
        return self._adjustments.pop((request, lane), None) if self._adjustments else None

    def _read(self) -> None:
        while (request := read_request(self._pipe)) is not None:
            with self._changed:
                match request:
                    case Stop(request=number, lane=None):
                        self._stopped.add(number)
                        if number == self._alone:
                            self._abort.set()
                    case Stop(request=number, lane=int(lane)):
                        self._stopped_lanes.add((number, lane))
                    case Adjust():
                        self._adjustments[request.request, request.lane] = request.parameters
                    case Load() | Generate() | SaveState() | Price():
                        self._waiting.append(request)
                        self._changed.notify()
        # The interface is gone: nobody is left to answer, wherever llama.cpp may be.
        os._exit(0)
