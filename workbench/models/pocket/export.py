"""From a checkpoint to a GGUF, and the proof that both say the same."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

import gguf
import numpy as np
import torch
from tokenizers import Tokenizer

from workbench.models.pocket import vocabulary
from workbench.models.pocket.answering import greedy
from workbench.models.pocket.network import Network, Shape

PROMPTS: Final = (
    "Hello!", "Who are you?", "What is temperature?", "What is a GGUF file?",
    "Tell me a story about a fox.", "How do I stop an answer?", "What does top_k do?",
    "How do I load another model?", "What is a token?", "What is quantisation?",
    "Tell me a joke.", "What is the capital of France?", "What does a cow say?",
    "What is 3 plus 4?", "How do I quit?", "What is the KV cache?", "What colour is the sky?",
    "Are you alive?", "What is the weather today?", "Tell me a story.", "What is a seed?",
    "Thank you!", "What are the seasons?", "Explain quantum physics.",
)  # fmt: skip


def loaded(work: Path, shape: Shape) -> tuple[Network, Tokenizer]:
    """The trained network and its tokenizer."""
    network = Network(shape)
    saved = torch.load(work / "checkpoint.pt", weights_only=True)
    network.load_state_dict(saved["network"])
    return network.eval(), Tokenizer.from_file(str(work / "tokenizer.json"))


def quantised(weight: np.ndarray) -> np.ndarray:
    """A matrix's rows as Q8_0 blocks."""
    packed: np.ndarray = gguf.quants.quantize(weight, gguf.GGMLQuantizationType.Q8_0)
    return packed


def export(work: Path, out: Path, shape: Shape) -> None:
    """Write the checkpoint in ``work`` to ``out``: matrices in Q8_0, gains in F32."""
    network, tokenizer = loaded(work, shape)
    beside = out.with_suffix(".new")
    writer = gguf.GGUFWriter(beside, "llama")
    writer.add_name("Pocket")
    writer.add_description("The model built into Workbench: small, honest, always there.")
    writer.add_author("The Workbench authors")
    writer.add_license("MIT")
    writer.add_languages(["en"])
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_vocab_size(shape.n_vocab)
    writer.add_context_length(shape.n_ctx)
    writer.add_embedding_length(shape.n_embd)
    writer.add_block_count(shape.n_layer)
    writer.add_feed_forward_length(shape.n_ff)
    writer.add_head_count(shape.n_head)
    writer.add_head_count_kv(shape.n_head_kv)
    writer.add_rope_dimension_count(shape.head_size)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_layer_norm_rms_eps(shape.norm_eps)
    _add_vocabulary(writer, tokenizer)
    for name, weight in network.state_dict().items():
        if name.startswith("_"):
            continue
        array = weight.numpy()
        tensor = name.replace("blocks.", "blk.")
        if array.ndim == 2:
            writer.add_tensor(tensor, quantised(array), raw_dtype=gguf.GGMLQuantizationType.Q8_0)
        else:
            writer.add_tensor(tensor, array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    beside.replace(out)
    print(f"{out}: {out.stat().st_size:,} bytes")


def _add_vocabulary(writer: gguf.GGUFWriter, tokenizer: Tokenizer) -> None:
    model = json.loads(tokenizer.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    merges = [each if isinstance(each, str) else " ".join(each) for each in model["merges"]]
    special = set(vocabulary.SPECIAL)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(
        [gguf.TokenType.CONTROL if token in special else gguf.TokenType.NORMAL for token in tokens]
    )
    writer.add_token_merges(merges)
    end = tokenizer.token_to_id(vocabulary.END)
    writer.add_eos_token_id(end)
    writer.add_eot_token_id(end)
    writer.add_pad_token_id(tokenizer.token_to_id(vocabulary.END_OF_TEXT))
    writer.add_add_bos_token(False)
    writer.add_chat_template(vocabulary.TEMPLATE)


def rounded(network: Network) -> Network:
    """The network with the weights that Q8_0 leaves of its own."""
    with torch.no_grad():
        for weight in network.parameters():
            if weight.dim() == 2:
                packed = quantised(weight.numpy())
                restored = gguf.quants.dequantize(packed, gguf.GGMLQuantizationType.Q8_0)
                weight.copy_(torch.from_numpy(restored))
    return network


def check(work: Path, out: Path, shape: Shape, *, limit: int = 60) -> None:
    """Compare greedy answers of the network and of the GGUF; raises AssertionError.

    The network runs with the weights as Q8_0 rounds them. llama.cpp rounds the activations
    as well, so two nearly equal candidates may change places: one prompt in ten may part.
    """
    network, tokenizer = loaded(work, shape)
    rounded(network)
    parted = 0
    expectations = greedy(network, tokenizer, PROMPTS, limit)
    for prompt, (expected, _) in zip(PROMPTS, expectations, strict=True):
        command = [
            sys.executable, "-m", "workbench", "run", prompt, "--model", str(out),
            "--temperature", "0", "--max-tokens", str(limit), "--json",
        ]  # fmt: skip
        answer = subprocess.run(command, capture_output=True, check=True, text=True)
        said = json.loads(answer.stdout)["text"]
        same = said == expected
        parted += not same
        print(f"{'same  ' if same else 'PARTED'} {prompt!r}: {said!r}")
        if not same:
            print(f"       network: {expected!r}")
    assert parted <= len(PROMPTS) // 10, f"{parted} of {len(PROMPTS)} answers parted"
