"""An engine process spoken to directly, for what the client would blur."""

from __future__ import annotations

import subprocess
import sys
from types import TracebackType
from typing import Self

from workbench.engine.protocol import (
    HEADER,
    Event,
    Failed,
    Finished,
    Generate,
    Ready,
    decode_event,
    frame,
)


class EngineProcess:
    """``python -m module``, ready to answer; ended with the block."""

    def __init__(self, module: str, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert isinstance(self._event(), Ready)

    def answer(self, request: Generate) -> Finished:
        """Wait for the answer's end."""
        assert self._process.stdin is not None
        self._process.stdin.write(frame(request))
        self._process.stdin.flush()
        while not isinstance(event := self._event(), Finished):
            if isinstance(event, Failed):
                raise RuntimeError(event.message)
        return event

    def _event(self) -> Event:
        assert self._process.stdout is not None
        (length,) = HEADER.unpack(self._process.stdout.read(HEADER.size))
        return decode_event(self._process.stdout.read(length))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.communicate()
