"""Answers that keep to a grammar. Only imported where there is one: numpy takes its time."""

from __future__ import annotations

import ctypes
import os
import tempfile
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from workbench.engine.llama.binding import binding
from workbench.engine.llama.chain import SamplerChain
from workbench.engine.llama.context import Context
from workbench.engine.llama.handle import Handle
from workbench.engine.llama.model import Model

_STDERR: Final = 2

# llama_token_data.
_CANDIDATE: Final = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])


class Grammar(Handle):
    """A GBNF grammar and how far the answer has come in it."""

    def __init__(self, model: Model, gbnf: str) -> None:
        """Raises ValueError with llama.cpp's words if ``gbnf`` is no grammar."""
        self._n_vocab = model.n_vocab
        with _stderr() as words:
            self._stage: Any = binding.llama_sampler_init_grammar(
                model.vocab, gbnf.encode(), b"root"
            )
        # The binding's NULL is a pointer object that is false.
        if not self._stage:
            raise ValueError(words.text() or "llama.cpp gives no reason")

    def draw(self, chain: SamplerChain, context: Context, row: int) -> int | None:
        """Let ``chain`` draw what the grammar allows; None where nothing is left to draw.

        As ``common_sampler_sample`` does: the grammar is asked about the drawn token alone;
        only if it refuses is the whole vocabulary put through it. Nothing is accepted.
        """
        token = _Candidates.of(context, row, self._n_vocab).drawn_by(chain)
        if self._allows(token):
            return token
        candidates = _Candidates.of(context, row, self._n_vocab)
        candidates.apply(self._stage)
        if not candidates.any_possible():
            return None
        token = candidates.drawn_by(chain)
        # What is left may be forbidden by a bias: the end, where ignore_eos is on.
        return token if self._allows(token) else None

    def _allows(self, token: int) -> bool:
        """Whether the answer may go on with ``token``."""
        candidates = _Candidates.only(token)
        candidates.apply(self._stage)
        return candidates.any_possible()

    def accept(self, token: int) -> None:
        """Go on with ``token``, which must be allowed: anything else aborts the process."""
        binding.llama_sampler_accept(self._stage, token)

    def close(self) -> None:
        """Free the grammar."""
        if self._stage:
            binding.llama_sampler_free(self._stage)
            self._stage = None


class _Candidates:
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
    def of(cls, context: Context, row: int, n_vocab: int) -> _Candidates:
        """The whole vocabulary, by a row of the last decode's logits."""
        logits = binding.llama_get_logits_ith(context.pointer, row)
        return cls(
            np.arange(n_vocab, dtype=np.int32), np.ctypeslib.as_array(logits, shape=(n_vocab,))
        )

    @classmethod
    def only(cls, token: int) -> _Candidates:
        """One token."""
        return cls(np.array([token], np.int32), np.ones(1, np.float32))

    def apply(self, sampler: Any) -> None:
        """Let a stage or a chain act on the candidates."""
        binding.llama_sampler_apply(sampler, ctypes.byref(self._array))

    def any_possible(self) -> bool:
        """Whether a candidate is left whose logit is not minus infinity."""
        return bool((self._data["logit"][: self._array.size] > -np.inf).any())

    def drawn_by(self, chain: SamplerChain) -> int:
        """The token that the chain's last stage selects."""
        self.apply(chain.pointer)
        return int(self._array.data[self._array.selected].id)


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
        """The words on one line, but for those that only say that something was wrong."""
        return " ".join(self._text.replace("failed to parse grammar", "").split())
