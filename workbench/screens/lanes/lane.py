"""A lane: what it sets, what has been said in it, and where that is shown."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Final

import msgspec

from workbench.engine.client import EngineClient
from workbench.engine.protocol import (
    ChatMessage,
    Finished,
    LanePrompt,
    ModelSource,
    TextArrived,
    Token,
)
from workbench.panes.lanes.column import LaneColumn
from workbench.parameters.chosen import Chosen
from workbench.parameters.kinds import Value, Values
from workbench.parameters.lanes import LETTERS, MODEL
from workbench.parameters.table import BY_KEY, answering, loading
from workbench.screens.exchange import Author, Exchange
from workbench.screens.talk import Talk
from workbench.sessions.conversation import Conversation

# A little less than two of the engine's reports.
_SECONDS: Final = 0.19

Ask = Callable[["Lane", Sequence[ChatMessage]], Awaitable[int]]


class Lane:
    """One of the settings that answer side by side."""

    def __init__(
        self, number: int, chosen: Chosen, model: Path, conversation: Conversation, ask: Ask
    ) -> None:
        """``number`` tells it apart for the engine; ``ask`` has what it is asked answered."""
        self.number = number
        self.chosen = chosen
        self.model = model
        self.column = LaneColumn(LETTERS[number])
        self.exchange = Exchange(conversation)
        # Who is at work on its answer, if anybody is.
        self.engine: EngineClient | None = None
        # Of the answer that was begun last.
        self.tokens: list[Token] = []
        # What has not been shown yet, and when something was.
        self._held: list[TextArrived] = []
        self._written = 0.0
        self._ask = ask

    def like(self, number: int) -> Lane:
        """Another lane that sets the same, and goes on from what has been said in this one."""
        conversation = self.exchange.conversation.fork()
        return Lane(number, self.chosen.copy(), self.model, conversation, self._ask)

    @property
    def talk(self) -> Talk:
        """Its conversation on the screen."""
        return Talk(self.exchange, self.column.transcript, self._asked)

    async def _asked(self, messages: Sequence[ChatMessage]) -> int:
        self.tokens = []
        self.column.say("waiting")
        return await self._ask(self, messages)

    # ---- what it sets ------------------------------------------------------------------------

    @property
    def letter(self) -> str:
        """What it is called."""
        return self.column.letter

    @property
    def named(self) -> dict[str, Value]:
        """All that it sets, and its model's name."""
        return {MODEL: self.model.stem, **self.chosen.values}

    @property
    def source(self) -> ModelSource:
        """The model that answers in it, and how that is loaded."""
        return ModelSource.of(self.model, loading(self.chosen.values))

    def set(self, own: Values) -> None:
        """Set these parameters beside what is set already."""
        for key, value in own.items():
            self.chosen.put(BY_KEY[key], value)

    def prompt(self, messages: Sequence[ChatMessage]) -> LanePrompt:
        """What the engine is to answer."""
        self.exchange.go_by(self.chosen.values)
        return LanePrompt(self.number, list(messages), answering(self.chosen.values))

    # ---- what it answers ---------------------------------------------------------------------

    @property
    def answering(self) -> bool:
        """Whether it waits for the end of an answer."""
        return self.exchange.answering

    @property
    def answer(self) -> str:
        """The text that was written last in it; empty if nothing was."""
        path = self.exchange.conversation.path()
        return path[-1].text if path and path[-1].role == "assistant" else ""

    def hears(self, engine: EngineClient, request: int) -> bool:
        """Whether what an engine says of a request is for this lane."""
        if engine is not self.engine:
            return False
        if self.answering and not self.exchange.request:
            # It answers before we have been told the request's number.
            self.exchange.request = request
        return self.exchange.request == request

    def write(self, event: TextArrived) -> None:
        """Its answer goes on.

        Several columns grow before a reader's eyes: five times a second is quick enough for
        each, and half the cost of ten.
        """
        self.tokens += event.drawn
        self._held.append(event)
        if perf_counter() - self._written > _SECONDS:
            self._write()

    def _write(self) -> None:
        if not self._held:
            return
        self._written = perf_counter()
        held, self._held = self._held, []
        event = msgspec.structs.replace(
            held[-1],
            text="".join(each.text for each in held),
            thoughts="".join(each.thoughts for each in held),
        )
        self.talk.write(event, Author(self.model.stem, self.model, self.chosen.defaults))
        self.column.text_arrived(event)

    def finish(self, event: Finished) -> None:
        """Its answer is complete."""
        self._write()
        self.engine = None
        self.talk.finish(event)
        self.column.finished(event)

    def end(self, finish: str, message: str = "") -> str:
        """It ended otherwise; returns a prompt that got no answer, to be written anew."""
        self._write()
        self.engine = None
        unanswered = self.talk.end(finish)
        if message:
            self.column.transcript.note(message, error=True)
        self.column.say("stopped" if finish == "cancelled" else finish)
        return unanswered
