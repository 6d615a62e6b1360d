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
        # The request that saves, and what waits for its end.
        self._request: int | None = None
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
            case StateSaved() | Failed() if event.request == self._request:
                self._done.set()
            case EngineDied():
                self._holds = self._loaded = None
                self._done.set()

    async def save(self, session: Session) -> None:
        """Have what the engine holds of a conversation written, and wait a while for it.

        What it is asked next, it does after that.
        """
        loaded, conversation = self._loaded, session.id
        if session is not self._holds or loaded is None or conversation is None:
            return
        self._holds = None
        model = loaded.model
        size = model.cache_size * self._n_context // max(1, model.n_ctx)
        if self._n_context < _LEAST_TOKENS:
            return
        try:
            if not await asyncio.to_thread(self._states.make_room, size):
                return
        except OSError:
            # Without it a prompt is read anew, no more.
            return
        self._done.clear()
        self._request = await self._engine.save_state(self._file(conversation, model.source))
        with suppress(TimeoutError):
            await asyncio.wait_for(self._done.wait(), _PATIENCE_SECONDS)
