"""From a checkpoint to a GGUF."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import gguf
import numpy as np
import torch
from tokenizers import Tokenizer

from workbench.models.pocket import chatml
from workbench.models.pocket.network import Network, Shape

CARD: Final = Path(__file__).with_name("CARD.md")
KIND: Final = gguf.GGMLQuantizationType.Q8_0

_FILE_TYPES: Final = {
    gguf.GGMLQuantizationType.F16: gguf.LlamaFileType.MOSTLY_F16,
    gguf.GGMLQuantizationType.Q8_0: gguf.LlamaFileType.MOSTLY_Q8_0,
    gguf.GGMLQuantizationType.Q5_0: gguf.LlamaFileType.MOSTLY_Q5_0,
    gguf.GGMLQuantizationType.Q4_0: gguf.LlamaFileType.MOSTLY_Q4_0,
}
# A little cooler than the table's 0.8: its answers have many wordings, but few meanings.
_TEMPERATURE: Final = 0.7
_TOP_K: Final = 40
_TOP_P: Final = 0.95
_MIN_P: Final = 0.05


def loaded(work: Path, shape: Shape) -> tuple[Network, Tokenizer]:
    """The trained network and its tokenizer."""
    network = Network(shape)
    saved = torch.load(work / "checkpoint.pt", weights_only=True, map_location="cpu")
    network.load_state_dict(saved["network"])
    return network.eval(), Tokenizer.from_file(str(work / "tokenizer.json"))


def export(work: Path, out: Path, shape: Shape, kind: gguf.GGMLQuantizationType = KIND) -> None:
    """Write the checkpoint in ``work`` to ``out``: matrices as ``kind``, gains in F32."""
    network, tokenizer = loaded(work, shape)
    beside = out.with_suffix(".new")
    writer = gguf.GGUFWriter(beside, "llama")
    _add_description(writer, network)
    writer.add_file_type(_FILE_TYPES[kind])
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
        array = weight.float().numpy()
        tensor = name.replace("blocks.", "blk.")
        if array.ndim == 2:
            writer.add_tensor(tensor, quantised(array, kind), raw_dtype=kind)
        else:
            writer.add_tensor(tensor, array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    beside.replace(out)
    print(f"{out}: {out.stat().st_size:,} bytes")


def quantised(weight: np.ndarray, kind: gguf.GGMLQuantizationType) -> np.ndarray:
    """A matrix's rows as blocks of ``kind``."""
    packed: np.ndarray = gguf.quants.quantize(weight, kind)
    return packed


def round_weights(network: Network, kind: gguf.GGMLQuantizationType) -> None:
    """Leave the network the weights that ``kind`` leaves of its own."""
    with torch.no_grad():
        for weight in network.parameters():
            if weight.dim() == 2:
                packed = quantised(weight.numpy(), kind)
                weight.copy_(torch.from_numpy(gguf.quants.dequantize(packed, kind)))


def _add_description(writer: gguf.GGUFWriter, network: Network) -> None:
    count = sum(weight.numel() for weight in network.parameters())
    writer.add_name("Pocket")
    writer.add_basename("Pocket")
    writer.add_size_label(f"{count / 1e6:.1f}M")
    writer.add_description(
        "The model built into Workbench: small, honest, always there. It explains Workbench and "
        "local models, tells short stories, and says what it cannot know."
    )
    writer.add_author("The Workbench authors")
    writer.add_organization("Workbench")
    writer.add_license("MIT")
    writer.add_languages(["en"])
    writer.add_tags(["text-generation", "chat", "workbench", "tiny"])
    writer.add_string("pocket.card", CARD.read_text(encoding="utf-8"))
    # What it is to be sampled with, unless a person says otherwise.
    writer.add_float32("general.sampling.temp", _TEMPERATURE)
    writer.add_int32("general.sampling.top_k", _TOP_K)
    writer.add_float32("general.sampling.top_p", _TOP_P)
    writer.add_float32("general.sampling.min_p", _MIN_P)


def _add_vocabulary(writer: gguf.GGUFWriter, tokenizer: Tokenizer) -> None:
    model = json.loads(tokenizer.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    merges = [each if isinstance(each, str) else " ".join(each) for each in model["merges"]]
    special = set(chatml.SPECIAL)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(
        [gguf.TokenType.CONTROL if token in special else gguf.TokenType.NORMAL for token in tokens]
    )
    writer.add_token_merges(merges)
    end = tokenizer.token_to_id(chatml.END)
    writer.add_eos_token_id(end)
    writer.add_eot_token_id(end)
    writer.add_pad_token_id(tokenizer.token_to_id(chatml.END_OF_TEXT))
    writer.add_add_bos_token(False)
    writer.add_chat_template(chatml.TEMPLATE)
