"""Answers requests inside the engine process, one after the other."""

from __future__ import annotations

import os
from pathlib import Path
from time import perf_counter
from typing import BinaryIO

from workbench.engine.decode import Generation, Lane
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
from workbench.engine.prompt import Prompts
from workbench.engine.protocol import (
    ChatMessage,
    Event,
    Failed,
    Generate,
    Load,
    Loaded,
    LoadProgress,
    ModelSource,
    Noted,
    Ready,
    Request,
    SaveState,
    StateSaved,
    frame,
)
from workbench.engine.requests import RequestQueue
from workbench.engine.sampler import GrammarError, Sampler, chosen_seed
from workbench.engine.state import StateError
from workbench.engine.template import TemplateError
from workbench.engine.text import TextFilter
from workbench.parameters.kinds import ParameterError
from workbench.untrusted import without_controls


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
        self.abort = AbortFlag()
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
        try:
            match request:
                case Load():
                    self._model(request.request, request.model)
                case Generate():
                    self._generate(request)
                case SaveState():
                    self._save_state(request)
        except _StoppedError:
            self.emit(Failed(request.request, "stopped", stopped=True))
        except DecodeError as error:
            # What llama.cpp holds now is anybody's guess.
            if self._loaded is not None:
                self._loaded.memory.forget()
            self.emit(Failed(request.request, str(error)))
        except (
            LoadError,
            GrammarError,
            TemplateError,
            PromptError,
            ParameterError,
        ) as error:
            self.emit(Failed(request.request, without_controls(str(error))))

    def _model(self, request: int, source: ModelSource) -> LoadedModel:
        """The loaded model, loading it first if it is another one or set otherwise."""
        if self._loaded is not None:
            if self._loaded.source == source and self._loaded.is_current():
                return self._loaded
            # A file that is no model at all costs nobody the one they have.
            check_file(source.file)
            # Before the new one: two models may not fit into memory together.
            self._loaded.close()
            self._loaded = None
        started = perf_counter()
        try:
            report = _LoadReport(self, request, Pace(self._reports_a_second))
            self._loaded = LoadedModel(source, self.abort, report)
        except LoadError:
            if self.abort:
                raise _StoppedError from None
            raise
        self.emit(
            Loaded(
                request,
                self._loaded.info(),
                load_ms=(perf_counter() - started) * 1e3,
                devices=gpus(),
                notes=self._loaded.notes(),
            )
        )
        return self._loaded

    def _generate(self, request: Generate) -> None:
        loaded = self._model(request.request, request.model)
        started = perf_counter()
        values = loaded.values(request.parameters)
        prompts = Prompts(loaded.model, values)
        system = [ChatMessage("system", values["system"])] if values["system"] else []
        overflow = Overflow(
            values["context_overflow"],
            [*system, *request.messages],
            context=loaded.context,
            render=prompts.tokens,
            announce=lambda note: self.emit(Noted(request.request, note)),
        )
        prompt = overflow.prompt()
        notes = list(prompts.notes)
        if request.state:
            note = loaded.take_state(Path(os.fsdecode(request.state)), prompt)
            notes += [without_controls(note)] if note else []
        seed = chosen_seed(values["seed"])
        text = TextFilter(values["stop"], opened=prompts.opened)
        with Sampler(loaded.model, values, seed=seed) as sampler:
            Generation(
                loaded.model,
                loaded.context,
                loaded.memory,
                self.abort,
                request=request.request,
                started=started,
                pace=Pace(self._reports_a_second),
                emit=self.emit,
                adjustment=self._requests.adjustment,
                completed=loaded.values,
            ).run(
                prompt,
                Lane(sampler, text, seed=seed, max_tokens=values["max_tokens"]),
                overflow,
                notes,
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
