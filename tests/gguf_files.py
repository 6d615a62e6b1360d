"""GGUF files made for tests: random weights on a real vocabulary."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from gguf import GGUFReader, GGUFValueType, GGUFWriter

from workbench.models.pocket import MODEL_FILE


class RandomWeights:
    """A GGUF in the making: metadata by its writer, weights from one stream of chance."""

    def __init__(
        self,
        path: Path,
        architecture: str,
        *,
        width: int,
        layers: int,
        n_ctx: int,
        vocabulary: Path = MODEL_FILE,
    ):
        """``vocabulary`` is a GGUF whose tokens are taken; it needs no weights of its own."""
        self.writer = GGUFWriter(path, architecture)
        self.n_vocab = 0
        self.width = width
        self._chance = np.random.default_rng(0)
        for key, field in GGUFReader(vocabulary).fields.items():
            if not key.startswith("tokenizer.") or key == "tokenizer.chat_template":
                continue
            value = field.contents()
            if field.types[0] == GGUFValueType.ARRAY:
                self.n_vocab = len(value) if key == "tokenizer.ggml.tokens" else self.n_vocab
                self.writer.add_array(key, value)
            else:
                self.writer.add_key_value(key, value, field.types[0])
        self.writer.add_name("random")
        self.writer.add_context_length(n_ctx)
        self.writer.add_embedding_length(width)
        self.writer.add_block_count(layers)
        self.writer.add_layer_norm_rms_eps(1e-5)
        self.writer.add_vocab_size(self.n_vocab)
        self.random("token_embd", self.n_vocab, width)
        self.random("output", self.n_vocab, width)
        self.ones("output_norm")

    def random(self, name: str, *shape: int, spread: float = 0.02, f32: bool = False) -> None:
        """A weight of ``shape``, rows first."""
        weights = self._chance.standard_normal(shape, dtype=np.float32) * spread
        self.writer.add_tensor(f"{name}.weight", weights if f32 else weights.astype(np.float16))

    def ones(self, name: str, size: int | None = None) -> None:
        """A norm's weight."""
        self.writer.add_tensor(f"{name}.weight", np.ones(size or self.width, dtype=np.float32))

    def write(self, template: str | None) -> None:
        """Finish the file, with the given chat template or none."""
        if template is not None:
            self.writer.add_chat_template(template)
        _write(self.writer)


def shipped_template() -> str:
    """The built-in model's chat template."""
    return str(GGUFReader(MODEL_FILE).fields["tokenizer.chat_template"].contents())


def random_model(
    path: Path,
    *,
    architecture: str = "llama",
    layers: int = 8,
    width: int = 512,
    heads: int = 8,
    forward: int = 1536,
    template: str | None = None,
    drop_template: bool = False,
    n_ctx: int = 4096,
    metadata: Mapping[str, str | int | float] | None = None,
    vocabulary: Path = MODEL_FILE,
) -> Path:
    """Write a model of llama's architecture, or of one with the same tensors, to ``path``.

    ``template`` replaces the built-in model's, ``drop_template`` leaves it out;
    ``metadata`` is added as it is; the tokens are those of the GGUF ``vocabulary``.
    """
    made = RandomWeights(
        path, architecture, width=width, layers=layers, n_ctx=n_ctx, vocabulary=vocabulary
    )
    made.writer.add_feed_forward_length(forward)
    made.writer.add_head_count(heads)
    made.writer.add_head_count_kv(heads)
    made.writer.add_rope_dimension_count(width // heads)
    for key, value in (metadata or {}).items():
        match value:
            case str():
                made.writer.add_string(key, value)
            case int():
                made.writer.add_uint32(key, value)
            case float():
                made.writer.add_float32(key, value)
    for layer in range(layers):
        block = f"blk.{layer}."
        made.ones(f"{block}attn_norm")
        made.ones(f"{block}ffn_norm")
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            made.random(block + name, width, width)
        made.random(f"{block}ffn_gate", forward, width)
        made.random(f"{block}ffn_up", forward, width)
        made.random(f"{block}ffn_down", width, forward)
    made.write(None if drop_template else template or shipped_template())
    return path


def sliding_model(path: Path, *, window: int = 32, n_ctx: int = 4096) -> Path:
    """Write a small Gemma 3, most of whose layers see only the last ``window`` tokens."""
    layers, width, heads, forward = 6, 64, 2, 128
    made = RandomWeights(path, "gemma3", width=width, layers=layers, n_ctx=n_ctx)
    made.writer.add_feed_forward_length(forward)
    made.writer.add_head_count(heads)
    made.writer.add_head_count_kv(heads)
    made.writer.add_key_length(width // heads)
    made.writer.add_value_length(width // heads)
    made.writer.add_sliding_window(window)
    for layer in range(layers):
        block = f"blk.{layer}."
        for name in ("attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm"):
            made.ones(block + name)
        made.ones(f"{block}attn_q_norm", width // heads)
        made.ones(f"{block}attn_k_norm", width // heads)
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            made.random(block + name, width, width, spread=0.2)
        made.random(f"{block}ffn_gate", forward, width, spread=0.2)
        made.random(f"{block}ffn_up", forward, width, spread=0.2)
        made.random(f"{block}ffn_down", width, forward, spread=0.2)
    made.write(shipped_template())
    return path


def recurrent_model(path: Path, *, n_ctx: int = 4096) -> Path:
    """Write a small Mamba, which keeps a running state instead of its past."""
    layers, width, inner, state, rank, kernel = 2, 64, 128, 16, 4, 4
    made = RandomWeights(path, "mamba", width=width, layers=layers, n_ctx=n_ctx)
    made.writer.add_feed_forward_length(0)
    made.writer.add_head_count(0)
    made.writer.add_ssm_conv_kernel(kernel)
    made.writer.add_ssm_inner_size(inner)
    made.writer.add_ssm_state_size(state)
    made.writer.add_ssm_time_step_rank(rank)
    for layer in range(layers):
        block = f"blk.{layer}."
        made.ones(f"{block}attn_norm")
        made.random(f"{block}ssm_in", 2 * inner, width, spread=0.2)
        made.random(f"{block}ssm_conv1d", inner, kernel, spread=0.2, f32=True)
        made.random(f"{block}ssm_x", rank + 2 * state, inner, spread=0.2)
        made.random(f"{block}ssm_dt", inner, rank, spread=0.2)
        made.random(f"{block}ssm_out", width, inner, spread=0.2)
        zeros = np.zeros(inner, dtype=np.float32)
        made.writer.add_tensor(f"{block}ssm_conv1d.bias", zeros)
        made.writer.add_tensor(f"{block}ssm_dt.bias", zeros)
        # So slow that what was read thousands of tokens ago is still seen, and missed.
        decay = np.full((inner, state), -5e-4, dtype=np.float32)
        made.writer.add_tensor(f"{block}ssm_a", decay)
        made.writer.add_tensor(f"{block}ssm_d", np.ones(inner, dtype=np.float32))
    made.write(shipped_template())
    return path


def lora_adapter(path: Path, *, width: int, layers: int, architecture: str = "llama") -> Path:
    """Write a LoRA adapter of rank 4 that changes every layer's queries a lot."""
    chance = np.random.default_rng(1)
    writer = GGUFWriter(path, architecture)
    writer.add_string("general.type", "adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 16.0)
    for layer in range(layers):
        for half in ("lora_a", "lora_b"):
            shape = (4, width) if half == "lora_a" else (width, 4)
            weights = chance.standard_normal(shape, dtype=np.float32)
            writer.add_tensor(f"blk.{layer}.attn_q.weight.{half}", weights)
    _write(writer)
    return path


def control_vector(path: Path, *, width: int, layers: int, name: str = "direction") -> Path:
    """Write a control vector with a large direction for every layer."""
    chance = np.random.default_rng(2)
    writer = GGUFWriter(path, "controlvector")
    for layer in range(1, layers + 1):
        direction = chance.standard_normal(width, dtype=np.float32) * 10
        writer.add_tensor(f"{name}.{layer}", direction)
    _write(writer)
    return path


def _write(writer: GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
