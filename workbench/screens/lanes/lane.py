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
from workbench.parameters.presets import PresetError
from workbench.parameters.table import BY_KEY, answering, loading
from workbench.screens.exchange import Author, Ended, Exchange
from workbench.screens.talk import Talk
from workbench.sessions.conversation import Conversation, Message
from workbench.untrusted import without_controls

# A little less than two of the engine's reports.
_SECONDS: Final = 0.19

Ask = Callable[["Lane", Sequence[ChatMessage]], Awaitable[None]]


class Lane:
    """One of the settings that answer side by side."""

    def __init__(
        self,
        number: int,
        chosen: Chosen,
        model: Path,
        conversation: Conversation,
        ask: Ask,
        *,
        letter: str = "",
    ) -> None:
        """``number`` tells it apart for the engine; ``ask`` has what it is asked answered."""
        self.number = number
        self.chosen = chosen
        self.model = model
        self.column = LaneColumn(letter or LETTERS[number])
        self.exchange = Exchange(conversation)
        # Who is at work on its answer, if anybody is, and which model that has.
        self.engine: EngineClient | None = None
        self.source_at_work: ModelSource | None = None
        # Of each answer that was given here, by its message.
        self._tokens: dict[int, list[Token]] = {}
        # Whether the last prompt was answered.
        self.answered = False
        # What has not been shown yet, and when something was.
        self._held: list[TextArrived] = []
        self._written = 0.0
        self._ask = ask

    def asks(self, ask: Ask) -> None:
        """Let what it is asked be answered another way."""
        self._ask = ask

    def like(self, number: int, letter: str) -> Lane:
        """Another lane that sets the same, and goes on from what has been said in this one."""
        conversation = self.exchange.conversation.fork()
        # A prompt that is being answered is not its own.
        conversation.go_to(self.exchange.settled)
        lane = Lane(number, self.chosen.copy(), self.model, conversation, self._ask, letter=letter)
        lane._tokens = dict(self._tokens)
        return lane

    @property
    def talk(self) -> Talk:
        """Its conversation on the screen."""
        return Talk(self.exchange, self.column.transcript, self._asked)

    async def _asked(self, messages: Sequence[ChatMessage]) -> int:
        self.answered = False
        self.column.say("waiting")
        await self._ask(self, messages)
        return self.exchange.request or 0

    # ---- what it sets ------------------------------------------------------------------------

    @property
    def letter(self) -> str:
        """What it is called."""
        return self.column.letter

    @property
    def named(self) -> dict[str, Value]:
        """All that it sets, and its model's name."""
        return {MODEL: without_controls(self.model.stem), **self.chosen.values}

    @property
    def source(self) -> ModelSource:
        """The model that answers in it, and how that is loaded."""
        return ModelSource.of(self.model, loading(self.chosen.values))

    def use_model(self, model: Path) -> None:
        """Let another model answer, with its own preset in the place of the former one's."""
        self.model = model
        try:
            self.chosen.use_model(model.stem)
        except PresetError as error:
            self.column.note(f"{error}.", error=True)

    def set(self, own: Values) -> None:
        """Set these parameters beside what is set already."""
        for key, value in own.items():
            self.chosen.put(BY_KEY[key], value)

    def prompt(self, messages: Sequence[ChatMessage], seed: int | None = None) -> LanePrompt:
        """What the engine is to answer; by ``seed``, unless the lane sets one."""
        self.exchange.go_by(self.chosen.values)
        values = answering(self.chosen.values)
        if seed is not None:
            values.setdefault("seed", seed)
        return LanePrompt(self.number, list(messages), values)

    def begin(self, engine: EngineClient, request: int) -> None:
        """An engine is asked for its answer."""
        self.engine, self.source_at_work = engine, self.source
        self.exchange.wait_for(request)

    # ---- what it answers ---------------------------------------------------------------------

    @property
    def answering(self) -> bool:
        """Whether it waits for the end of an answer."""
        return self.exchange.answering

    @property
    def waiting(self) -> bool:
        """Whether no engine has been asked for its answer yet."""
        return self.answering and self.engine is None

    @property
    def _last(self) -> Message | None:
        path = self.exchange.conversation.path()
        return path[-1] if path and path[-1].role == "assistant" else None

    @property
    def answer(self) -> str:
        """The text that was written last in it; empty if nothing was."""
        return self._last.text if self._last else ""

    @property
    def asked(self) -> str:
        """The prompt that was written last in it; empty if none was."""
        path = self.exchange.conversation.path()
        return next((each.text for each in reversed(path) if each.role == "user"), "")

    @property
    def tokens(self) -> list[Token]:
        """Those of that text, if they are known: not all were drawn here, nor all shown."""
        last = self._last
        return self._tokens.get(last.id, []) if last and not last.thoughts else []

    def hears(self, engine: EngineClient, request: int) -> bool:
        """Whether what an engine says of a request is for this lane."""
        return engine is self.engine and self.exchange.request == request

    def write(self, event: TextArrived) -> None:
        """Its answer goes on.

        Several columns grow before a reader's eyes: five times a second is quick enough for
        each, and half the cost of ten.
        """
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
        assert self.source_at_work is not None
        file = self.source_at_work.file
        self.talk.write(event, Author(without_controls(file.stem), file, self.chosen.defaults))
        if self.exchange.answer is not None:
            drawn = self._tokens.setdefault(self.exchange.answer.id, [])
            drawn += (token for each in held for token in each.drawn)
        self.column.text_arrived(event)

    def finish(self, event: Finished) -> str:
        """Its answer is complete; returns a prompt that got none, to be written anew."""
        self._write()
        self.engine = None
        unanswered = self._over(self.talk.finish(event))
        self.column.finished(event)
        return unanswered

    def end(self, finish: str, notes: Sequence[str] = ()) -> str:
        """It ended otherwise; returns as ``finish`` does."""
        self._write()
        self.engine = None
        unanswered = self._over(self.talk.end(finish))
        for note in notes:
            self.column.note(note, error=note is notes[0])
        self.column.say("stopped" if finish == "cancelled" else finish, over=True)
        return unanswered

    def _over(self, ended: Ended) -> str:
        if ended.unanswered:
            self.column.transcript.mark_unanswered()
        else:
            self.answered = bool(self.answer)
        return ended.unanswered
