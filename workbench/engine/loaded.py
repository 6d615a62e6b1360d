"""A model in use: its weights and context, and what is worth saying about them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from workbench.engine import template
from workbench.engine.llama.backend import gpu_offload
from workbench.engine.llama.context import AbortFlag, Context
from workbench.engine.llama.model import Model
from workbench.engine.memory import PromptMemory
from workbench.engine.protocol import ModelInfo, ModelSource
from workbench.parameters.table import completed
from workbench.untrusted import without_controls


class LoadedModel:
    """A model with its context, freed together."""

    def __init__(
        self, source: ModelSource, abort: AbortFlag, on_progress: Callable[[float], bool]
    ) -> None:
        self.source = source
        values = completed(source.parameters)
        with ExitStack() as opened:
            self.model = opened.enter_context(Model(source.file, values, on_progress=on_progress))
            self.context = opened.enter_context(Context(self.model, values, abort=abort))
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
        if self.source.parameters.get("n_gpu_layers", 0) > 0 and not gpu_offload():
            notes.append("n_gpu_layers has no effect: this llama.cpp is built for the CPU alone.")
        if self.context.n_ctx > self.model.n_ctx_train > 0:
            notes.append(
                f"n_ctx {self.context.n_ctx} is more than the {self.model.n_ctx_train} tokens "
                "this model was trained on: answers may fall apart beyond that."
            )
        return notes
