from __future__ import annotations

from typing import Any

from workbench.models.gguf import Array, Header, Scalar, Tensor
from workbench.models.shape import Shape, shape_of


def shape(architecture: str, tensors: tuple[Tensor, ...] = (), **metadata: Scalar | Array) -> Shape:
    """The shape by an architecture's own keys; ``__`` stands for a dot."""
    own = {f"{architecture}.{key.replace('__', '.')}": value for key, value in metadata.items()}
    return shape_of([Header(3, {"general.architecture": architecture, **own}, tensors, 0)])


def array(*numbers: int) -> Array:
    return Array("i32", len(numbers), 0, numbers)


GROUPED: dict[str, Any] = {"block_count": 4, "embedding_length": 64, "attention__head_count": 8}


def test_shared_heads_are_kept_once() -> None:
    found = shape("llama", **GROUPED, attention__head_count_kv=2)
    assert found.cells == ((16, 16),) * 4
    assert shape("llama", **GROUPED).cells == ((64, 64),) * 4


def test_heads_may_differ_by_layer_and_layers_without_keep_a_state() -> None:
    found = shape(
        "jamba", **GROUPED, attention__head_count_kv=array(0, 8, 0, 8),
        ssm__inner_size=128, ssm__state_size=16, ssm__conv_kernel=4,
    )  # fmt: skip
    assert found.cells == ((64, 64),) * 2
    assert found.state == 2 * 4 * (3 * 128 + 128 * 16)


def test_every_so_manieth_layer_may_see_all() -> None:
    found = shape("gemma2", **GROUPED, attention__sliding_window=512)
    assert (len(found.cells), len(found.windowed), found.window) == (2, 2, 512)
    told = shape(
        "gemma3n", **GROUPED, attention__sliding_window=512,
        attention__sliding_window_pattern=array(1, 1, 1, 0),
    )  # fmt: skip
    assert (len(told.cells), len(told.windowed)) == (1, 3)
    # llama.cpp passes over a window that the architecture does not have.
    assert shape("qwen2", **GROUPED, attention__sliding_window=512).windowed == ()


def test_latent_attention_keeps_one_vector() -> None:
    found = shape(
        "deepseek2", **GROUPED, attention__head_count_kv=1, attention__kv_lora_rank=512,
        attention__key_length=576, attention__value_length=512, attention__key_length_mla=192,
    )  # fmt: skip
    assert found.cells == ((576, 0),) * 4


def test_a_token_goes_through_some_of_the_experts() -> None:
    tensors = (
        Tensor("token_embd.weight", "F16", (64, 100), 0, 12_800),
        Tensor("output.weight", "F16", (64, 100), 12_800, 12_800),
        Tensor("blk.0.ffn_up_exps.weight", "F16", (64, 64, 8), 25_600, 65_536),
    )
    found = shape("mixtral", tensors, **GROUPED, expert_count=8, expert_used_count=2)
    assert found.read == 12_800 + 65_536 // 4
    tied = shape("mixtral", (tensors[0],), **GROUPED)
    assert tied.read == 12_800
    # Of Gemma's tables for each layer only a row is read, too.
    table = Tensor("per_layer_token_embd.weight", "F16", (64, 100), 38_400, 12_800)
    assert shape("gemma3n", (tensors[0], table), **GROUPED).read == 12_800


def test_metadata_of_wrong_kinds_is_as_if_it_were_missing() -> None:
    found = shape_of(
        [Header(3, {"general.architecture": "\x1b[2Jx", "x.block_count": "no"}, (), 0)]
    )
    assert (found.architecture, found.n_layers, found.cells) == ("[2Jx", 0, ())
    assert shape("llama", block_count=-4, context_length=2**60).n_ctx == 0
