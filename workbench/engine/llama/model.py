"""A loaded model file: weights, vocabulary, metadata."""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NamedTuple

from workbench.engine.llama.backend import NO_MEMORY, log
from workbench.engine.llama.binding import binding
from workbench.engine.llama.handle import DecodeError, Handle, LoadError
from workbench.parameters import entries
from workbench.parameters.entries import Override
from workbench.parameters.numbers import SPLIT_MODES
from workbench.untrusted import without_controls

_LOAD_MODES: Final = {"auto": -1, "none": 0, "mmap": 1, "mlock": 2, "mmap+mlock": 3, "dio": 4}
# enum llama_model_kv_override_type and the union's member.
_OVERRIDES: Final = {
    int: (0, "val_i64"),
    float: (1, "val_f64"),
    bool: (2, "val_bool"),
    str: (3, "val_str"),
}
# enum llama_token_attr.
_UNKNOWN: Final = 1
_CONTROL: Final = 1 << 3

# enum llama_vocab_type.
_NO_VOCABULARY: Final = 0
_INCOMPLETE: Final = re.compile("not within|corrupted or incomplete")


class Piece(NamedTuple):
    """What a token stands for in an answer."""

    text: bytes
    """Its bytes; a control token's name."""
    control: bool
    ends: bool
    """Whether it ends the answer."""


class Model(Handle):
    """A loaded GGUF."""

    def __init__(
        self,
        path: Path,
        values: dict[str, Any],
        *,
        on_progress: Callable[[float], bool],
        to_price: bool = False,
    ) -> None:
        """Load ``path``. ``values`` holds every loading parameter.

        ``on_progress`` is called with 0 to 1 and returns False to give up. ``to_price`` reads
        no weights and takes no memory for them, nor do its contexts: they only know what they
        would take. Raises LoadError.
        """
        check_file(path)
        parameters = binding.llama_model_default_params()
        parameters.n_gpu_layers = values["n_gpu_layers"]
        parameters.split_mode = SPLIT_MODES[values["split_mode"]]
        parameters.main_gpu = values["main_gpu"]
        parameters.load_mode = _LOAD_MODES[values["load_mode"]]
        parameters.check_tensors = values["check_tensors"]
        if to_price:
            # llama.cpp aborts if it is to map a file of which it allocates nothing.
            parameters.no_alloc, parameters.load_mode = True, _LOAD_MODES["none"]
        # The arrays live until the model is loaded: llama.cpp only gets their addresses.
        split = _tensor_split([entries.proportion(entry) for entry in values["tensor_split"]])
        parameters.tensor_split = split
        overrides = _kv_overrides([entries.override(entry) for entry in values["kv_overrides"]])
        parameters.kv_overrides = overrides
        callback = binding.llama_progress_callback(lambda fraction, _: on_progress(fraction))
        parameters.progress_callback = callback
        log.clear()
        self._model: Any = binding.llama_model_load_from_file(os.fsencode(path), parameters)
        if not self._model:
            raise LoadError(_load_failure(path))
        self.path = path
        self.warnings = list(log.warnings)
        # What llama.cpp said of the memory it took.
        self.buffers = [line for line in log.infos if "model buffer size" in line]
        self._vocab: Any = binding.llama_model_get_vocab(self._model)
        if binding.llama_vocab_type(self._vocab) == _NO_VOCABULARY:
            self.close()
            raise LoadError(f"{path} has no vocabulary: it can neither read text nor write any.")
        if binding.llama_model_has_encoder(self._model):
            self.close()
            raise LoadError(
                f"{path} has an encoder for what it reads, which Workbench does not run. "
                "Choose a model that chats."
            )
        self.n_vocab: int = binding.llama_vocab_n_tokens(self._vocab)
        self.n_ctx_train: int = binding.llama_model_n_ctx_train(self._model)
        self.n_params: int = binding.llama_model_n_params(self._model)
        self.n_swa: int = binding.llama_model_n_swa(self._model)
        self.size: int = binding.llama_model_size(self._model)
        self.bos: int = binding.llama_vocab_bos(self._vocab)
        self.eos: int = binding.llama_vocab_eos(self._vocab)
        self.adds_bos: bool = binding.llama_vocab_get_add_bos(self._vocab)
        self._buffer = ctypes.create_string_buffer(128)
        self._pieces: dict[int, Piece] = {}

    @property
    def pointer(self) -> Any:
        """The ``llama_model *``."""
        return self._model

    @property
    def vocab(self) -> Any:
        """The ``llama_vocab *``."""
        return self._vocab

    @property
    def is_recurrent(self) -> bool:
        """Whether some of its layers keep a running state instead of the past."""
        return bool(
            binding.llama_model_is_recurrent(self._model)
            or binding.llama_model_is_hybrid(self._model)
        )

    def description(self) -> str:
        """llama.cpp's one-line description: architecture, size class, quantisation."""
        buffer = ctypes.create_string_buffer(256)
        binding.llama_model_desc(self._model, buffer, len(buffer))
        return without_controls(buffer.value.decode("utf-8", "replace"))

    def metadata(self, key: str) -> str | None:
        """A metadata value as text; None if the file has no such key."""
        buffer = ctypes.create_string_buffer(1024)
        size = binding.llama_model_meta_val_str(self._model, key.encode(), buffer, len(buffer))
        return buffer.value.decode("utf-8", "replace") if size >= 0 else None

    def chat_template(self) -> str | None:
        """The GGUF's default Jinja chat template."""
        template = binding.llama_model_chat_template(self._model, None)
        return template.decode("utf-8", "replace") if template else None

    def tokenize(self, text: str, *, parse_special: bool = True) -> list[int]:
        """Tokens of ``text``, none added; special tokens written out in it are recognised."""
        encoded = text.encode("utf-8", "replace")
        # A token is at least a byte, but for a space that some vocabularies put in front.
        room = len(encoded) + 8
        tokens = (binding.llama_token * room)()
        count = binding.llama_tokenize(
            self._vocab, encoded, len(encoded), tokens, room, False, parse_special
        )
        made = list(tokens[: max(count, 0)])
        # Not every kind of vocabulary has a token for everything; llama.cpp's then is -1.
        if count < 0 or any(not 0 <= token < self.n_vocab for token in made):
            raise DecodeError("llama.cpp could not turn the prompt into tokens")
        return made

    def piece(self, token: int, *, special: bool = False) -> bytes:
        """The bytes a token stands for; a control token's name only if ``special``."""
        size = binding.llama_token_to_piece(
            self._vocab, token, self._buffer, len(self._buffer), 0, special
        )
        if size < 0:
            # Runs of spaces and the like: some vocabularies have tokens of hundreds of bytes.
            self._buffer = ctypes.create_string_buffer(-size)
            return self.piece(token, special=special)
        return self._buffer.raw[:size]

    def cached_piece(self, token: int) -> Piece:
        """What a token stands for; llama.cpp is asked once."""
        known = self._pieces.get(token)
        if known is None:
            control = self.is_control(token)
            known = self._pieces[token] = Piece(
                self.piece(token, special=control), control, self.ends_answer(token)
            )
        return known

    def token_text(self, token: int) -> str:
        """A special token as a chat template writes it; empty if the model has none (-1)."""
        return self.piece(token, special=True).decode("utf-8", "replace") if token >= 0 else ""

    def is_control(self, token: int) -> bool:
        """Whether a token stands for no text of its own."""
        return bool(binding.llama_vocab_is_control(self._vocab, token))

    def is_named(self, token: int) -> bool:
        """Whether a token is meant only where its name may be parsed as one (``parse_special``)."""
        attributes = int(binding.llama_vocab_get_attr(self._vocab, token))
        return bool(attributes & (_UNKNOWN | _CONTROL))

    def ends_answer(self, token: int) -> bool:
        """Whether a token ends an answer (EOS, EOT and their like)."""
        return bool(binding.llama_vocab_is_eog(self._vocab, token))

    @cached_property
    def end_tokens(self) -> list[int]:
        """Every token that ends an answer."""
        return [token for token in range(self.n_vocab) if self.ends_answer(token)]

    @cached_property
    def suppressed_tokens(self) -> list[int]:
        """Tokens that the model's maker forbids to draw."""
        count = ctypes.c_int32()
        tokens = binding.llama_vocab_get_suppress_tokens(self._vocab, ctypes.byref(count))
        return tokens[: count.value] if count.value else []

    def close(self) -> None:
        """Free the model; every context on it must be closed already."""
        if self._model:
            binding.llama_model_free(self._model)
            self._model = None


def check_file(path: Path, what: str = "") -> None:
    """Raise LoadError if ``path`` cannot be a GGUF, in plainer words than llama.cpp's.

    ``what`` names what it is to be, if it is not the model itself.
    """
    what = what and f"{what}: "
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except FileNotFoundError:
        raise LoadError(f"{what}there is no file {path}") from None
    except IsADirectoryError:
        raise LoadError(f"{what}{path} is a folder; name a .gguf file in it") from None
    except OSError as error:
        raise LoadError(f"{what}cannot read {path}: {error.strerror}") from error
    if magic != b"GGUF":
        raise LoadError(
            f"{what}{path} is not a GGUF file"
            + (": it is empty" if not magic else "")
            + ". llama.cpp needs a model in that format."
        )


def _tensor_split(proportions: Sequence[float]) -> Any:
    """A float for every device llama.cpp knows of; NULL where nothing is asked."""
    room = int(binding.llama_max_devices())
    if len(proportions) > room:
        raise LoadError(f"tensor_split names {len(proportions)} GPUs; llama.cpp knows {room}")
    return (ctypes.c_float * room)(*proportions) if proportions else None


def _kv_overrides(overrides: Iterable[Override]) -> Any:
    """An array that ends with an empty key; NULL where nothing is asked."""
    listed = list(overrides)
    if not listed:
        return None
    array = (binding.llama_model_kv_override * (len(listed) + 1))()
    for entry, override in zip(array, listed, strict=False):
        entry.tag, member = _OVERRIDES[type(override.value)]
        entry.key = override.key.encode()
        value = override.value
        setattr(entry.value, member, value.encode() if isinstance(value, str) else value)
    return array


def _load_failure(path: Path) -> str:
    reason = log.reason()
    if _INCOMPLETE.search(reason):
        return f"{path} is incomplete: part of its data is missing. Download it again ({reason})."
    if NO_MEMORY.search(reason):
        return (
            f"There is not enough memory for {path}: close other programs, or try a smaller model "
            f"({reason})."
        )
    kind = "of a kind that this llama.cpp does not know"
    if "unknown model architecture" not in reason:
        kind = f"damaged, or {kind}"
    return f"llama.cpp could not load {path}: it is {kind} ({reason})."
