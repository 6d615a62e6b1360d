"""Answers requests inside the engine process, one after the other."""

from __future__ import annotations

import os
import queue
import threading
from contextlib import ExitStack
from time import perf_counter
from typing import BinaryIO

from workbench.engine import llama, template
from workbench.engine.decode import Generation, Lane, PromptError
from workbench.engine.memory import PromptMemory
from workbench.engine.pace import Pace
from workbench.engine.protocol import (
    Event,
    Failed,
    Generate,
    Load,
    Loaded,
    LoadProgress,
    ModelInfo,
    ModelSource,
    Ready,
    Request,
    Stop,
    frame,
    read_request,
)
from workbench.engine.sampler import Sampler, chosen_seed
from workbench.parameters.table import ParameterError, completed
from workbench.untrusted import without_controls


class _StoppedError(Exception):
    """The request was stopped before it came to anything."""


class _Requests:
    """What the interface asks for, in order; stops overtake the queue.

    A thread reads the pipe, so that a stop is seen while llama.cpp computes.
    """

    def __init__(self, pipe: BinaryIO, abort: llama.AbortFlag) -> None:
        self._pipe = pipe
        self._abort = abort
        self._queue: queue.SimpleQueue[Load | Generate] = queue.SimpleQueue()
        self._stopped: set[int] = set()
        self._current: int | None = None
        # Without it a late stop of the last request could hit the next one.
        self._lock = threading.Lock()
        threading.Thread(target=self._read, name="requests", daemon=True).start()

    def next(self) -> Load | Generate:
        """Wait for the next request and arm its stop."""
        request = self._queue.get()
        with self._lock:
            self._current = request.request
            self._abort.clear()
            if request.request in self._stopped:
                self._abort.set()
        return request

    def _read(self) -> None:
        while (request := read_request(self._pipe)) is not None:
            match request:
                case Stop(request=number):
                    with self._lock:
                        self._stopped.add(number)
                        if number == self._current:
                            self._abort.set()
                case _:
                    self._queue.put(request)
        # The interface is gone: nobody is left to answer, wherever llama.cpp may be.
        os._exit(0)


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


class _Loaded:
    """A model with its context, freed together."""

    def __init__(self, source: ModelSource, abort: llama.AbortFlag, report: _LoadReport) -> None:
        self.source = source
        values = completed(source.parameters)
        with ExitStack() as opened:
            self.model = opened.enter_context(llama.Model(source.file, values, on_progress=report))
            self.context = opened.enter_context(llama.Context(self.model, values, abort=abort))
            self.memory = PromptMemory(self.context)
            self._opened = opened.pop_all()

    def close(self) -> None:
        self._opened.close()

    def info(self) -> ModelInfo:
        return ModelInfo(
            source=self.source,
            name=without_controls(self.source.file.stem),
            description=self.model.description(),
            size=self.model.size,
            n_params=self.model.n_params,
            n_ctx=self.context.n_ctx,
            n_ctx_train=self.model.n_ctx_train,
            n_threads=self.context.n_threads,
        )

    def notes(self) -> list[str]:
        notes = []
        if self.model.chat_template() is None:
            notes.append(template.NO_TEMPLATE_NOTE)
        if self.source.parameters.get("n_gpu_layers", 0) > 0 and not llama.gpu_offload():
            notes.append("n_gpu_layers has no effect: this llama.cpp is built for the CPU alone.")
        if self.context.n_ctx > self.model.n_ctx_train > 0:
            notes.append(
                f"n_ctx {self.context.n_ctx} is more than the {self.model.n_ctx_train} tokens "
                "this model was trained on: answers may fall apart beyond that."
            )
        return notes


class Service:
    """Answers requests one after the other, keeping the last model loaded."""

    def __init__(self, events: BinaryIO) -> None:
        self._events = events
        self._loaded: _Loaded | None = None
        self.abort = llama.AbortFlag()

    def emit(self, event: Event) -> None:
        """Send an event up the pipe."""
        self._events.write(frame(event))
        self._events.flush()

    def serve(self, pipe: BinaryIO) -> None:
        """Answer requests for ever; the process ends when the pipe does."""
        requests = _Requests(pipe, self.abort)
        self.emit(
            Ready(
                binding=llama.BINDING_VERSION,
                llama_cpp=llama.llama_cpp_version(),
                system_info=llama.system_info(),
                gpu_offload=llama.gpu_offload(),
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
            llama.LoadError,
            llama.DecodeError,
            template.TemplateError,
            PromptError,
            ParameterError,
        ) as error:
            self.emit(Failed(request.request, without_controls(str(error))))

    def _model(self, request: int, source: ModelSource) -> _Loaded:
        """The loaded model, loading it first if it is another one or set otherwise."""
        if self._loaded is not None:
            if self._loaded.source == source:
                return self._loaded
            # A file that is no model at all costs nobody the one they have.
            llama.check_file(source.file)
            # Before the new one: two models may not fit into memory together.
            self._loaded.close()
            self._loaded = None
        started = perf_counter()
        try:
            self._loaded = _Loaded(source, self.abort, _LoadReport(self, request))
        except llama.LoadError:
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
