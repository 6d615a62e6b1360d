"""A model's context: its KV memory, and the evaluation of tokens."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from workbench.engine.llama.backend import NO_MEMORY, log
from workbench.engine.llama.binding import binding
from workbench.engine.llama.buffers import cache_size
from workbench.engine.llama.handle import DecodeError, Handle, LoadError
from workbench.engine.llama.model import Model
from workbench.engine.machine import Machine
from workbench.parameters.lanes import MOST_LANES
from workbench.parameters.numbers import CACHE_TYPES, FLASH_ATTN, ROPE_SCALINGS

CONTEXT_FULL: Final = 1
ABORTED: Final = 2
"""What ``llama_decode`` returns beside 0 (llama.h)."""

# One core reads this much in less than a millisecond. With another process on the other
# cores, threads that wait for each other after every layer were a hundred times slower.
_ONE_THREAD_BYTES: Final = 16 * 1024 * 1024

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


class Row(NamedTuple):
    """A token to evaluate, at its place in its sequence."""

    token: int
    position: int
    sequence: int


class Context(Handle):
    """A model's context: its KV memory, and the logits of the last decode.

    It holds up to ``n_sequences`` sequences of tokens, which may share their beginnings.
    """

    def __init__(self, model: Model, values: dict[str, Any], *, abort: AbortFlag) -> None:
        """``values`` holds every loading parameter, ``n_ctx`` no longer 0. Raises LoadError."""
        parameters = binding.llama_context_default_params()
        n_ctx = values["n_ctx"]
        n_batch = min(values["n_batch"], n_ctx)
        self.n_threads = _n_threads(model) if values["n_threads"] < 0 else values["n_threads"]
        n_threads_batch = values["n_threads_batch"]
        parameters.n_ctx = n_ctx
        parameters.n_ubatch = min(values["n_ubatch"], n_batch)
        parameters.n_threads = self.n_threads
        parameters.n_threads_batch = self.n_threads if n_threads_batch < 0 else n_threads_batch
        parameters.flash_attn_type = FLASH_ATTN[values["flash_attn"]]
        parameters.type_k = CACHE_TYPES[values["cache_type_k"]]
        parameters.type_v = CACHE_TYPES[values["cache_type_v"]]
        parameters.rope_scaling_type = ROPE_SCALINGS[values["rope_scaling"]]
        for name in _SAME_NAMED:
            setattr(parameters, name, values[name])
        # A running state cannot be shared, and every sequence would take one of its own. So it
        # is with a window's cells: what several sequences hold of them is never free again.
        self.n_sequences = 1 if model.is_recurrent or model.n_swa else MOST_LANES
        parameters.n_seq_max = self.n_sequences
        parameters.n_batch = max(n_batch, self.n_sequences)
        # No batch of ours wants more rows of logits than there are sequences. By its default
        # llama.cpp makes room for one a token: 300 MB with a vocabulary of 150,000.
        parameters.n_outputs_max = self.n_sequences
        # All cells for everybody; apart, copying a part of a sequence aborts the process.
        parameters.kv_unified = True
        parameters.abort_callback = abort.callback
        parameters.abort_callback_data = abort.data
        log.clear()
        self._context: Any = binding.llama_init_from_model(model.pointer, parameters)
        if not self._context:
            raise LoadError(_failure(model.path))
        self._memory: Any = binding.llama_get_memory(self._context)
        if not self._memory:
            # Asked to write all the same, llama.cpp ends the process.
            self.close()
            raise LoadError(
                f"{model.path} reads a whole text at once, to embed it or to fill it in: it "
                "cannot write token by token. Choose a model that does."
            )
        # Bytes that the tokens are kept in.
        self.cache_size = cache_size(log.infos)
        # llama.cpp rounds n_ctx up to a multiple of 256; what was asked for is the limit.
        self.n_ctx = min(n_ctx, int(binding.llama_n_ctx(self._context)))
        self.n_ubatch = int(parameters.n_ubatch)
        self._batch = _Batch(max(self.n_ubatch, self.n_sequences))
        self._n_swa = 0 if values["swa_full"] else model.n_swa
        self.is_recurrent = model.is_recurrent
        self.can_cut = not (self._n_swa or model.is_recurrent)

    @property
    def pointer(self) -> Any:
        """The ``llama_context *``."""
        return self._context

    def decode(self, tokens: Sequence[int], position: int, sequence: int) -> int:
        """Evaluate at most ``n_ubatch`` tokens of a sequence, from ``position`` on.

        The logits after the last of them are row -1. Returns 0, CONTEXT_FULL or ABORTED;
        raises DecodeError on any other failure.
        """
        return self._decode(self._batch.piece(tokens, position, sequence))

    def step(self, rows: Sequence[Row]) -> int:
        """Evaluate a token each of as many sequences; their logits are rows 0, 1 and on.

        Returns as ``decode`` does.
        """
        return self._decode(self._batch.step(rows))

    def synchronize(self) -> None:
        """Wait until all that was handed over is evaluated: a GPU goes on behind ``decode``."""
        binding.llama_synchronize(self._context)

    def _decode(self, batch: Any) -> int:
        status = binding.llama_decode(self._context, batch)
        if status < 0:
            raise DecodeError(
                f"llama.cpp failed to evaluate the tokens (code {status}): try a smaller n_ubatch, "
                "or the KV cache's defaults"
            )
        return int(status)

    def n_held(self, sequence: int) -> int:
        """Tokens of a sequence that are now in the memory."""
        return int(binding.llama_memory_seq_pos_max(self._memory, sequence)) + 1

    def cut(self, sequence: int, n_kept: int) -> bool:
        """Forget all but the first ``n_kept`` tokens; False if what is left would be a lie.

        A recurrent state has no end to cut off, and a sliding window may have slid past
        what the next token must see.
        """
        if self._n_swa and n_kept < self.n_held(sequence):
            oldest = int(binding.llama_memory_seq_pos_min(self._memory, sequence))
            if oldest > max(0, n_kept - self._n_swa):
                return False
        return bool(binding.llama_memory_seq_rm(self._memory, sequence, n_kept, -1))

    def copy(self, source: int, sequence: int, n_tokens: int) -> None:
        """Let an empty sequence share the first ``n_tokens`` of ``source``."""
        binding.llama_memory_seq_cp(self._memory, source, sequence, 0, n_tokens)

    def forget(self, sequence: int) -> None:
        """Forget a sequence."""
        binding.llama_memory_seq_rm(self._memory, sequence, -1, -1)

    def clear(self) -> None:
        """Forget everything."""
        binding.llama_memory_clear(self._memory, True)

    def can_shift(self) -> bool:
        """Whether tokens can be taken out of the middle."""
        return bool(binding.llama_memory_can_shift(self._memory)) and self.can_cut

    def shift(self, sequence: int, n_keep: int, n_discard: int) -> None:
        """Take ``n_discard`` tokens out after the first ``n_keep`` and close the gap.

        No other sequence may share what moves up: it would move with it.
        """
        end = n_keep + n_discard
        binding.llama_memory_seq_rm(self._memory, sequence, n_keep, end)
        binding.llama_memory_seq_add(self._memory, sequence, end, -1, -n_discard)

    def state(self, sequence: int, *, partial: bool = False) -> bytearray:
        """A sequence's memory as bytes; ``partial``: only what ``cut`` cannot take back."""
        flags = _PARTIAL_ONLY if partial else 0
        size = binding.llama_state_seq_get_size_ext(self._context, sequence, flags)
        state = bytearray(size)
        buffer = (ctypes.c_uint8 * size).from_buffer(state)
        binding.llama_state_seq_get_data_ext(self._context, buffer, size, sequence, flags)
        return state

    def restore(
        self, sequence: int, state: bytearray | memoryview, *, partial: bool = False
    ) -> bool:
        """Take a state back; False if llama.cpp refuses it (its memory is then in ruins)."""
        buffer = (ctypes.c_uint8 * len(state)).from_buffer(state)
        read = binding.llama_state_seq_set_data_ext(
            self._context, buffer, len(state), sequence, _PARTIAL_ONLY if partial else 0
        )
        return bool(read)

    def close(self) -> None:
        """Free the context."""
        if self._context:
            binding.llama_free(self._context)
            self._context = None


class _Batch:
    """A ``llama_batch`` and the arrays it points to, made once."""

    def __init__(self, size: int) -> None:
        self._tokens = (binding.llama_token * size)()
        self._positions = (ctypes.c_int32 * size)()
        self._sequences = (ctypes.c_int32 * size)()
        self._wanted = (ctypes.c_int8 * size)()
        ids = (ctypes.POINTER(ctypes.c_int32) * size)(
            *(
                ctypes.cast(
                    ctypes.byref(self._sequences, at * ctypes.sizeof(ctypes.c_int32)),
                    ctypes.POINTER(ctypes.c_int32),
                )
                for at in range(size)
            )
        )
        self._batch = binding.llama_batch(
            n_tokens=0,
            token=self._tokens,
            embd=None,
            pos=self._positions,
            n_seq_id=(ctypes.c_int32 * size)(*[1] * size),
            seq_id=ids,
            logits=self._wanted,
        )

    def piece(self, tokens: Sequence[int], position: int, sequence: int) -> Any:
        """Tokens of one sequence; logits are wanted after the last."""
        count = len(tokens)
        self._tokens[:count] = list(tokens)
        self._positions[:count] = list(range(position, position + count))
        self._sequences[:count] = [sequence] * count
        self._wanted[:count] = [0] * count
        self._wanted[count - 1] = 1
        self._batch.n_tokens = count
        return self._batch

    def step(self, rows: Sequence[Row]) -> Any:
        """A token each of as many sequences; logits are wanted after all of them."""
        for at, row in enumerate(rows):
            self._tokens[at], self._positions[at], self._sequences[at] = row
            self._wanted[at] = 1
        self._batch.n_tokens = len(rows)
        return self._batch


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
