"""Chains of llama.cpp's samplers."""

from __future__ import annotations

import ctypes
import os
import tempfile
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from workbench.engine.llama.backend import binding
from workbench.engine.llama.context import Context
from workbench.engine.llama.handle import DecodeError, Handle
from workbench.engine.llama.model import Model

_STDERR: Final = 2

# llama_token_data.
_CANDIDATE: Final = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])


class SamplerChain(Handle):
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

    def take_last(self) -> Any:
        """Remove the last stage and hand it over, its random state with it."""
        return binding.llama_sampler_chain_remove(
            self._chain, binding.llama_sampler_chain_n(self._chain) - 1
        )

    def accept(self, token: int) -> None:
        """Let the stages see a token that was not drawn."""
        binding.llama_sampler_accept(self._chain, token)

    def sample(self, context: Context) -> int:
        """Draw from the last decoded token's logits; the chain has then accepted the token."""
        return int(binding.llama_sampler_sample(self._chain, context.pointer, -1))

    def draw(self, candidates: Candidates) -> int:
        """Draw from ``candidates``; nothing is accepted."""
        candidates.apply(self._chain)
        return candidates.selected()

    def close(self) -> None:
        """Free the chain and its stages."""
        if self._chain:
            binding.llama_sampler_free(self._chain)
            self._chain = None


class Candidates:
    """The tokens a sampler chooses from, with their logits."""

    def __init__(self, tokens: npt.NDArray[np.int32], logits: npt.NDArray[np.float32]) -> None:
        self._data = np.zeros(len(tokens), _CANDIDATE)
        self._data["id"] = tokens
        self._data["logit"] = logits
        self._array = binding.llama_token_data_array(
            data=self._data.ctypes.data_as(ctypes.POINTER(binding.llama_token_data)),
            size=len(tokens),
            selected=-1,
            sorted=False,
        )

    @classmethod
    def of(cls, context: Context, n_vocab: int) -> Candidates:
        """The whole vocabulary after the last decoded token."""
        logits = binding.llama_get_logits_ith(context.pointer, -1)
        return cls(
            np.arange(n_vocab, dtype=np.int32), np.ctypeslib.as_array(logits, shape=(n_vocab,))
        )

    @classmethod
    def only(cls, token: int) -> Candidates:
        """One token."""
        return cls(np.array([token], np.int32), np.ones(1, np.float32))

    def apply(self, sampler: Any) -> None:
        """Let a stage or a chain act on the candidates."""
        binding.llama_sampler_apply(sampler, ctypes.byref(self._array))

    def any_possible(self) -> bool:
        """Whether a candidate is left whose logit is not minus infinity."""
        return bool((self._data["logit"][: self._array.size] > -np.inf).any())

    def selected(self) -> int:
        """The token that the last stage selected."""
        return int(self._array.data[self._array.selected].id)


class Grammar(Handle):
    """A GBNF grammar and how far the answer has come in it."""

    def __init__(self, model: Model, gbnf: str) -> None:
        """Raises ValueError with llama.cpp's words if ``gbnf`` is no grammar."""
        with _stderr() as words:
            self._stage: Any = binding.llama_sampler_init_grammar(
                model.vocab, gbnf.encode(), b"root"
            )
        # The binding's NULL is a pointer object that is false.
        if not self._stage:
            raise ValueError(words.text() or "llama.cpp gives no reason")

    def allows(self, token: int) -> bool:
        """Whether the answer may go on with ``token``."""
        candidates = Candidates.only(token)
        candidates.apply(self._stage)
        return candidates.any_possible()

    def restrict(self, candidates: Candidates) -> None:
        """Make impossible what the grammar does not allow."""
        candidates.apply(self._stage)

    def accept(self, token: int) -> None:
        """Go on with ``token``, which must be allowed: anything else aborts the process."""
        binding.llama_sampler_accept(self._stage, token)

    def close(self) -> None:
        """Free the grammar."""
        if self._stage:
            binding.llama_sampler_free(self._stage)
            self._stage = None


class _stderr:  # noqa: N801
    """What C code prints to stderr in a block; llama.cpp's grammar parser has no other way."""

    def __enter__(self) -> Self:
        self._file = tempfile.TemporaryFile()
        self._kept = os.dup(_STDERR)
        os.dup2(self._file.fileno(), _STDERR)
        return self

    def __exit__(self, *_: object) -> None:
        os.dup2(self._kept, _STDERR)
        os.close(self._kept)
        self._file.seek(0)
        self._text = self._file.read().decode("utf-8", "replace")
        self._file.close()

    def text(self) -> str:
        """The words, on one line."""
        return " ".join(self._text.split())
