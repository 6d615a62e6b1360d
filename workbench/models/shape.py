"""What a GGUF's metadata says of a model's build: layers, heads, experts, trained length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from workbench.models.gguf import Array, Header, Scalar, Tensor, read_header
from workbench.models.model_file import named_parts
from workbench.untrusted import without_controls

# Every so manieth layer sees the whole past, the others a window, where the file has no pattern
# of its own (load_swa_pattern in llama.cpp's src/models). An architecture that is not here has
# no window, whatever its file says.
_PERIODS: Final[Mapping[str, int]] = {
    "afmoe": 4,
    "cohere2": 4,
    "cohere2moe": 4,
    "exaone-moe": 4,
    "exaone4": 4,
    "gemma-embedding": 6,
    "gemma2": 2,
    "gemma3": 6,
    "gemma3n": 5,
    "gpt-oss": 2,
    "laguna": 4,
    "llama4": 4,
    "mellum": 4,
    "olmo2": 4,
    "plamo3": 8,
    "smallthinker": 4,
}
# llama.cpp sets it, files need not.
_LLAMA4_WINDOW: Final = 8192
_RECURRENT: Final = ("mamba", "mamba2", "rwkv6", "rwkv7", "arwkv7", "rwkv6qwen2")
# llama.h's enum llama_ftype, where it is not what most of the weights are.
_FILE_TYPES: Final[Mapping[int, str]] = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K",
    11: "Q3_K_S", 12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S",
    17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS", 20: "IQ2_XS", 21: "Q2_K_S", 22: "IQ3_XS",
    23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S",
    29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16", 36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4",
    39: "NVFP4",
}  # fmt: skip
_LONGEST_WORD: Final = 80


class Shape(msgspec.Struct, frozen=True):
    """A model's build. Lengths in tokens, sizes in bytes.

    ``cells`` are the values that the keys and the values of a token take in each layer that
    keeps its past, ``windowed`` the same for layers that see only the last ``window`` tokens.
    ``state`` are the bytes of the running states of layers that keep no past. ``read`` are the
    bytes of the weights that one token goes through.
    """

    architecture: str
    quantisation: str
    n_params: int
    n_layers: int
    n_ctx: int
    n_vocab: int
    width: int
    weights: int
    read: int
    cells: tuple[tuple[int, int], ...]
    windowed: tuple[tuple[int, int], ...] = ()
    window: int = 0
    state: int = 0
    experts: tuple[int, int] = (0, 0)


def shape_of_file(file: Path) -> Shape:
    """The build of the model in ``file``, the first of its parts. Raises GgufError or OSError."""
    return shape_of([read_header(part) for part in named_parts(file)])


def shape_of(headers: Sequence[Header]) -> Shape:
    """The build of a model, by the headers of its file or of all its parts, the first in front."""
    meta = _Metadata(headers[0].metadata)
    tensors = [tensor for header in headers for tensor in header.tensors]
    n_layers = meta.number("block_count")
    window = meta.window()
    layers = range(min(n_layers, 4096))
    cells = [meta.cell(layer) for layer in layers]
    sees = [window > 0 and meta.sees_window(layer) for layer in layers]
    used, count = meta.number("expert_used_count"), meta.number("expert_count")
    return Shape(
        architecture=meta.architecture,
        quantisation=meta.file_type() or _most(tensors),
        n_params=sum(tensor.n_weights for tensor in tensors),
        n_layers=n_layers,
        n_ctx=meta.number("context_length"),
        n_vocab=meta.n_vocab(),
        width=meta.number("embedding_length"),
        weights=sum(tensor.size for tensor in tensors),
        read=_read(tensors, used / count if count else 1.0),
        cells=tuple(cell for cell, seen in zip(cells, sees, strict=True) if any(cell) and not seen),
        windowed=tuple(cell for cell, seen in zip(cells, sees, strict=True) if any(cell) and seen),
        window=window,
        state=meta.state() * sum(1 for cell in cells if not any(cell)),
        experts=(used, count),
    )


class _Metadata:
    """Metadata whose values may be of any kind, or missing."""

    def __init__(self, metadata: Mapping[str, Scalar | Array]) -> None:
        self._all = metadata
        named = metadata.get("general.architecture")
        self.architecture = word(named) if isinstance(named, str) else ""

    def plain(self, key: str) -> int:
        """A whole number by its full key; 0 if there is none."""
        value = self._all.get(key)
        return value if isinstance(value, int) and 0 <= value < 2**48 else 0

    def file_type(self) -> str:
        """The quantisation's name; empty if the file does not say."""
        known = "general.file_type" in self._all
        return _FILE_TYPES.get(self.plain("general.file_type"), "") if known else ""

    def number(self, key: str) -> int:
        """The architecture's number; 0 if there is none."""
        return self.plain(f"{self.architecture}.{key}")

    def of_layer(self, key: str, layer: int) -> int:
        """The architecture's number for a layer, which may be the same for all."""
        value = self._all.get(f"{self.architecture}.{key}")
        if not isinstance(value, Array):
            return self.number(key)
        listed = value.first[layer] if layer < len(value.first) else 0
        return listed if isinstance(listed, int) and 0 <= listed < 2**32 else 0

    def n_vocab(self) -> int:
        """How many tokens there are."""
        tokens = self._all.get("tokenizer.ggml.tokens")
        return tokens.count if isinstance(tokens, Array) else self.number("vocab_size")

    def cell(self, layer: int) -> tuple[int, int]:
        """Values of a token's key and value in a layer; none in one that keeps a state."""
        if self.architecture in _RECURRENT or self._keeps_a_state(layer):
            return 0, 0
        heads = self.of_layer("attention.head_count", layer)
        shared = self.of_layer("attention.head_count_kv", layer)
        if not shared and f"{self.architecture}.attention.head_count_kv" not in self._all:
            shared = heads
        each = self.number("embedding_length") // heads if heads else 0
        key = self.number("attention.key_length") or each
        value = self.number("attention.value_length") or each
        if self.number("attention.kv_lora_rank") and self.number("attention.key_length_mla"):
            # Latent attention: the values are a part of the keys.
            return shared * key, 0
        return shared * key, shared * value

    def _keeps_a_state(self, layer: int) -> bool:
        """Whether a layer of a model of both kinds keeps a state in place of its past."""
        every = self.number("full_attention_interval")
        return every > 1 and (layer + 1) % every != 0

    def window(self) -> int:
        """How many tokens the layers with a window see; 0 if there are none."""
        if self.architecture == "llama4" and "llama4.attention.sliding_window" not in self._all:
            return _LLAMA4_WINDOW
        return self.number("attention.sliding_window")

    def sees_window(self, layer: int) -> bool:
        """Whether a layer sees a window only, in a model that has one."""
        pattern = self._all.get(f"{self.architecture}.attention.sliding_window_pattern")
        if isinstance(pattern, Array) and layer < len(pattern.first):
            return bool(pattern.first[layer])
        told = self.number("attention.sliding_window_pattern")
        period = told or _PERIODS.get(self.architecture, 0)
        return bool(period) and (layer + 1) % period != 0

    def state(self) -> int:
        """Bytes of a layer's running state: a convolution's last inputs, and what they led to."""
        inner, size = self.number("ssm.inner_size"), self.number("ssm.state_size")
        if inner:
            last = max(0, self.number("ssm.conv_kernel") - 1)
            groups = 2 * self.number("ssm.group_count") * size
            return 4 * (last * (inner + groups) + inner * size)
        head = self.number("wkv.head_size")
        return 4 * self.number("embedding_length") * (2 + head) if head else 0


def word(text: str) -> str:
    """A name of the file's, fit for one line."""
    return " ".join(without_controls(text).split())[:_LONGEST_WORD]


def _most(tensors: Sequence[Tensor]) -> str:
    """The type of most of the weights."""
    by_type: dict[str, int] = {}
    for tensor in tensors:
        by_type[tensor.type] = by_type.get(tensor.type, 0) + tensor.n_weights
    return max(by_type, key=lambda each: by_type[each], default="")


def _read(tensors: Sequence[Tensor], experts: float) -> int:
    """Bytes of the weights that a token goes through; ``experts`` is the share of those."""
    tied = all(tensor.name != "output.weight" for tensor in tensors)
    read = 0.0
    for tensor in tensors:
        # Of the tables of tokens one row is read, unless it gives the logits, too.
        if "_exps." in tensor.name:
            read += tensor.size * experts
        elif tensor.name == "per_layer_token_embd.weight":
            continue
        elif tensor.name != "token_embd.weight" or tied:
            read += tensor.size
    return int(read)
