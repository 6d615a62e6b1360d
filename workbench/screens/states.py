"""The engine's memory of a conversation, saved when that is left and taken up with it again."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from workbench.engine.client import EngineClient, EngineDied
from workbench.engine.protocol import Event, Failed, Finished, Loaded, ModelSource, StateSaved
from workbench.sessions.session import Session
from workbench.sessions.states import States

# Whoever quits wants to be gone.
_PATIENCE_SECONDS: Final = 3.0
# An engine that hangs keeps nobody.
_STOP_SECONDS: Final = 1.0
# What is read anew sooner than a file is written and read.
_LEAST_TOKENS: Final = 32


class KeptStates:
    """Knows whose words the engine's first lane holds."""

    def __init__(self, engine: EngineClient, states: States) -> None:
        self._engine = engine
        self._states = states
        self._holds: Session | None = None
        self._loaded: Loaded | None = None
        self._n_context = 0
        # A request whose end is waited for.
        self._awaited: int | None = None
        self._done = asyncio.Event()

    def file_for(self, session: Session, source: ModelSource) -> Path | None:
        """The state that an answer may begin with; None if the engine needs none."""
        if session is self._holds or session.id is None:
            return None
        file = self._file(session.id, source)
        self._states.used(file)
        return file

    def _file(self, conversation: int, source: ModelSource) -> Path:
        return self._states.file(conversation, msgspec.msgpack.encode(source))

    def heard(self, event: Event | EngineDied, session: Session) -> None:
        """Take note of what the engine says while ``session`` is open."""
        match event:
            case Loaded():
                self._loaded, self._holds = event, None
            case Finished(lane=0):
                self._holds = session
                self._n_context = event.timings.n_context
            case EngineDied():
                self._holds = self._loaded = None
                self._done.set()
        if isinstance(event, Finished | Failed | StateSaved) and event.request == self._awaited:
            self._done.set()

    def _wait_for(self, request: int) -> None:
        """From now on it is noticed when this ends."""
        self._awaited = request
        self._done.clear()

    async def _ended(self, patience: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._done.wait(), patience)

    async def put_by(self, session: Session, *, answering: int | None) -> None:
        """At the end: have it saved, and wait a while for that.

        ``answering`` is a request to be ended before: then the engine holds all of its answer.
        It is not for whoever passes on what the engine says.
        """
        if answering is not None:
            self._wait_for(answering)
            await self._engine.stop(answering)
            await self._ended(_STOP_SECONDS)
        if await self.save(session):
            await self._ended(_PATIENCE_SECONDS)

    async def save(self, session: Session) -> bool:
        """Have what the engine holds of a conversation written, before what it is asked next.

        Returns whether there is anything to wait for.
        """
        loaded, conversation = self._loaded, session.id
        if session is not self._holds or loaded is None or conversation is None:
            return False
        self._holds = None
        model = loaded.model
        size = model.cache_size * self._n_context // max(1, model.n_ctx)
        if self._n_context < _LEAST_TOKENS:
            return False
        try:
            if not await asyncio.to_thread(self._states.make_room, size):
                return False
        except OSError:
            # Without it a prompt is read anew, no more.
            return False
        request = self._engine.number()
        self._wait_for(request)
        await self._engine.save_state(self._file(conversation, model.source), request=request)
        return True
