"""The interface's side of the engine: starts the process, sends requests, yields events."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from workbench.engine.pace import REPORTS_A_SECOND
from workbench.engine.protocol import (
    HEADER,
    Adjust,
    Event,
    Generate,
    LanePrompt,
    Load,
    ModelSource,
    Price,
    Request,
    SaveState,
    Stop,
    decode_event,
    frame,
)
from workbench.parameters.kinds import Values
from workbench.untrusted import without_controls

_LOG_TAIL_LINES: Final = 6
# llama.cpp talks a lot; what it said about buffers explains no death.
_TELLING: Final = re.compile(
    r"error|fail|abort|assert|exception|invalid|unable|cannot|what\(\)|terminate"
    r"|\.(?:c|cc|cpp|cu|cuh|h|hpp|m):\d+: ",
    re.IGNORECASE,
)
# llama.cpp names its own files as they lay where it was built.
_BUILT_IN: Final = re.compile(r"/\S*/(?=[\w.-]+\.(?:c|cc|cpp|cu|cuh|h|hpp|m):\d+: )")
_LOG_TAIL_BYTES: Final = 8192
_GRACE_SECONDS: Final = 2.0

_ENDED: Final = "you ended it"

_ADVICE: Final[Mapping[str, str]] = {
    _ENDED: "It did not stop by itself.",
    "SIGKILL": "Something killed it, often the system for lack of memory: "
    "try a smaller model or a smaller n_ctx.",
    "SIGILL": "llama.cpp was built for another kind of CPU: build llama-cpp-python again here.",
    "SIGSEGV": "llama.cpp crashed: try other parameters, or another model file.",
    "SIGABRT": "llama.cpp gave up: its last words below say why.",
    "SIGBUS": "The model file changed or vanished while it was in use.",
}
# However llama.cpp or Python end when they get no memory.
_NO_MEMORY: Final = re.compile(
    r"bad_alloc|MemoryError|[Cc]annot allocate|failed to allocate|mem_buffer != NULL"
)
_NO_MEMORY_ADVICE: Final = "It got no more memory: try a smaller model or a smaller n_ctx."


class EngineDied(msgspec.Struct, frozen=True):
    """The engine process ended unasked. The next request starts a new one.

    ``cause`` is the signal's name, ``exit code N``, or why it could not be started; ``log``
    the last lines it wrote. ``request`` is the last that was on its way by then: those after
    it go to the next engine.
    """

    cause: str
    advice: str
    log: list[str]
    request: int

    @property
    def said(self) -> str:
        """What to tell a person, but for the log."""
        return f"The engine died ({self.cause}). {self.advice}"


class EngineClient:
    """One engine process at a time, started by the first request that needs it.

    To be used from one asyncio event loop in the main thread: the engine dies with the
    thread that started it.
    """

    def __init__(self, log_file: Path, *, reports_a_second: int = REPORTS_A_SECOND) -> None:
        self.log_file = log_file
        self.reports_a_second = reports_a_second
        self._log_start = 0
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._events: asyncio.Queue[Event | EngineDied] = asyncio.Queue()
        self._last_request = 0
        self._sent = 0
        self._stopping = False
        self._killed = False

    @property
    def pid(self) -> int | None:
        """The engine's process id while it runs."""
        return self._process.pid if self._process is not None else None

    async def load(self, model: ModelSource) -> int:
        """Ask for a model to be loaded; returns the request's number."""
        return await self._send(Load(self.number(), model))

    def number(self) -> int:
        """A number for the next request: known before anything is sent."""
        self._last_request += 1
        return self._last_request

    async def generate(
        self,
        model: ModelSource,
        lanes: Sequence[LanePrompt],
        *,
        state: Path | None = None,
        request: int | None = None,
    ) -> int:
        """Ask for an answer in every lane; returns the request's number.

        ``state`` is a file of ``save_state``'s for the first of them to take up, if it is
        there; ``request`` is one of ``number``'s.
        """
        return await self._send(
            Generate(
                request or self.number(),
                model,
                list(lanes),
                os.fsencode(state) if state is not None else b"",
            )
        )

    async def adjust(self, request: int, lane: int, parameters: Values) -> None:
        """Let a running answer go on by these parameters."""
        if self._process is not None:
            await self._send(Adjust(request, lane, dict(parameters)))

    async def save_state(self, file: Path, *, request: int | None = None) -> int:
        """Ask for the context's memory to be written to ``file``; returns the request's number.

        ``request`` is one of ``number``'s.
        """
        return await self._send(SaveState(request or self.number(), os.fsencode(file)))

    async def price(self, model: ModelSource) -> int:
        """Ask what a model would take; returns the request's number."""
        self._last_request += 1
        return await self._send(Price(self._last_request, model))

    async def stop(self, request: int, lane: int | None = None) -> None:
        """End a request early, or one of its lanes. Without an engine there is nothing to end."""
        # One that is just being started has been asked already.
        if self._process is not None or self._starting.locked():
            await self._send(Stop(request, lane))

    def kill(self) -> None:
        """End an engine that does not stop. The next request starts a new one."""
        if self._process is not None:
            self._killed = True
            self._process.kill()

    async def events(self) -> AsyncIterator[Event | EngineDied]:
        """What the engine reports, for ever."""
        while True:
            yield await self._events.get()

    async def start(self) -> None:
        """Start the process if it does not run: the first answer then need not wait for it."""
        async with self._starting:
            if self._process is None and not self._stopping:
                try:
                    self._process = await self._spawn()
                except OSError as error:
                    self._events.put_nowait(self._died(f"it could not be started: {error}"))
                    return
                self._reader = asyncio.create_task(self._read(self._process))

    async def close(self) -> None:
        """End the engine, gently by closing its pipe, then by force."""
        self._stopping = True
        process, reader = self._process, self._reader
        if process is None or reader is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(asyncio.shield(reader), _GRACE_SECONDS)
        except TimeoutError:
            process.kill()
            await reader

    async def _spawn(self) -> asyncio.subprocess.Process:
        with self.log_file.open("ab") as log:
            self._log_start = log.tell()
            return await asyncio.create_subprocess_exec(
                sys.executable,
                # Without it a file in the current folder could pose as one of our modules.
                "-P",
                "-m",
                "workbench.engine.host",
                str(self.reports_a_second),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                # ggml would otherwise start a debugger to print where it failed.
                env={**os.environ, "GGML_NO_BACKTRACE": "1"},
                # The terminal's ctrl+c is for the interface alone.
                start_new_session=True,
            )

    async def _send(self, request: Request) -> int:
        # Also one that cannot be started has this request to end with it.
        self._sent = max(self._sent, request.request)
        await self.start()
        if self._process is not None and self._process.stdin is not None:
            try:
                self._process.stdin.write(frame(request))
                await self._process.stdin.drain()
            except (BrokenPipeError, ConnectionResetError):
                # It died under us; the reader reports that.
                pass
        return request.request

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        try:
            while True:
                header = await process.stdout.readexactly(HEADER.size)
                body = await process.stdout.readexactly(*HEADER.unpack(header))
                self._events.put_nowait(decode_event(body))
        except asyncio.IncompleteReadError:
            pass
        status = await process.wait()
        self._process = None
        if not self._stopping:
            cause = signal.Signals(-status).name if status < 0 else f"exit code {status}"
            self._events.put_nowait(self._died(_ENDED if self._killed else cause))
        self._killed = False

    def _died(self, cause: str) -> EngineDied:
        log = self._log_tail()
        advice = _ADVICE.get(cause, "Its last words below may say why.")
        if cause != _ENDED and any(map(_NO_MEMORY.search, log)):
            advice = _NO_MEMORY_ADVICE
        return EngineDied(cause=cause, advice=advice, log=log, request=self._sent)

    def _log_tail(self) -> list[str]:
        if not self.log_file.exists():
            return []
        with self.log_file.open("rb") as log:
            # Not the last words of the one before it.
            log.seek(max(self._log_start, self.log_file.stat().st_size - _LOG_TAIL_BYTES))
            text = log.read().decode("utf-8", "replace")
        telling = filter(_TELLING.search, text.splitlines())
        lines = deque(maxlen=_LOG_TAIL_LINES, iterable=telling)
        said = [without_controls(_BUILT_IN.sub("", line)) for line in lines]
        return [*said, f"(log: {self.log_file})"]
