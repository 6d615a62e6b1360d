"""A loaded model file: weights, vocabulary, metadata."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workbench.engine.llama.backend import binding, log
from workbench.engine.llama.handle import DecodeError, Handle, LoadError
from workbench.parameters.table import Values
from workbench.untrusted import without_controls


class Model(Handle):
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
        log.errors.clear()
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


def _load_failure(path: Path) -> str:
    reason = log.reason()
    if any("not within" in error or "corrupted or incomplete" in error for error in log.errors):
        return f"{path} is incomplete: part of its data is missing. Download it again. ({reason})"
    return f"llama.cpp could not load {path}: {reason}"
