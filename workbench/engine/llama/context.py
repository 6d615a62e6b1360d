"""A model's context: its KV memory, and the evaluation of tokens."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any, Final

from workbench.engine.llama.backend import binding, log
from workbench.engine.llama.handle import DecodeError, Handle, LoadError
from workbench.engine.llama.model import Model
from workbench.engine.machine import physical_cores
from workbench.parameters.table import Values

# n_ctx "auto" ends here: models trained on 128k tokens would take gigabytes unasked.
_AUTO_N_CTX: Final = 8192

CONTEXT_FULL: Final = 1
ABORTED: Final = 2
"""What ``llama_decode`` returns beside 0 (llama.h)."""


class AbortFlag:
    """Seen by llama.cpp inside a decode and by our loop between tokens; any thread may set it.

    llama.cpp's abort callback is libc's ``strlen`` on a two-byte buffer: true once the first
    byte is set. A Python callback would take the GIL for every node of the graph.
    """

    def __init__(self) -> None:
        self._buffer = ctypes.create_string_buffer(2)
        self.callback = ctypes.cast(ctypes.CDLL(None).strlen, binding.ggml_abort_callback)
        self.data = ctypes.cast(self._buffer, ctypes.c_void_p)

    def set(self) -> None:
        """Ask for an end."""
        self._buffer[0] = b"\x01"

    def clear(self) -> None:
        """Make ready for the next request."""
        self._buffer[0] = b"\x00"

    def __bool__(self) -> bool:
        return self._buffer[0] != b"\x00"


class Context(Handle):
    """A model's context of one sequence: its KV memory and the logits of the last decode."""

    def __init__(self, model: Model, values: Values, *, abort: AbortFlag) -> None:
        """``values`` holds every loading parameter. Raises LoadError."""
        parameters = binding.llama_context_default_params()
        n_ctx = int(values["n_ctx"]) or min(model.n_ctx_train, _AUTO_N_CTX)
        n_batch = min(int(values["n_batch"]), n_ctx)
        n_threads = int(values["n_threads"])
        self.n_threads = physical_cores() if n_threads < 0 else n_threads
        parameters.n_ctx = n_ctx
        parameters.n_batch = n_batch
        parameters.n_ubatch = min(parameters.n_ubatch, n_batch)
        parameters.n_threads = parameters.n_threads_batch = self.n_threads
        parameters.kv_unified = True
        parameters.abort_callback = abort.callback
        parameters.abort_callback_data = abort.data
        log.errors.clear()
        self._context: Any = binding.llama_init_from_model(model.pointer, parameters)
        if not self._context:
            raise LoadError(
                f"llama.cpp could not make a context of {n_ctx} tokens: {log.reason()}. "
                "Try a smaller n_ctx."
            )
        self._memory: Any = binding.llama_get_memory(self._context)
        # llama.cpp rounds n_ctx up to a multiple of 256; what was asked for is the limit.
        self.n_ctx = min(n_ctx, int(binding.llama_n_ctx(self._context)))
        self.n_ubatch = int(parameters.n_ubatch)

    @property
    def pointer(self) -> Any:
        """The ``llama_context *``."""
        return self._context

    def decode(self, tokens: Sequence[int]) -> int:
        """Evaluate at most ``n_ubatch`` tokens after those held.

        Returns 0, CONTEXT_FULL or ABORTED; raises DecodeError on any other failure.
        """
        array = (binding.llama_token * len(tokens))(*tokens)
        status = binding.llama_decode(
            self._context, binding.llama_batch_get_one(array, len(tokens))
        )
        if status < 0:
            raise DecodeError(f"llama.cpp failed to evaluate the tokens (code {status})")
        return int(status)

    def n_held(self) -> int:
        """Tokens now in the context's memory."""
        return int(binding.llama_memory_seq_pos_max(self._memory, 0)) + 1

    def cut(self, n_kept: int) -> bool:
        """Forget all but the first ``n_kept`` tokens; False if this model's memory cannot."""
        return bool(binding.llama_memory_seq_rm(self._memory, 0, n_kept, -1))

    def clear(self) -> None:
        """Forget everything."""
        binding.llama_memory_clear(self._memory, True)

    def close(self) -> None:
        """Free the context."""
        if self._context:
            binding.llama_free(self._context)
            self._context = None
