"""The one door to llama_cpp: owns llama.cpp's handles and frees them in order.

Only the engine process imports this module.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import llama_cpp
import llama_cpp.llama_cpp

from workbench.engine.machine import physical_cores
from workbench.parameters.table import Values
from workbench.untrusted import without_controls

binding = llama_cpp.llama_cpp
BINDING_VERSION: Final = llama_cpp.__version__

# n_ctx "auto" ends here: models trained on 128k tokens would take gigabytes unasked.
_AUTO_N_CTX: Final = 8192

# ggml.h's levels. The binding's own table is off by one from level 1 on.
_LOG_INFO: Final = 2
_LOG_ERROR: Final = 4
_LOG_CONT: Final = 5

CONTEXT_FULL: Final = 1
ABORTED: Final = 2
"""What ``llama_decode`` returns beside 0 (llama.h)."""


class LoadError(RuntimeError):
    """A model could not be loaded; the message says why and what to do."""


class DecodeError(RuntimeError):
    """llama.cpp could not evaluate tokens."""


class _Log:
    """llama.cpp's log: written to stderr, which is the engine's log file; errors kept."""

    def __init__(self) -> None:
        self.errors: deque[str] = deque(maxlen=8)
        self._level = 0
        # llama.cpp holds only the address: the callback lives as long as this object.
        self._callback = binding.llama_log_callback(self._write)
        binding.llama_log_set(self._callback, ctypes.c_void_p(0))

    def _write(self, level: int, text: bytes, _user_data: object) -> None:
        self._level = self._level if level == _LOG_CONT else level
        if self._level < _LOG_INFO:
            return
        line = text.decode("utf-8", "replace")
        sys.stderr.write(line)
        sys.stderr.flush()
        if self._level == _LOG_ERROR:
            self.errors.append(without_controls(line).strip())


_log = _Log()
binding.llama_backend_init()


def llama_cpp_version() -> str:
    """llama.cpp's own version."""
    version: bytes = binding.llama_version()
    return version.decode("utf-8", "replace")


def system_info() -> str:
    """The CPU features and backends this build uses."""
    info: bytes = binding.llama_print_system_info()
    return info.decode("utf-8", "replace").strip()


def gpu_offload() -> bool:
    """Whether this build can put layers on a GPU."""
    return bool(binding.llama_supports_gpu_offload())


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


class _Handle:
    """Something of llama.cpp's that must be freed."""

    def close(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Model(_Handle):
    """A loaded GGUF: weights, vocabulary, metadata."""

    def __init__(self, path: Path, values: Values, *, on_progress: Callable[[float], bool]) -> None:
        """Load ``path``. ``values`` holds every loading parameter.

        ``on_progress`` is called with 0 to 1 and returns False to give up. Raises LoadError.
        """
        check_file(path)
        parameters = binding.llama_model_default_params()
        parameters.n_gpu_layers = int(values["n_gpu_layers"])
        callback = binding.llama_progress_callback(lambda fraction, _: on_progress(fraction))
        parameters.progress_callback = callback
        _log.errors.clear()
        self._model: Any = binding.llama_model_load_from_file(os.fsencode(path), parameters)
        if not self._model:
            raise LoadError(_load_failure(path))
        self.path = path
        self._vocab: Any = binding.llama_model_get_vocab(self._model)
        self.n_vocab: int = binding.llama_vocab_n_tokens(self._vocab)
        self.n_ctx_train: int = binding.llama_model_n_ctx_train(self._model)
        self.n_params: int = binding.llama_model_n_params(self._model)
        self.size: int = binding.llama_model_size(self._model)
        self.bos: int = binding.llama_vocab_bos(self._vocab)
        self.eos: int = binding.llama_vocab_eos(self._vocab)
        self.adds_bos: bool = binding.llama_vocab_get_add_bos(self._vocab)
        self._piece = ctypes.create_string_buffer(128)

    @property
    def pointer(self) -> Any:
        """The ``llama_model *``."""
        return self._model

    def description(self) -> str:
        """llama.cpp's one-line description: architecture, size class, quantisation."""
        buffer = ctypes.create_string_buffer(256)
        binding.llama_model_desc(self._model, buffer, len(buffer))
        return without_controls(buffer.value.decode("utf-8", "replace"))

    def chat_template(self) -> str | None:
        """The GGUF's default Jinja chat template."""
        template = binding.llama_model_chat_template(self._model, None)
        return template.decode("utf-8", "replace") if template else None

    def tokenize(self, text: str) -> list[int]:
        """Tokens of ``text``; special tokens written out in it are recognised, none added."""
        encoded = text.encode("utf-8", "replace")
        # A token is at least a byte, but for a space that some vocabularies put in front.
        room = len(encoded) + 8
        tokens = (binding.llama_token * room)()
        count = binding.llama_tokenize(
            self._vocab, encoded, len(encoded), tokens, room, False, True
        )
        if count < 0:
            raise DecodeError("llama.cpp could not turn the prompt into tokens")
        return list(tokens[:count])

    def piece(self, token: int, *, special: bool = False) -> bytes:
        """The bytes a token stands for; a control token's name only if ``special``."""
        size = binding.llama_token_to_piece(
            self._vocab, token, self._piece, len(self._piece), 0, special
        )
        if size < 0:
            # Runs of spaces and the like: some vocabularies have tokens of hundreds of bytes.
            self._piece = ctypes.create_string_buffer(-size)
            return self.piece(token, special=special)
        return self._piece.raw[:size]

    def token_text(self, token: int) -> str:
        """A special token as a chat template writes it; empty if the model has none (-1)."""
        return self.piece(token, special=True).decode("utf-8", "replace") if token >= 0 else ""

    def ends_answer(self, token: int) -> bool:
        """Whether a token ends an answer (EOS, EOT and their like)."""
        return bool(binding.llama_vocab_is_eog(self._vocab, token))

    def close(self) -> None:
        """Free the model; every context on it must be closed already."""
        if self._model:
            binding.llama_model_free(self._model)
            self._model = None


class Context(_Handle):
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
        _log.errors.clear()
        self._context: Any = binding.llama_init_from_model(model.pointer, parameters)
        if not self._context:
            raise LoadError(
                f"llama.cpp could not make a context of {n_ctx} tokens: {_reason()}. "
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


class SamplerChain(_Handle):
    """A chain of llama.cpp's samplers; its last stage must select a token."""

    def __init__(self) -> None:
        self._chain: Any = binding.llama_sampler_chain_init(
            binding.llama_sampler_chain_default_params()
        )

    def add(self, stage: Any) -> None:
        """Append a stage, which the chain then owns."""
        # A NULL stage is no error to llama.cpp until it samples; then it is a segmentation
        # fault. The binding's NULL is a pointer object that is false.
        if not stage:
            raise DecodeError("llama.cpp refused a sampler's parameters")
        binding.llama_sampler_chain_add(self._chain, stage)

    def accept(self, token: int) -> None:
        """Let the stages see a token that was not drawn."""
        binding.llama_sampler_accept(self._chain, token)

    def sample(self, context: Context) -> int:
        """Draw from the last decoded token's logits; the chain has then accepted the token."""
        return int(binding.llama_sampler_sample(self._chain, context.pointer, -1))

    def close(self) -> None:
        """Free the chain and its stages."""
        if self._chain:
            binding.llama_sampler_free(self._chain)
            self._chain = None


def check_file(path: Path) -> None:
    """Raise LoadError if ``path`` cannot be a GGUF, in plainer words than llama.cpp's."""
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except FileNotFoundError:
        raise LoadError(f"there is no file {path}") from None
    except IsADirectoryError:
        raise LoadError(f"{path} is a folder; name a .gguf file in it") from None
    except OSError as error:
        raise LoadError(f"cannot read {path}: {error.strerror}") from error
    if magic != b"GGUF":
        raise LoadError(
            f"{path} is not a GGUF file"
            + (": it is empty" if not magic else "")
            + ". llama.cpp needs a model in that format."
        )


def _reason() -> str:
    """llama.cpp's last errors, the innermost first."""
    return "; ".join(dict.fromkeys(_log.errors)) or "it gave no reason; see the engine's log"


def _load_failure(path: Path) -> str:
    reason = _reason()
    if any("not within" in error or "corrupted or incomplete" in error for error in _log.errors):
        return f"{path} is incomplete: part of its data is missing. Download it again. ({reason})"
    return f"llama.cpp could not load {path}: {reason}"
