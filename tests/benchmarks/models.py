"""Models to measure with: random weights in the shapes of well-known models.

How fast a model runs does not depend on what its weights are, but the sampler sees the
logits: they are spread like a trained model's, and no drawn token ends the answer.
"""

from __future__ import annotations

import random
import string
from pathlib import Path
from typing import Final, Literal

import msgspec
import numpy as np
from gguf import GGMLQuantizationType, GGUFWriter, TokenType
from gguf.quants import quantize

# Part of the files' names: to be raised whenever the same shape would give another file.
_RECIPE: Final = 1

_END: Final = "<|endoftext|>"
_N_BYTES: Final = 256
_LOGIT_SPREAD: Final = 2.5

# Of Qwen2's 151,936 tokens, how many are 2, 3, ... 20 bytes long; one in 633 is a run of one
# character of more than 32 bytes, two in five are not ASCII, one in three begins with a space.
_TOKENS_BY_LENGTH: Final = (
    *(5073, 25206, 18359, 15992, 28818, 13592, 10801, 12688, 5849, 4566),
    *(4815, 1787, 830, 1105, 281, 310, 437, 164, 70),
)
_RUNS: Final = 633
_LONGEST_RUN: Final = 128


class Shape(msgspec.Struct, frozen=True):
    """A llama-architecture model; input and output share one table of ``n_vocab`` rows."""

    name: str
    layers: int
    width: int
    heads: int
    kv_heads: int
    forward: int
    n_vocab: int
    quantisation: Literal["Q8_0", "Q4_0"]
    n_ctx: int = 8192


SMALL: Final = Shape("135M-Q8_0", 30, 576, 9, 3, 1536, 49_152, "Q8_0")
"""SmolLM2-135M's shape."""

MIDDLE: Final = Shape("500M-Q4_0", 24, 896, 14, 2, 4864, 151_936, "Q4_0")
"""Qwen2.5-0.5B's shape."""

TINY: Final = Shape("260K-vocab-512", 5, 64, 8, 4, 192, 512, "Q8_0")
"""stories260K's shape, its 172 inner columns rounded up to whole blocks of Q8_0."""

TINY_WIDE: Final = Shape("tiny-vocab-152k", 5, 64, 8, 4, 192, 151_936, "Q8_0")
"""The same under Qwen2's number of tokens."""

SMALLEST: Final = Shape("5M-vocab-512", 6, 256, 4, 4, 768, 512, "Q8_0")
"""Nobody's: quick to make and to run, slow enough for a stop to meet it at work."""


def model_file(shape: Shape, folder: Path) -> Path:
    """The file of ``shape`` in ``folder``, made if it is not there."""
    file = folder / f"{shape.name}-{_RECIPE}.gguf"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_suffix(".part")
        _write(shape, unfinished)
        unfinished.replace(file)
    return file


def prompt(n_tokens: int, number: int) -> str:
    """A text of ``n_tokens`` tokens; up to 26 numbers in turn have no beginning in common."""
    letters = random.Random(number).choices(string.ascii_lowercase, k=n_tokens - 1)
    # The vocabulary merges no letters: each is a token.
    return string.ascii_lowercase[number % 26] + "".join(letters)


def vocabulary(size: int) -> list[str]:
    """``size`` tokens in the alphabet of GPT-2's: all bytes, words of Qwen2's lengths, an end."""
    alphabet = _byte_alphabet()
    generator = random.Random(0)
    words: dict[str, None] = {}
    while len(words) < size - _N_BYTES - 1:
        word = _word(generator).encode()
        words["".join(alphabet[byte] for byte in word)] = None
    return [*alphabet, *words, _END]


def _word(generator: random.Random) -> str:
    if generator.randrange(_RUNS) == 0:
        return generator.choice(" =-*#/_~") * generator.randint(33, _LONGEST_RUN)
    [length] = generator.choices(range(2, 2 + len(_TOKENS_BY_LENGTH)), weights=_TOKENS_BY_LENGTH)
    if generator.random() < 0.4 and length >= 3:
        return "".join(chr(generator.randint(0x4E00, 0x9FFF)) for _ in range(length // 3))
    first = " " if generator.random() < 0.5 else ""
    return first + "".join(generator.choices(string.ascii_letters, k=length - len(first)))


def _byte_alphabet() -> list[str]:
    """The characters that stand for the bytes 0 to 255 in GPT-2's vocabularies."""
    shown = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    hidden = [byte for byte in range(_N_BYTES) if byte not in shown]
    return [chr(b) if b in shown else chr(0x100 + hidden.index(b)) for b in range(_N_BYTES)]


def _write(shape: Shape, file: Path) -> None:
    writer = GGUFWriter(file, "llama")
    writer.add_name(shape.name)
    writer.add_context_length(shape.n_ctx)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(shape.width // shape.heads)
    writer.add_vocab_size(shape.n_vocab)
    _add_vocabulary(writer, shape.n_vocab)

    generator = np.random.default_rng(0)
    kind = GGMLQuantizationType[shape.quantisation]

    def random_values(rows: int, columns: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        values = generator.standard_normal((rows, columns), dtype=np.float32)
        # What comes out is then as large as what went in, through any number of layers.
        values *= columns**-0.5
        return values

    def matrix(name: str, rows: int, columns: int) -> None:
        weights = quantize(random_values(rows, columns), kind)
        writer.add_tensor(f"{name}.weight", weights, raw_dtype=kind)

    def ones(name: str) -> None:
        writer.add_tensor(f"{name}.weight", np.ones(shape.width, dtype=np.float32))

    table = random_values(shape.n_vocab, shape.width) * _LOGIT_SPREAD
    # Their logits are 0, so the default top_k never leaves them in the race: lone halves of
    # characters, which no trained model writes, and the end.
    table[_N_BYTES // 2 : _N_BYTES] = 0
    table[-1] = 0
    writer.add_tensor("token_embd.weight", quantize(table, kind), raw_dtype=kind)
    ones("output_norm")
    kv_width = shape.width // shape.heads * shape.kv_heads
    for layer in range(shape.layers):
        block = f"blk.{layer}."
        ones(f"{block}attn_norm")
        ones(f"{block}ffn_norm")
        matrix(f"{block}attn_q", shape.width, shape.width)
        matrix(f"{block}attn_k", kv_width, shape.width)
        matrix(f"{block}attn_v", kv_width, shape.width)
        matrix(f"{block}attn_output", shape.width, shape.width)
        matrix(f"{block}ffn_gate", shape.forward, shape.width)
        matrix(f"{block}ffn_up", shape.forward, shape.width)
        matrix(f"{block}ffn_down", shape.width, shape.forward)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_vocabulary(writer: GGUFWriter, size: int) -> None:
    tokens = vocabulary(size)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([*[TokenType.NORMAL] * (size - 1), TokenType.CONTROL])
    # llama.cpp wants some merges; no prompt of ours has two zero bytes.
    writer.add_token_merges([f"{tokens[0]} {tokens[0]}"])
    writer.add_eos_token_id(size - 1)
    writer.add_add_bos_token(False)
