"""Lanes and the engines that answer them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from textual import work
from textual.content import Content
from textual.message import Message

from workbench.engine.client import EngineClient, EngineDied
from workbench.engine.protocol import (
    ChatMessage,
    Event,
    Failed,
    Finished,
    LanePrompt,
    Loaded,
    LoadProgress,
    ModelSource,
    Noted,
    PromptProgress,
    TextArrived,
)
from workbench.panes.figures import per_second
from workbench.panes.lanes.together import Together
from workbench.parameters.chosen import Chosen
from workbench.parameters.kinds import Values
from workbench.parameters.table import answering, loading
from workbench.screens.lanes.engines import Engines
from workbench.screens.lanes.judging import JudgingScreen
from workbench.screens.lanes.lane import Lane
from workbench.sessions.conversation import Conversation
from workbench.sessions.conversation import Message as Said


class LaneReported(Message, bubble=False):
    """An engine beside the chat's said something."""

    def __init__(self, engine: EngineClient, event: Event | EngineDied) -> None:
        super().__init__()
        self.engine = engine
        self.event = event


class _Turn(NamedTuple):
    """What one engine is to answer at once."""

    source: ModelSource
    lanes: list[Lane]
    prompts: list[LanePrompt]


class AnsweringScreen(JudgingScreen):
    """Asks the lanes' engines, and shows what those say."""

    def __init__(
        self,
        engine: EngineClient,
        *,
        model: Path,
        conversation: Conversation,
        common: Chosen,
        lanes: Sequence[Values],
        find: Callable[[str], Path],
        more: Callable[[], EngineClient],
        n_ctx: int = 0,
        draft: str = "",
        keep: Callable[[], None] = lambda: None,
    ) -> None:
        """``common`` is what is set for all in ``model``, ``lanes`` what each sets beside it.

        ``find`` gives the file of a model's name, ``more`` another engine beside ``engine``;
        ``n_ctx`` is the length of the context as far as it is known. ``keep`` is called when an
        engine beside ``engine`` has said something that is to be kept.
        """
        super().__init__(model=model, conversation=conversation, common=common, draft=draft)
        self._engine = engine
        self._find = find
        self._source = ModelSource.of(model, loading(common.values))
        self._engines = Engines(engine, self._source, more)
        self._n_ctx = n_ctx
        self._keep = keep
        self._turns: deque[_Turn] = deque()
        self._together = Together()
        # What lanes ask at once, while they do.
        self._asking: list[tuple[Lane, LanePrompt]] | None = None
        self.lanes = self.made(lanes)

    def made(self, lanes: Sequence[Values]) -> list[Lane]:
        """Lanes that go on from the chat, each by what it sets beside all the others."""
        made = []
        for number, own in enumerate(lanes):
            lane = Lane(
                number, self._common.copy(), self._model, self._conversation.fork(), self._generate
            )
            lane.set(own)
            made.append(lane)
        return made

    async def on_unmount(self) -> None:
        await self._engines.close()

    @property
    def answering(self) -> bool:
        """Whether a lane is at work."""
        return any(lane.answering for lane in self.lanes)

    def refuses(self) -> bool:
        """Whether a lane is at work; says so."""
        if self.answering:
            self.notify("The lanes are at work: Esc stops them.", severity="warning", timeout=3)
        return self.answering

    # ---- what is asked -----------------------------------------------------------------------

    async def ask(self, text: str, *, instead_of: int | None = None) -> None:
        """Send a prompt to all lanes, perhaps in the place of that at this depth of theirs."""
        self._together = Together()
        # What lanes of one engine have in common is evaluated once.
        self._asking = []
        # The answers of lanes that stand at the same place are answers to one prompt.
        prompts: dict[int | None, Said] = {}
        for lane in self.lanes:
            path = lane.exchange.conversation.path()[instead_of:] if instead_of is not None else []
            former = path[0] if path and path[0].role == "user" else None
            behind = former.parent if former else lane.exchange.conversation.leaf
            known = prompts.get(behind)
            prompts[behind] = await lane.talk.ask(text, instead_of=former, known=known)
        asked, self._asking = self._asking, None
        turns: list[_Turn] = []
        for lane, prompt in asked:
            of_source = [turn for turn in turns if turn.source == lane.source]
            turn = of_source[0] if of_source else _Turn(lane.source, [], [])
            if not of_source:
                turns.append(turn)
            turn.lanes.append(lane)
            turn.prompts.append(prompt)
        self._turns.extend(turns)
        await self._go_on()

    async def _generate(self, lane: Lane, messages: Sequence[ChatMessage]) -> int:
        """Have a lane answered, with the others or alone."""
        prompt = lane.prompt(messages)
        if self._asking is not None:
            self._asking.append((lane, prompt))
            return 0
        self._turns.append(_Turn(lane.source, [lane], [prompt]))
        await self._go_on()
        return lane.exchange.request or 0

    async def engines_fit(self) -> bool:
        """Whether there is an engine for every lane; says why not."""
        try:
            new = await self._engines.fit([lane.source for lane in self.lanes])
        except (MemoryError, OSError) as error:
            self.notify(f"{error}.", severity="error", timeout=8, markup=False)
            return False
        for engine in new:
            self._listen(engine)
        return True

    async def _go_on(self) -> None:
        """Send what waits to its engine, as soon as no other one is at work.

        Two of them at once would take each other's cores, and both speeds would say nothing.
        """
        while self._turns:
            turn = self._turns[0]
            engine = self._engines.of(turn.source)
            busy = {lane.engine for lane in self.lanes if lane.engine is not None}
            if busy - {engine}:
                return
            self._turns.popleft()
            for lane in turn.lanes:
                lane.engine = engine
            request = await engine.generate(turn.source, turn.prompts)
            for lane in turn.lanes:
                if lane.answering:
                    lane.exchange.request = request
        self.refresh_bindings()

    async def adjust(self, lane: Lane) -> None:
        """Let an answer go on by what its lane sets now."""
        if lane.engine is not None and lane.exchange.request:
            values = answering(lane.chosen.values)
            lane.exchange.adjust(values)
            await lane.engine.adjust(lane.exchange.request, lane.number, values)

    # ---- stopping ----------------------------------------------------------------------------

    async def action_stop(self) -> None:
        """Stop all lanes."""
        at_work = [lane for lane in self.lanes if lane.engine is not None]
        for engine, request in {(lane.engine, lane.exchange.request) for lane in at_work}:
            if engine is not None and request:
                await engine.stop(request)
        self._leave_waiting([lane for turn in self._turns for lane in turn.lanes])

    async def action_stop_one(self) -> None:
        """Stop the foremost lane alone."""
        lane = self.foremost
        if lane.engine is not None and lane.exchange.request:
            await lane.engine.stop(lane.exchange.request, lane.number)
        elif lane.answering:
            self._leave_waiting([lane])

    def _leave_waiting(self, lanes: Sequence[Lane]) -> None:
        """Do not answer what no engine has been asked yet."""
        turns = [
            _Turn(
                turn.source,
                [lane for lane in turn.lanes if lane not in lanes],
                [
                    prompt
                    for lane, prompt in zip(turn.lanes, turn.prompts, strict=True)
                    if lane not in lanes
                ],
            )
            for turn in self._turns
        ]
        self._turns = deque(turn for turn in turns if turn.lanes)
        self._end(lanes, "cancelled", "")

    # ---- what the engines report -------------------------------------------------------------

    @work(group="lanes", description="listen to another engine", exit_on_error=False)
    async def _listen(self, engine: EngineClient) -> None:
        async for event in engine.events():
            self.post_message(LaneReported(engine, event))

    def on_lane_reported(self, message: LaneReported) -> None:
        if self.take(message.event, message.engine):
            self._keep()

    def take(self, event: Event | EngineDied, engine: EngineClient | None = None) -> bool:
        """Show what an engine says to a lane; False if it says it to others.

        It is the chat's engine where none is named.
        """
        engine = engine or self._engine
        if isinstance(event, EngineDied):
            lanes = [lane for lane in self.lanes if lane.engine is engine]
            self._end(lanes, "died", f"The engine died ({event.cause}). {event.advice}")
            return False
        if isinstance(event, Loaded | LoadProgress | Failed):
            return self._take_of_request(event, engine)
        if not isinstance(event, PromptProgress | TextArrived | Finished | Noted):
            return False
        for lane in self.lanes:
            if lane.number == event.lane and lane.hears(engine, event.request):
                self._take(event, lane)
                self.summarise_soon()
                return True
        return False

    def _take_of_request(self, event: Loaded | LoadProgress | Failed, engine: EngineClient) -> bool:
        """Take what is said of all lanes of a request."""
        lanes = [lane for lane in self.lanes if lane.hears(engine, event.request)]
        match event:
            case LoadProgress():
                for lane in lanes:
                    lane.column.say(f"loading {event.fraction * 100:.0f} %")
            case Loaded():
                self._n_ctx = event.model.n_ctx if engine is self._engine else self._n_ctx
                for lane in lanes:
                    lane.chosen.defaults = event.model.defaults
                    for note in event.notes:
                        lane.column.transcript.note(note)
                self.show_lanes()
                # The chat is told of what it would load itself.
                return engine is not self._engine or event.model.source != self._source
            case Failed():
                self._end(lanes, "failed", "" if event.stopped else event.message)
        return bool(lanes)

    def _take(self, event: PromptProgress | TextArrived | Finished | Noted, lane: Lane) -> None:
        match event:
            case PromptProgress():
                lane.column.say(f"reading {event.n_done} of {event.n_total}")
            case TextArrived():
                lane.write(event)
                self._together.add(event)
            case Finished():
                self._n_ctx = event.timings.n_ctx
                lane.finish(event)
                for note in event.notes:
                    lane.column.transcript.note(note)
                self._ended()
            case Noted():
                lane.column.transcript.note(event.note)

    def _end(self, lanes: Sequence[Lane], finish: str, message: str) -> None:
        for lane in lanes:
            if lane.answering:
                unanswered = lane.end(finish, message)
                if unanswered and not self.prompt.text:
                    self.prompt.load_text(unanswered)
        if lanes:
            self._ended()

    def _ended(self) -> None:
        """An answer is over: who waits for its engine may begin."""
        self.summarise()
        self.refresh_bindings()
        if not self.answering:
            self.judge([lane for lane in self.lanes if lane.tokens])
        self.call_next(self._go_on)

    def summarise(self) -> None:
        """Say how far all are, and what they come to."""
        super().summarise()
        parts = [f"{len(self.lanes)} lane{'s' * (len(self.lanes) > 1)}"]
        sources: list[ModelSource] = []
        for lane in self.lanes:
            if lane.source not in sources:
                sources.append(lane.source)
        if len(sources) > 1:
            parts.append(f"{len(sources)} engines, one after another: no shared batch")
        if self._together.tps and not self.hidden:
            parts.append(f"{per_second(self._together.tps)} t/s together")
        if self._n_ctx:
            parts.append(f"context {self._together.n_used} of {self._n_ctx}")
        if self.linked:
            parts.append("scrolling together")
        if self.blind:
            parts.append("vote: F2" if self.hidden else "blind")
        self.status.show([Content("  ·  ".join(parts))])
