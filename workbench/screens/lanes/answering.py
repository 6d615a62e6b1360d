"""Lanes and the engines that answer them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from textual import on, work
from textual.content import Content
from textual.message import Message
from textual.worker import Worker

from workbench.engine.client import EngineClient, EngineDied
from workbench.engine.protocol import (
    ChatMessage,
    Event,
    Failed,
    Finished,
    Loaded,
    LoadProgress,
    ModelSource,
    Noted,
    PromptProgress,
    TextArrived,
)
from workbench.panes.chat.prompt import Prompt
from workbench.panes.figures import per_second
from workbench.panes.lanes.together import Together
from workbench.parameters.chosen import Chosen
from workbench.parameters.kinds import Values
from workbench.parameters.lanes import LETTERS, RANDOM_SEED, chosen_seed
from workbench.parameters.table import answering, loading
from workbench.screens.lanes.engines import Engines
from workbench.screens.lanes.judging import JudgingScreen
from workbench.screens.lanes.lane import Lane
from workbench.sessions.conversation import Conversation
from workbench.sessions.conversation import Message as Said
from workbench.untrusted import without_controls


class LaneReported(Message, bubble=False):
    """An engine beside the chat's said something."""

    def __init__(self, engine: EngineClient, event: Event | EngineDied) -> None:
        super().__init__()
        self.engine = engine
        self.event = event


class _Waiting(NamedTuple):
    """What a lane has been asked, and no engine yet."""

    lane: Lane
    messages: Sequence[ChatMessage]
    seed: int | None


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
        keep: Callable[[], None],
        n_ctx: int = 0,
        has_gpus: bool = False,
        draft: Callable[[], str] = str,
        former: Sequence[Lane] = (),
    ) -> None:
        """``common`` is what is set for all in ``model``, ``lanes`` what each sets beside it.

        ``find`` gives the file of a model's name, ``more`` another engine beside ``engine``;
        ``keep`` has what was said kept; ``n_ctx`` is the context's length, if it is known;
        ``has_gpus`` says whether models may lie elsewhere than in the system's memory.
        ``former`` are lanes that were left, to be gone on with instead.
        """
        super().__init__(model=model, conversation=conversation, common=common, draft=draft)
        self._engine = engine
        self._find = find
        self._keep = keep
        self._source = ModelSource.of(model, loading(common.values))
        self._engines = Engines(engine, self._source, more, has_gpus=has_gpus)
        self._listening: dict[EngineClient, Worker[None]] = {}
        self._n_ctx = {engine: n_ctx}
        self._waiting: list[_Waiting] = []
        self._together = Together()
        # Whether all lanes draw by the same chance, where they set no seed.
        self.same_seed = False
        # What was said of models: once is enough.
        self._told: set[str] = set()
        self.lanes = [self._again(lane) for lane in former] or self.made(lanes)

    def made(self, lanes: Sequence[Values]) -> list[Lane]:
        """Lanes that go on from the chat, each by what it sets beside all the others."""
        made = []
        for number, own in enumerate(lanes):
            lane = Lane(
                number, self._common.copy(), self._model, self._conversation.fork(), self._wait
            )
            lane.set(own)
            made.append(lane)
        return made

    def _again(self, former: Lane) -> Lane:
        """A lane that was left, with a column of its own."""
        lane = former.like(former.number, former.letter)
        lane.asks(self._wait)
        return lane

    def lined_up(self, lanes: Sequence[Values]) -> list[Lane]:
        """Lanes that go on from the foremost, each by what it sets beside that one."""
        made = []
        for number, own in enumerate(lanes):
            lane = self.foremost.like(number, LETTERS[number])
            lane.set(own)
            made.append(lane)
        self._together = Together()
        return made

    async def on_unmount(self) -> None:
        await self._engines.close()

    # ---- what is asked -----------------------------------------------------------------------

    async def ask(self, text: str, *, instead_of: int | None = None) -> None:
        """Send a prompt to all lanes, perhaps in the place of that at this depth of theirs."""
        seed = chosen_seed(RANDOM_SEED) if self.same_seed else None
        self._seed = seed
        # The answers of lanes that stand at the same place are answers to one prompt.
        prompts: dict[int | None, Said] = {}
        for lane in self.lanes:
            path = lane.exchange.conversation.path()[instead_of:] if instead_of is not None else []
            former = path[0] if path and path[0].role == "user" else None
            behind = former.parent if former else lane.exchange.conversation.leaf
            known = prompts.get(behind)
            prompts[behind] = await lane.talk.ask(text, instead_of=former, known=known)
        self._seed = None
        await self.go_on()

    # What lanes that are asked now draw by, unless they set a seed.
    _seed: int | None = None

    async def _wait(self, lane: Lane, messages: Sequence[ChatMessage]) -> None:
        """Have a lane answered as soon as its engine may begin."""
        self._waiting.append(_Waiting(lane, messages, self._seed))

    async def engines_fit(self) -> bool:
        """Whether there is an engine for every lane; says why not."""
        at_work = [lane.source_at_work for lane in self.lanes if lane.engine is not None]
        sources = [each for each in at_work if each is not None]
        try:
            await self._engines.fit([*sources, *(lane.source for lane in self.lanes)])
        except MemoryError as error:
            self._refuse(f"{error}.")
            return False
        except OSError as error:
            self._refuse(f"{error.filename}: {error.strerror}.")
            return False
        others = self._engines.others
        for engine in [each for each in self._listening if each not in others]:
            self._listening.pop(engine).cancel()
        for engine in others:
            if engine not in self._listening:
                self._listening[engine] = self._listen(engine)
        return True

    def _refuse(self, why: str) -> None:
        # Names of files are in it.
        self.notify(without_controls(why), severity="error", timeout=8, markup=False)

    async def go_on(self) -> None:
        """Ask the engine of those that wait, as soon as no other one is at work.

        Two of them at once would take each other's cores, and both speeds would say nothing.
        """
        while self._waiting:
            # What a lane sets may have changed while it waited.
            source = self._waiting[0].lane.source
            engine = self._engines.of(source)
            if engine is None:
                if not await self.engines_fit():
                    self._leave_waiting([waiting.lane for waiting in self._waiting])
                    return
                engine = self._engines.of(source)
                assert engine is not None
            if {lane.engine for lane in self.lanes} - {None, engine}:
                break
            # What lanes of one engine have in common is evaluated once.
            turn = [each for each in self._waiting if each.lane.source == source]
            if not turn:
                # They were stopped meanwhile.
                continue
            self._waiting = [each for each in self._waiting if each not in turn]
            request = engine.number()
            if not any(lane.engine for lane in self.lanes):
                self._together = Together()
            for each in turn:
                each.lane.begin(engine, request)
            prompts = [each.lane.prompt(each.messages, each.seed) for each in turn]
            await engine.generate(source, prompts, request=request)
        self.refresh_bindings()

    async def adjust(self, lane: Lane) -> None:
        """Let an answer go on by what its lane sets now."""
        if lane.engine is not None and lane.exchange.request:
            values = answering(lane.chosen.values)
            lane.exchange.adjust(values)
            await lane.engine.adjust(lane.exchange.request, lane.number, values)

    # ---- stopping ----------------------------------------------------------------------------

    async def action_stop(self) -> None:
        """Stop all lanes; an engine that has not heard it for a while is ended by force."""
        at_work: dict[tuple[EngineClient, int], list[Lane]] = {}
        for lane in self.lanes:
            if lane.engine is not None and lane.exchange.request is not None:
                at_work.setdefault((lane.engine, lane.exchange.request), []).append(lane)
        self._leave_waiting([waiting.lane for waiting in self._waiting])
        for (engine, request), lanes in at_work.items():
            wishes = {lane.exchange.stop() for lane in lanes}
            if "force" in wishes:
                engine.kill()
            elif "ask" in wishes:
                await engine.stop(request)

    async def action_stop_one(self) -> None:
        """Stop the foremost lane alone."""
        lane = self.foremost
        if lane.waiting:
            self._leave_waiting([lane])
        elif lane.engine is not None and lane.exchange.request is not None:
            await lane.engine.stop(lane.exchange.request, lane.number)

    def _leave_waiting(self, lanes: Sequence[Lane]) -> None:
        """Do not answer what no engine has been asked yet."""
        self._waiting = [each for each in self._waiting if each.lane not in lanes]
        self._end(lanes, "cancelled")

    # ---- what the engines report -------------------------------------------------------------

    @work(group="lanes", description="listen to another engine", exit_on_error=False)
    async def _listen(self, engine: EngineClient) -> None:
        async for event in engine.events():
            self.post_message(LaneReported(engine, event))

    @on(Prompt.Changed)
    def _keep_draft(self) -> None:
        if self.is_there:
            self._keep()

    def on_lane_reported(self, message: LaneReported) -> None:
        if self.is_there and self.take(message.event, message.engine):
            self._keep()

    def take(self, event: Event | EngineDied, engine: EngineClient | None = None) -> bool:
        """Show what an engine says to a lane; False if it says it to others.

        It is the chat's engine where none is named.
        """
        engine = engine or self._engine
        if isinstance(event, EngineDied):
            lanes = [lane for lane in self.lanes if lane.engine is engine]
            said = [event.said, "\n".join(event.log)]
            # What was asked before this was heard has a new engine.
            newer = [lane for lane in lanes if (lane.exchange.request or 0) > event.request]
            self._tell(newer, said)
            self._end([lane for lane in lanes if lane not in newer], "died", said)
            return engine is not self._engine
        if isinstance(event, Loaded | LoadProgress | Failed):
            return self._take_of_request(event, engine)
        if not isinstance(event, PromptProgress | TextArrived | Finished | Noted):
            return False
        for lane in self.lanes:
            if lane.number == event.lane and lane.hears(engine, event.request):
                self._take(event, lane, engine)
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
                self._n_ctx[engine] = event.model.n_ctx
                for lane in self.lanes:
                    if lane.source == event.model.source:
                        lane.chosen.defaults = event.model.defaults
                self._tell(lanes, event.notes)
                self.show_lanes()
                # The chat is told of what it would load itself.
                return engine is not self._engine or event.model.source != self._source
            case Failed():
                if event.stopped:
                    self._end(lanes, "cancelled")
                else:
                    self._end(lanes, "failed", [event.message])
        return bool(lanes)

    def _take(
        self,
        event: PromptProgress | TextArrived | Finished | Noted,
        lane: Lane,
        engine: EngineClient,
    ) -> None:
        match event:
            case PromptProgress():
                lane.column.say(f"reading {event.n_done} of {event.n_total}")
            case TextArrived():
                lane.write(event)
                self._together.add(event)
            case Finished():
                self._n_ctx[engine] = event.timings.n_ctx
                self._take_back(lane.finish(event))
                self._tell([lane], event.notes)
                self._ended()
            case Noted():
                lane.column.note(event.note)

    def _tell(self, lanes: Sequence[Lane], notes: Sequence[str]) -> None:
        """Say notes in the lanes that they are about, once for each model."""
        for lane in lanes:
            for note in notes:
                if (said := f"{lane.number} {lane.model} {note}") not in self._told:
                    self._told.add(said)
                    lane.column.note(note)

    def _end(self, lanes: Sequence[Lane], finish: str, notes: Sequence[str] = ()) -> None:
        ended = [lane for lane in lanes if lane.answering]
        for lane in ended:
            self._take_back(lane.end(finish, notes))
        if ended:
            self._ended()

    def _take_back(self, unanswered: str) -> None:
        """Put a prompt back where it was written, once for all lanes that did not answer it."""
        if unanswered and not f"{self.prompt.text}\n".startswith(f"{unanswered}\n"):
            self.prompt.take_back(unanswered)

    def _ended(self) -> None:
        """An answer is over: who waits for its engine may begin."""
        self.summarise()
        self.refresh_bindings()
        self._keep()
        if not self.answering:
            self.judge()
        self.call_next(self.go_on)

    def summarise(self) -> None:
        """Say how far all are, and what they come to."""
        super().summarise()
        parts = [f"{len(self.lanes)} lane{'s' * (len(self.lanes) > 1)}"]
        if self.hidden:
            # Nothing else: a context or an engine of its own would tell of one.
            self.status.show([Content("  ·  ".join([*parts, "vote: F2"]))])
            return
        sources: list[ModelSource] = []
        for lane in self.lanes:
            if lane.source not in sources:
                sources.append(lane.source)
        if len(sources) > 1:
            parts.append(f"{len(sources)} engines, one after another: no shared batch")
        if self._together.tps and len(sources) == 1:
            parts.append(f"{per_second(self._together.tps)} t/s together")
        answers = self._engines.of(sources[0]) if sources else None
        n_ctx = self._n_ctx.get(answers, 0) if answers is not None else 0
        if n_ctx and len(sources) == 1:
            parts.append(f"context {self._together.n_used} of {n_ctx}")
        if self.same_seed:
            parts.append("one chance")
        if self.linked:
            parts.append("scrolling together")
        if self.blind:
            parts.append("blind")
        self.status.show([Content("  ·  ".join(parts))])
