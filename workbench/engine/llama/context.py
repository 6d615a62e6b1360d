"""A model's context: its KV memory, and the evaluation of tokens."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from workbench.engine.llama.backend import NO_MEMORY, log
from workbench.engine.llama.binding import binding
from workbench.engine.llama.buffers import cache_size
from workbench.engine.llama.handle import DecodeError, Handle, LoadError
from workbench.engine.llama.model import Model
from workbench.engine.machine import Machine

CONTEXT_FULL: Final = 1
ABORTED: Final = 2
"""What ``llama_decode`` returns beside 0 (llama.h)."""

# One core reads this much in less than a millisecond. With another process on the other
# cores, threads that wait for each other after every layer were a hundred times slower.
_ONE_THREAD_BYTES: Final = 16 * 1024 * 1024

_FLASH_ATTN: Final = {"auto": -1, "off": 0, "on": 1}
_ROPE_SCALING: Final = {"auto": -1, "none": 0, "linear": 1, "yarn": 2, "longrope": 3}
# enum ggml_type.
_CACHE_TYPES: Final = {
    "f32": 0,
    "f16": 1,
    "q4_0": 2,
    "q4_1": 3,
    "q5_0": 6,
    "q5_1": 7,
    "q8_0": 8,
    "iq4_nl": 20,
    "bf16": 30,
}
_SAME_NAMED: Final = (
    "offload_kqv",
    "op_offload",
    "swa_full",
    "rope_freq_base",
    "rope_freq_scale",
    "yarn_orig_ctx",
    "yarn_ext_factor",
    "yarn_attn_factor",
    "yarn_beta_fast",
    "yarn_beta_slow",
)
_SEQUENCE: Final = 0
# LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY: only what cannot be cut, a window or a recurrent state.
_PARTIAL_ONLY: Final = 1


class AbortFlag:
    """Seen by llama.cpp inside a decode and by our loop between tokens; any thread may set it.

    llama.cpp's abort callback is libc's ``strlen`` on a two-byte buffer: true once the first
    byte is set. A Python callback would take the GIL for every node of the graph.
    """

    def __init__(self) -> None:
        self._buffer = ctypes.create_string_buffer(2)
        # The same once more, as our loop asks for every token.
        self._is_set = False
        self.callback = ctypes.cast(ctypes.CDLL(None).strlen, binding.ggml_abort_callback)
        self.data = ctypes.cast(self._buffer, ctypes.c_void_p)

    def set(self) -> None:
        """Ask for an end."""
        self._buffer[0] = b"\x01"
        self._is_set = True

    def clear(self) -> None:
        """Make ready for the next request."""
        self._buffer[0] = b"\x00"
        self._is_set = False

    def __bool__(self) -> bool:
        return self._is_set


class Context(Handle):
    """A model's context of one sequence: its KV memory and the logits of the last decode."""

    def __init__(self, model: Model, values: dict[str, Any], *, abort: AbortFlag) -> None:
        """``values`` holds every loading parameter, ``n_ctx`` no longer 0. Raises LoadError."""
        parameters = binding.llama_context_default_params()
        n_ctx = values["n_ctx"]
        n_batch = min(values["n_batch"], n_ctx)
        self.n_threads = _n_threads(model) if values["n_threads"] < 0 else values["n_threads"]
        n_threads_batch = values["n_threads_batch"]
        parameters.n_ctx = n_ctx
        parameters.n_batch = n_batch
        parameters.n_ubatch = min(values["n_ubatch"], n_batch)
        parameters.n_threads = self.n_threads
        parameters.n_threads_batch = self.n_threads if n_threads_batch < 0 else n_threads_batch
        parameters.flash_attn_type = _FLASH_ATTN[values["flash_attn"]]
        parameters.type_k = _CACHE_TYPES[values["cache_type_k"]]
        parameters.type_v = _CACHE_TYPES[values["cache_type_v"]]
        parameters.rope_scaling_type = _ROPE_SCALING[values["rope_scaling"]]
        for name in _SAME_NAMED:
            setattr(parameters, name, values[name])
        parameters.kv_unified = True
        parameters.abort_callback = abort.callback
        parameters.abort_callback_data = abort.data
        log.clear()
        self._context: Any = binding.llama_init_from_model(model.pointer, parameters)
        if not self._context:
            raise LoadError(_failure(model.path))
        self._memory: Any = binding.llama_get_memory(self._context)
        # Bytes that the tokens are kept in.
        self.cache_size = cache_size(log.infos)
        # llama.cpp rounds n_ctx up to a multiple of 256; what was asked for is the limit.
        self.n_ctx = min(n_ctx, int(binding.llama_n_ctx(self._context)))
        self.n_ubatch = int(parameters.n_ubatch)
        self._token = (binding.llama_token * 1)()
        self._one = binding.llama_batch_get_one(self._token, 1)
        self._n_swa = 0 if values["swa_full"] else model.n_swa
        self.can_cut = not (self._n_swa or model.is_recurrent)

    @property
    def pointer(self) -> Any:
        """The ``llama_context *``."""
        return self._context

    def decode(self, tokens: Sequence[int]) -> int:
        """Evaluate at most ``n_ubatch`` tokens after those held.

        Returns 0, CONTEXT_FULL or ABORTED; raises DecodeError on any other failure.
        """
        array = (binding.llama_token * len(tokens))(*tokens)
        return self._decode(binding.llama_batch_get_one(array, len(tokens)))

    def decode_one(self, token: int) -> int:
        """``decode`` for a single token, by a batch made once."""
        self._token[0] = token
        return self._decode(self._one)

    def _decode(self, batch: Any) -> int:
        status = binding.llama_decode(self._context, batch)
        if status < 0:
            raise DecodeError(
                f"llama.cpp failed to evaluate the tokens (code {status}): try a smaller n_ubatch, "
                "or the KV cache's defaults"
            )
        return int(status)

    def n_held(self) -> int:
        """Tokens now in the context's memory."""
        return int(binding.llama_memory_seq_pos_max(self._memory, _SEQUENCE)) + 1

    def cut(self, n_kept: int) -> bool:
        """Forget all but the first ``n_kept`` tokens; False if what is left would be a lie.

        A recurrent state has no end to cut off, and a sliding window may have slid past
        what the next token must see.
        """
        if self._n_swa and n_kept < self.n_held():
            oldest = int(binding.llama_memory_seq_pos_min(self._memory, _SEQUENCE))
            if oldest > max(0, n_kept - self._n_swa):
                return False
        return bool(binding.llama_memory_seq_rm(self._memory, _SEQUENCE, n_kept, -1))

    def clear(self) -> None:
        """Forget everything."""
        binding.llama_memory_clear(self._memory, True)

    def can_shift(self) -> bool:
        """Whether tokens can be taken out of the middle."""
        return bool(binding.llama_memory_can_shift(self._memory)) and self.can_cut

    def shift(self, n_keep: int, n_discard: int) -> None:
        """Take ``n_discard`` tokens out after the first ``n_keep`` and close the gap."""
        end = n_keep + n_discard
        binding.llama_memory_seq_rm(self._memory, _SEQUENCE, n_keep, end)
        binding.llama_memory_seq_add(self._memory, _SEQUENCE, end, -1, -n_discard)

    def state(self, *, partial: bool = False) -> bytearray:
        """The memory as bytes; ``partial``: only what ``cut`` cannot take back."""
        flags = _PARTIAL_ONLY if partial else 0
        size = binding.llama_state_seq_get_size_ext(self._context, _SEQUENCE, flags)
        state = bytearray(size)
        buffer = (ctypes.c_uint8 * size).from_buffer(state)
        binding.llama_state_seq_get_data_ext(self._context, buffer, size, _SEQUENCE, flags)
        return state

    def restore(self, state: bytearray | memoryview, *, partial: bool = False) -> bool:
        """Take a state back; False if llama.cpp refuses it (its memory is then in ruins)."""
        buffer = (ctypes.c_uint8 * len(state)).from_buffer(state)
        read = binding.llama_state_seq_set_data_ext(
            self._context, buffer, len(state), _SEQUENCE, _PARTIAL_ONLY if partial else 0
        )
        return bool(read)

    def close(self) -> None:
        """Free the context."""
        if self._context:
            binding.llama_free(self._context)
            self._context = None


def _failure(path: Path) -> str:
    reason = log.reason()
    if NO_MEMORY.search(reason):
        return (
            f"There is not enough memory to use {path}: close other programs, or try a smaller "
            f"n_ctx or a smaller model ({reason})."
        )
    return (
        f"llama.cpp could not make a context for {path}: try the defaults of the KV cache's "
        f"parameters ({reason})."
    )


def _n_threads(model: Model) -> int:
    """As many as there are cores, but one for a model so small that agreeing takes longer."""
    return 1 if model.size < _ONE_THREAD_BYTES else Machine().physical_cores()
