"""The exported file, read and computed by numpy alone: what the engine does, without it.

Slow, but it gives the logits of every token, from which perplexity and entropy follow.
"""

from __future__ import annotations

import math
import re
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import gguf
import numpy as np
import numpy.typing as npt

from workbench.models.pocket import chatml

_Floats = npt.NDArray[np.float32]
_ARCHITECTURE: Final = "llama"
# GPT-2's pattern, as far as ASCII goes.
_PARTS: Final = re.compile(
    r"'s|'t|'re|'ve|'m|'ll|'d| ?[A-Za-z]+| ?[0-9]+| ?[^\sA-Za-z0-9]+|\s+(?!\S)|\s+"
)
_SHOWN: Final = {" ": "\u0120", "\n": "\u010a"}


class Vocabulary:
    """The byte-level BPE of a GGUF, for plain English."""

    def __init__(self, file: Path) -> None:
        fields = gguf.GGUFReader(file).fields
        tokens = fields["tokenizer.ggml.tokens"].contents()
        merges = fields["tokenizer.ggml.merges"].contents()
        self._ids = {token: index for index, token in enumerate(tokens)}
        self._ranks = {tuple(merge.split(" ")): rank for rank, merge in enumerate(merges)}

    def prompt(self, question: str) -> list[int]:
        """The tokens of a conversation that begins with ``question``, up to the answer."""
        start, end = self._ids[chatml.START], self._ids[chatml.END]
        user, assistant = self.tokens("user\n"), self.tokens("assistant\n")
        asked = [*user, *self.tokens(question), end, *self.tokens("\n")]
        return [start, *asked, start, *assistant]

    def answer(self, text: str) -> list[int]:
        """The tokens of an answer, with the one that ends it."""
        return [*self.tokens(text), self._ids[chatml.END]]

    def tokens(self, text: str) -> list[int]:
        """The tokens of an ASCII text."""
        return [self._ids[piece] for part in _PARTS.findall(text) for piece in self._merged(part)]

    def _merged(self, part: str) -> list[str]:
        # GPT-2 writes the space and the line end as letters of their own.
        pieces = [_SHOWN.get(character, character) for character in part]
        while len(pieces) > 1:
            pairs = list(pairwise(pieces))
            best = min(pairs, key=lambda pair: self._ranks.get(pair, math.inf))
            if best not in self._ranks:
                break
            at = pairs.index(best)
            pieces[at : at + 2] = ["".join(best)]
        return pieces


class Weights:
    """The network of a GGUF of the llama architecture, its embeddings tied or not."""

    def __init__(self, file: Path) -> None:
        reader = gguf.GGUFReader(file)
        fields: dict[str, Any] = {
            name.removeprefix(f"{_ARCHITECTURE}."): field.contents()
            for name, field in reader.fields.items()
            if name.startswith(f"{_ARCHITECTURE}.")
        }
        self._layers = int(fields["block_count"])
        self._heads = int(fields["attention.head_count"])
        self._kv_heads = int(fields["attention.head_count_kv"])
        self._eps = float(fields["attention.layer_norm_rms_epsilon"])
        self._base = float(fields["rope.freq_base"])
        self._tensors: dict[str, _Floats] = {
            tensor.name: np.array(
                gguf.quants.dequantize(tensor.data, tensor.tensor_type), np.float32
            )
            for tensor in reader.tensors
        }

    @property
    def n_params(self) -> int:
        """How many numbers the network has."""
        return sum(tensor.size for tensor in self._tensors.values())

    def log_probabilities(self, tokens: list[int]) -> _Floats:
        """For each position the logarithm of each next token's probability, in nats.

        Shape ``(tokens, vocabulary)``.
        """
        embeddings = self._tensors["token_embd.weight"]
        x = embeddings[tokens]
        for layer in range(self._layers):
            x = self._block(x, f"blk.{layer}.")
        logits = self._normed(x, "output_norm.weight") @ embeddings.T
        logits -= logits.max(-1, keepdims=True)
        return logits - np.log(np.exp(logits).sum(-1, keepdims=True))

    def _block(self, x: _Floats, prefix: str) -> _Floats:
        count = len(x)
        normed = self._normed(x, prefix + "attn_norm.weight")

        def heads(name: str, number: int) -> _Floats:
            projected = normed @ self._tensors[prefix + name].T
            return projected.reshape(count, number, -1).transpose(1, 0, 2)

        repeats = self._heads // self._kv_heads
        query = self._rotated(heads("attn_q.weight", self._heads))
        key = self._rotated(heads("attn_k.weight", self._kv_heads)).repeat(repeats, 0)
        value = heads("attn_v.weight", self._kv_heads).repeat(repeats, 0)
        scores = query @ key.transpose(0, 2, 1) / np.sqrt(query.shape[-1])
        scores += np.triu(np.full((count, count), -np.inf, np.float32), 1)
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        attended = scores / scores.sum(-1, keepdims=True) @ value
        joined = attended.transpose(1, 0, 2).reshape(count, -1)
        x = x + joined @ self._tensors[prefix + "attn_output.weight"].T
        normed = self._normed(x, prefix + "ffn_norm.weight")
        gate = normed @ self._tensors[prefix + "ffn_gate.weight"].T
        gated = gate / (1 + np.exp(-gate)) * (normed @ self._tensors[prefix + "ffn_up.weight"].T)
        ahead: _Floats = x + gated @ self._tensors[prefix + "ffn_down.weight"].T
        return ahead

    def _normed(self, x: _Floats, gains: str) -> _Floats:
        normed: _Floats = x / np.sqrt((x**2).mean(-1, keepdims=True) + self._eps)
        return normed * self._tensors[gains]

    def _rotated(self, x: _Floats) -> _Floats:
        """RoPE on neighbouring columns; ``x`` is ``(heads, tokens, head_size)``."""
        size = x.shape[-1]
        rates = self._base ** -(np.arange(0, size, 2, dtype=np.float32) / size)
        angles = np.outer(np.arange(x.shape[1], dtype=np.float32), rates)
        cosines, sines = np.cos(angles), np.sin(angles)
        even, odd = x[..., 0::2], x[..., 1::2]
        turned = np.empty_like(x)
        turned[..., 0::2] = even * cosines - odd * sines
        turned[..., 1::2] = even * sines + odd * cosines
        return turned
