"""LoRA adapters: what is added to a model's weights."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from typing import Any

from workbench.engine.llama.backend import log
from workbench.engine.llama.binding import binding
from workbench.engine.llama.context import Context
from workbench.engine.llama.handle import Handle, LoadError
from workbench.engine.llama.model import Model, check_file
from workbench.parameters.entries import Adapter


class LoraAdapters(Handle):
    """The LoRA adapters of a model."""

    def __init__(self, model: Model, adapters: Sequence[Adapter]) -> None:
        """Load the files. Raises LoadError."""
        self._adapters: list[Any] = []
        self._scales = [adapter.scale for adapter in adapters]
        for adapter in adapters:
            check_file(adapter.file, "LoRA adapter")
            log.errors.clear()
            loaded = binding.llama_adapter_lora_init(model.pointer, os.fsencode(adapter.file))
            # The binding's NULL is a pointer object that is false.
            if not loaded:
                self.close()
                raise LoadError(
                    f"llama.cpp could not load the LoRA adapter {adapter.file} ({log.reason()})."
                )
            self._adapters.append(loaded)

    def apply(self, context: Context) -> None:
        """Let them act in ``context``, each with its scale."""
        count = len(self._adapters)
        if count:
            pointers = (binding.llama_adapter_lora_p_ctypes * count)(*self._adapters)
            scales = (ctypes.c_float * count)(*self._scales)
            binding.llama_set_adapters_lora(context.pointer, pointers, count, scales)

    def close(self) -> None:
        """Free the adapters: after the context, before the model."""
        for adapter in self._adapters:
            binding.llama_adapter_lora_free(adapter)
        self._adapters.clear()
