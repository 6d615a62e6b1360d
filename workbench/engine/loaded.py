"""A model in use: its weights, its context, and what is worth saying about them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from workbench.engine import state, template
from workbench.engine.defaults import model_defaults
from workbench.engine.llama.backend import gpu_offload, numa
from workbench.engine.llama.binding import BINDING_VERSION
from workbench.engine.llama.context import AbortFlag, Context
from workbench.engine.llama.fit import fitting, host_size
from workbench.engine.llama.heap import give_back
from workbench.engine.llama.lora import LoraAdapters
from workbench.engine.llama.model import Model
from workbench.engine.machine import Machine
from workbench.engine.memory import Memories, PromptMemory
from workbench.engine.protocol import ModelInfo, ModelSource
from workbench.engine.state import StateError, StateKey
from workbench.parameters import entries
from workbench.parameters.table import BY_KEY, completed
from workbench.untrusted import is_there, without_controls

# What a build without a GPU cannot honour.
_FOR_GPUS: Final = (
    "n_gpu_layers",
    "split_mode",
    "main_gpu",
    "tensor_split",
    "offload_kqv",
    "op_offload",
)
# What a KV state depends on, beside the weights.
_IN_STATE: Final = (
    "flash_attn",
    "cache_type_k",
    "cache_type_v",
    "swa_full",
    "kv_overrides",
    "lora",
    "control_vector",
    "control_vector_layer_start",
    "control_vector_layer_end",
    *(key for key in BY_KEY if key.startswith(("rope_", "yarn_"))),
)


class LoadedModel:
    """A model with its context and adapters, freed together."""

    def __init__(
        self,
        source: ModelSource,
        abort: AbortFlag,
        on_progress: Callable[[float], bool],
        machine: Machine | None = None,
    ) -> None:
        """Raises LoadError or ParameterError."""
        self.source = source
        self._values = completed(source.parameters)
        loras = [entries.adapter(each) for each in self._values["lora"]]
        vectors = [entries.adapter(each) for each in self._values["control_vector"]]
        self._files = [source.file, *(each.file for each in (*loras, *vectors))]
        self._fingerprint = _fingerprint(self._files)
        self._numa_set = numa.set(self._values["numa"])
        machine = machine or Machine()
        self._free = machine.free_memory()
        with ExitStack() as opened:
            self.model = opened.enter_context(
                Model(source.file, self._values, on_progress=on_progress)
            )
            adapters = opened.enter_context(LoraAdapters(self.model, loras))
            self._fit = fitting(
                self.model, self._values, free=self._free, machine=machine, abort=abort
            )
            give_back()
            self.context = opened.enter_context(
                Context(self.model, {**self._values, "n_ctx": self._fit.n_ctx}, abort=abort)
            )
            adapters.apply(self.context)
            if vectors:
                from workbench.engine.llama import control_vectors

                control_vectors.apply(
                    self.model,
                    self.context,
                    vectors,
                    first=self._values["control_vector_layer_start"],
                    last=self._values["control_vector_layer_end"],
                )
            self._opened = opened.pop_all()
        self.memories = Memories(self.context)
        self.defaults, self._odd_defaults = model_defaults(self.model)

    def is_for(self, source: ModelSource) -> bool:
        """Whether this is what ``source`` asks for, and no other file has taken its place."""
        return source == self.source and _fingerprint(self._files) in (self._fingerprint, "")

    def close(self) -> None:
        """Free everything."""
        self._opened.close()

    def values(self, parameters: Any) -> dict[str, Any]:
        """Every parameter's value: the given ones, then the file's own, then the table's."""
        return completed(parameters, self.defaults)

    def info(self) -> ModelInfo:
        """What the interface shows of it."""
        return ModelInfo(
            source=self.source,
            name=without_controls(self.source.file.stem),
            description=self.model.description(),
            size=self.model.size,
            n_params=self.model.n_params,
            n_ctx=self.context.n_ctx,
            n_ctx_train=self.model.n_ctx_train,
            cache_size=self.context.cache_size,
            n_threads=self.context.n_threads,
            defaults=self.defaults,
        )

    def notes(self) -> list[str]:
        """Sentences on what is not as one would expect."""
        return [*self._on_template(), *self._notes(), *self._odd_defaults]

    def _on_template(self) -> Iterator[str]:
        source = self.model.chat_template()
        if source is None:
            yield template.NO_TEMPLATE_NOTE
            return
        try:
            template.check(source)
        except template.TemplateError as error:
            yield f"This model cannot be asked yet: {error}."

    def _notes(self) -> Iterator[str]:
        asked = self.source.parameters
        if not gpu_offload():
            # To ask for nothing on a GPU is to get what one asks for.
            idle = [key for key in _FOR_GPUS if asked.get(key, 0) not in (0, BY_KEY[key].default)]
            if idle:
                verb = "has" if len(idle) == 1 else "have"
                yield (
                    f"{', '.join(idle)} {verb} no effect: this llama.cpp is built for the CPU "
                    "alone."
                )
        if not self._numa_set:
            yield "numa is set once: another one takes effect when Workbench is started again."
        if asked.get("swa_full") and not self.model.n_swa:
            yield "swa_full has no effect: this model has no sliding window."
        if any("mlock" in warning for warning in self.model.warnings):
            yield "The weights could not be locked in memory: raise the limit, ulimit -l."
        if host_size(self.model) > self._free:
            yield (
                f"The weights take {host_size(self.model) / 1e9:.1f} GB and {self._free / 1e9:.1f} "
                "GB were free: what does not fit is read from the disk for every token."
            )
        if self._fit.note:
            yield self._fit.note
        if self.context.n_ctx > self.model.n_ctx_train > 0:
            yield (
                f"n_ctx {self.context.n_ctx} is more than the {self.model.n_ctx_train} tokens "
                "this model was trained on: answers may fall apart beyond that."
            )

    # ---- the KV state on disk --------------------------------------------------------------

    def save_state(self, file: Path) -> tuple[int, int]:
        """Write what the context holds; returns tokens and bytes.

        Raises OSError or StateError.
        """
        return len(self._first), state.save(file, self._key(), self._first.saved())

    def take_state(self, file: Path, prompt: list[int], memory: PromptMemory) -> str:
        """Let a lane's memory hold the file's state if that saves evaluating.

        Returns a note if it is of no use.
        """
        if not is_there(file):
            return ""
        try:
            saved = state.load(file, self._key())
        except StateError as error:
            return f"The saved state {file} is ignored: {error}."
        held = memory.common(prompt)
        common = next(
            (at for at, (a, b) in enumerate(zip(saved.tokens, prompt, strict=False)) if a != b),
            min(len(saved.tokens), len(prompt)),
        )
        if common > held and not memory.restore(saved):
            return f"The saved state {file} is ignored: it does not fit this context."
        return ""

    @property
    def _first(self) -> PromptMemory:
        return self.memories.lanes[0]

    @property
    def _is_long(self) -> bool:
        """Whether positions are turned by the factors for long contexts, where a model has two
        kinds (Phi's "longrope"): llama.cpp takes them by n_ctx."""
        prefix = f"{self.model.metadata('general.architecture')}.rope.scaling"
        kind = self.model.metadata(f"{prefix}.type")
        told = self.model.metadata(f"{prefix}.original_context_length")
        # Some converters name the kind, others the length; YaRN names both, and has one kind.
        if kind not in (None, "longrope") or not (kind or told):
            return False
        begun = int(told) if told and told.isdecimal() else self.model.n_ctx_train
        return bool(self.context.n_ctx > begun)

    def _key(self) -> StateKey:
        return StateKey(
            model=self._fingerprint,
            settings={
                **{key: BY_KEY[key].text(self._values[key]) for key in _IN_STATE},
                "n_ctx": "long" if self._is_long else "short",
            },
            library=BINDING_VERSION,
        )


def _fingerprint(files: Iterable[Path]) -> str:
    """What tells files from others of their names; empty if one is not there."""
    try:
        facts = [file.stat() for file in files]
    except OSError:
        return ""
    return ", ".join(f"{each.st_size} {each.st_mtime_ns}" for each in facts)
