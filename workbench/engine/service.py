"""Answers requests inside the engine process, one after the other."""

from __future__ import annotations

import os
from pathlib import Path
from time import perf_counter
from typing import BinaryIO, Final

from workbench.engine.decode import Generation
from workbench.engine.lane import Lane
from workbench.engine.llama.backend import gpu_offload, llama_cpp_version, system_info
from workbench.engine.llama.binding import BINDING_VERSION
from workbench.engine.llama.context import AbortFlag
from workbench.engine.llama.devices import gpus
from workbench.engine.llama.handle import DecodeError, LoadError
from workbench.engine.llama.model import check_file
from workbench.engine.loaded import LoadedModel
from workbench.engine.outbox import Outbox
from workbench.engine.overflow import Overflow, PromptError
from workbench.engine.pace import Pace
from workbench.engine.pricing import Pricing
from workbench.engine.prompt import Prompts
from workbench.engine.protocol import (
    ChatMessage,
    Event,
    Failed,
    Generate,
    LanePrompt,
    Load,
    Loaded,
    LoadProgress,
    ModelSource,
    Noted,
    Price,
    Ready,
    Request,
    SaveState,
    StateSaved,
    frame,
)
from workbench.engine.requests import RequestQueue
from workbench.engine.sampler import Sampler
from workbench.engine.schema import GrammarError
from workbench.engine.state import StateError
from workbench.engine.template import TemplateError
from workbench.engine.text import TextFilter
from workbench.parameters.kinds import ParameterError
from workbench.parameters.lanes import MOST_LANES, chosen_seed
from workbench.untrusted import without_controls

_REFUSALS: Final = (DecodeError, GrammarError, TemplateError, PromptError, ParameterError)
"""Why a model that is loaded may not answer a request."""


class _StoppedError(Exception):
    """The request was stopped before it came to anything."""


class _LoadReport:
    """llama.cpp's progress callback: gives up when stopped."""

    def __init__(self, service: Service, request: int, pace: Pace) -> None:
        self._service = service
        self._request = request
        self._pace = pace

    def __call__(self, fraction: float) -> bool:
        if self._pace.due():
            self._service.emit(LoadProgress(self._request, fraction))
        return not self._service.abort


class Service:
    """Answers requests one after the other, keeping the last model loaded."""

    def __init__(self, pipe: BinaryIO, events: Outbox, reports_a_second: int) -> None:
        self._events = events
        self._reports_a_second = reports_a_second
        self._loaded: LoadedModel | None = None
        self._load_ms = 0.0
        # The requests that end if llama.cpp fails: others may have joined the present one.
        self._under_way: set[int] = set()
        self.abort = AbortFlag()
        self._pricing = Pricing(self.abort)
        self._requests = RequestQueue(pipe, self.abort)

    def emit(self, event: Event) -> None:
        """Send an event up the pipe."""
        self._events.send(frame(event))

    def serve(self) -> None:
        """Answer requests for ever; the process ends when the pipe does."""
        self.emit(
            Ready(
                binding=BINDING_VERSION,
                llama_cpp=llama_cpp_version(),
                system_info=system_info(),
                gpu_offload=gpu_offload(),
            )
        )
        while True:
            self._answer(self._requests.next())

    def _answer(self, request: Request) -> None:
        self._under_way = {request.request}
        try:
            match request:
                case Load():
                    self._load(request)
                case Generate():
                    self._generate(request)
                case SaveState():
                    self._save_state(request)
                case Price():
                    self.emit(self._pricing.priced(request))
        except _StoppedError:
            self.emit(Failed(request.request, "stopped", stopped=True))
        except (LoadError, *_REFUSALS) as error:
            for number in sorted(self._under_way):
                self.emit(Failed(number, without_controls(str(error))))

    def _load(self, request: Load) -> None:
        there = self._loaded
        if self._model(request.request, request.model) is there:
            # Whoever asks waits for an answer.
            self._tell_loaded(request.request, there)

    def _model(self, request: int, source: ModelSource) -> LoadedModel:
        """The loaded model, loading it first if it is another one or set otherwise."""
        if self._loaded is not None:
            if self._loaded.is_for(source):
                return self._loaded
            # A file that is no model at all costs nobody the one they have.
            check_file(source.file)
            # Before the new one: two models may not fit into memory together.
            self._loaded.close()
            self._loaded = None
        self._pricing.forget()
        started = perf_counter()
        try:
            report = _LoadReport(self, request, Pace(self._reports_a_second))
            self._loaded = LoadedModel(source, self.abort, report)
        except LoadError:
            if self.abort:
                raise _StoppedError from None
            raise
        self._load_ms = (perf_counter() - started) * 1e3
        self._tell_loaded(request, self._loaded)
        return self._loaded

    def _tell_loaded(self, request: int, model: LoadedModel) -> None:
        self.emit(
            Loaded(
                request,
                model.info(),
                load_ms=self._load_ms,
                devices=gpus(),
                notes=model.notes(),
            )
        )

    def _generate(self, request: Generate) -> None:
        loaded = self._model(request.request, request.model)
        lanes = self._lanes(request, loaded)
        generation = Generation(
            loaded.model,
            loaded.context,
            loaded.memories,
            self.abort,
            requests=self._requests,
            pace=Pace(self._reports_a_second),
            emit=self.emit,
            completed=loaded.values,
        )
        try:
            if loaded.context.n_sequences > 1:
                generation.run(lanes, lambda: self._joining(generation, loaded))
                return
            for lane in lanes:
                generation.run([lane], tuple)
        except _REFUSALS as error:
            # Others may have joined meanwhile; of the first nothing may be left.
            self._under_way = {lane.request for lane in generation.lanes} or self._under_way
            if isinstance(error, DecodeError):
                # What llama.cpp holds now is anybody's guess.
                loaded.memories.forget()
            raise
        finally:
            for lane in lanes:
                lane.close()

    def _joining(self, generation: Generation, loaded: LoadedModel) -> list[Lane]:
        """Lanes of the next request, if they can be answered beside those under way."""
        taken = {lane.index for lane in generation.lanes}

        def fits(request: Generate) -> bool:
            free = taken.isdisjoint(each.lane for each in request.lanes)
            return free and bool(taken) and loaded.is_for(request.model)

        request = self._requests.joining(fits)
        if request is None:
            return []
        try:
            return self._lanes(request, loaded)
        except _REFUSALS as error:
            self.emit(Failed(request.request, without_controls(str(error))))
            return []

    def _lanes(self, request: Generate, loaded: LoadedModel) -> list[Lane]:
        """The lanes of a request, ready to be answered."""
        started = perf_counter()
        numbers = [each.lane for each in request.lanes]
        if not numbers or len({*numbers}) < len(numbers) or not {*numbers} <= {*range(MOST_LANES)}:
            raise PromptError(f"lanes have numbers of their own, from 0 to {MOST_LANES - 1}")
        lanes: list[Lane] = []
        notes: list[str] = []
        if len(request.lanes) > 1 and loaded.context.n_sequences == 1:
            notes.append(
                "This model keeps a running state, or sees only a window of its past, which lanes "
                "cannot share: they are answered one after another."
            )
        try:
            for number, prompt in enumerate(request.lanes):
                state = request.state if number == 0 else b""
                lanes.append(self._lane(request.request, prompt, loaded, started, state, notes))
        except BaseException:
            for lane in lanes:
                lane.close()
            raise
        return lanes

    def _lane(
        self,
        request: int,
        asked: LanePrompt,
        loaded: LoadedModel,
        started: float,
        state: bytes,
        notes: list[str],
    ) -> Lane:
        values = loaded.values(asked.parameters)
        prompts = Prompts(loaded.model, values)
        system = [ChatMessage("system", values["system"])] if values["system"] else []
        overflow = Overflow(
            values["context_overflow"],
            [*system, *asked.messages],
            context=loaded.context,
            render=prompts.tokens,
            announce=lambda note: self.emit(Noted(request, asked.lane, note)),
        )
        prompt = overflow.prompt()
        notes = [*notes, *prompts.notes]
        memory = loaded.memories.of(asked.lane)
        if state:
            note = loaded.take_state(Path(os.fsdecode(state)), prompt, memory)
            notes += [without_controls(note)] if note else []
        seed = chosen_seed(values["seed"])
        return Lane(
            request,
            asked.lane,
            prompt,
            memory=memory,
            sampler=Sampler(loaded.model, values, seed=seed),
            text=TextFilter(values["stop"], opened=prompts.opened),
            overflow=overflow,
            values=values,
            seed=seed,
            started=started,
            notes=notes,
        )

    def _save_state(self, request: SaveState) -> None:
        if self._loaded is None:
            raise PromptError("no model is loaded: there is no state to save")
        file = Path(os.fsdecode(request.file))
        try:
            n_tokens, size = self._loaded.save_state(file)
        except OSError as error:
            raise PromptError(f"cannot write {file}: {error.strerror}") from error
        except StateError as error:
            raise PromptError(str(error)) from error
        self.emit(StateSaved(request.request, n_tokens, size))
