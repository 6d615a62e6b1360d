"""GGUF files made for tests: random weights on a real vocabulary."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from gguf import GGUFReader, GGUFValueType, GGUFWriter

from workbench.models.pocket import MODEL_FILE


def random_model(
    path: Path,
    *,
    layers: int = 8,
    width: int = 512,
    heads: int = 8,
    forward: int = 1536,
    template: str | None = None,
    drop_template: bool = False,
    n_ctx: int = 4096,
    vocabulary: Path = MODEL_FILE,
) -> Path:
    """Write a llama-architecture model of random F16 weights to ``path``.

    Its vocabulary and chat template are those of the GGUF ``vocabulary``, which needs no
    weights of its own; ``template`` replaces the latter, ``drop_template`` leaves it out.
    """
    writer = GGUFWriter(path, "llama")
    fields = GGUFReader(vocabulary).fields
    n_vocab = 0
    for key, field in fields.items():
        if not key.startswith("tokenizer.") or key == "tokenizer.chat_template":
            continue
        value = field.contents()
        if field.types[0] == GGUFValueType.ARRAY:
            n_vocab = len(value) if key == "tokenizer.ggml.tokens" else n_vocab
            writer.add_array(key, value)
        else:
            writer.add_key_value(key, value, field.types[0])
    shipped = fields.get("tokenizer.chat_template")
    chosen = template or (shipped.contents() if shipped is not None else None)
    if chosen is not None and not drop_template:
        writer.add_chat_template(chosen)
    writer.add_name("random")
    writer.add_context_length(n_ctx)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(forward)
    writer.add_head_count(heads)
    writer.add_head_count_kv(heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(width // heads)
    writer.add_vocab_size(n_vocab)

    generator = np.random.default_rng(0)

    def random(name: str, rows: int, columns: int) -> None:
        weights = generator.standard_normal((rows, columns), dtype=np.float32) * 0.02
        writer.add_tensor(f"{name}.weight", weights.astype(np.float16))

    def ones(name: str) -> None:
        writer.add_tensor(f"{name}.weight", np.ones(width, dtype=np.float32))

    random("token_embd", n_vocab, width)
    random("output", n_vocab, width)
    ones("output_norm")
    for layer in range(layers):
        block = f"blk.{layer}."
        ones(f"{block}attn_norm")
        ones(f"{block}ffn_norm")
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            random(block + name, width, width)
        random(f"{block}ffn_gate", forward, width)
        random(f"{block}ffn_up", forward, width)
        random(f"{block}ffn_down", width, forward)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
