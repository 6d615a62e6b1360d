"""Answers requests inside the engine process, one after the other."""

from __future__ import annotations

from time import perf_counter
from typing import BinaryIO

from workbench.engine import template
from workbench.engine.decode import Generation, Lane, PromptError
from workbench.engine.llama.backend import (
    BINDING_VERSION,
    gpu_offload,
    llama_cpp_version,
    system_info,
)
from workbench.engine.llama.context import AbortFlag
from workbench.engine.llama.handle import DecodeError, LoadError
from workbench.engine.llama.model import check_file
from workbench.engine.loaded import LoadedModel
from workbench.engine.pace import Pace
from workbench.engine.protocol import (
    Event,
    Failed,
    Generate,
    Load,
    Loaded,
    LoadProgress,
    ModelSource,
    Ready,
    Request,
    frame,
)
from workbench.engine.requests import RequestQueue
from workbench.engine.sampler import Sampler, chosen_seed
from workbench.parameters.table import ParameterError, completed
from workbench.untrusted import without_controls


class _StoppedError(Exception):
    """The request was stopped before it came to anything."""


class _LoadReport:
    """llama.cpp's progress callback: gives up when stopped."""

    def __init__(self, service: Service, request: int) -> None:
        self._service = service
        self._request = request
        self._pace = Pace()

    def __call__(self, fraction: float) -> bool:
        if self._pace.due():
            self._service.emit(LoadProgress(self._request, fraction))
        return not self._service.abort


class Service:
    """Answers requests one after the other, keeping the last model loaded."""

    def __init__(self, events: BinaryIO) -> None:
        self._events = events
        self._loaded: LoadedModel | None = None
        self.abort = AbortFlag()

    def emit(self, event: Event) -> None:
        """Send an event up the pipe."""
        self._events.write(frame(event))
        self._events.flush()

    def serve(self, pipe: BinaryIO) -> None:
        """Answer requests for ever; the process ends when the pipe does."""
        requests = RequestQueue(pipe, self.abort)
        self.emit(
            Ready(
                binding=BINDING_VERSION,
                llama_cpp=llama_cpp_version(),
                system_info=system_info(),
                gpu_offload=gpu_offload(),
            )
        )
        while True:
            self._answer(requests.next())

    def _answer(self, request: Request) -> None:
        try:
            match request:
                case Load():
                    self._model(request.request, request.model)
                case Generate():
                    self._generate(request)
        except _StoppedError:
            self.emit(Failed(request.request, "stopped", stopped=True))
        except (
            LoadError,
            DecodeError,
            template.TemplateError,
            PromptError,
            ParameterError,
        ) as error:
            self.emit(Failed(request.request, without_controls(str(error))))

    def _model(self, request: int, source: ModelSource) -> LoadedModel:
        """The loaded model, loading it first if it is another one or set otherwise."""
        if self._loaded is not None:
            if self._loaded.source == source:
                return self._loaded
            # A file that is no model at all costs nobody the one they have.
            check_file(source.file)
            # Before the new one: two models may not fit into memory together.
            self._loaded.close()
            self._loaded = None
        started = perf_counter()
        try:
            self._loaded = LoadedModel(source, self.abort, _LoadReport(self, request))
        except LoadError:
            if self.abort:
                raise _StoppedError from None
            raise
        self.emit(
            Loaded(
                request,
                self._loaded.info(),
                load_ms=(perf_counter() - started) * 1e3,
                notes=self._loaded.notes(),
            )
        )
        return self._loaded

    def _generate(self, request: Generate) -> None:
        loaded = self._model(request.request, request.model)
        started = perf_counter()
        model = loaded.model
        text, notes = template.render(
            model.chat_template(),
            request.messages,
            bos=model.token_text(model.bos),
            eos=model.token_text(model.eos),
        )
        prompt = model.tokenize(text)
        if model.adds_bos and prompt[:1] != [model.bos]:
            prompt.insert(0, model.bos)
        if not prompt:
            raise PromptError("the prompt is empty: there is nothing to answer")
        values = completed(request.parameters)
        seed = chosen_seed(values["seed"])
        with Sampler(model, values, seed=seed) as sampler:
            Generation(
                model,
                loaded.context,
                loaded.memory,
                self.abort,
                request=request.request,
                started=started,
                emit=self.emit,
            ).run(prompt, Lane(sampler, seed=seed, max_tokens=int(values["max_tokens"])), notes)
