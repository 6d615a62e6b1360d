"""What we count on in llama-cpp-python: a new version that breaks it fails here, by name.

The tables are complete: a walk through our own sources sees to it that they name all that is
used, and nothing else.
"""

from __future__ import annotations

import ast
import ctypes
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

import workbench.engine
from workbench.engine.llama import backend, context, model
from workbench.engine.llama.binding import binding, library
from workbench.parameters import numbers

FUNCTIONS: Final = {
    "llama_adapter_lora_free": "(LP_c_void_p) -> None",
    "llama_adapter_lora_init": "(c_void_p, c_char_p) -> LP_c_void_p",
    "llama_backend_init": "() -> None",
    "llama_context_default_params": "() -> llama_context_params",
    "llama_decode": "(c_void_p, llama_batch) -> c_int",
    "llama_free": "(c_void_p) -> None",
    "llama_get_logits_ith": "(c_void_p, c_int) -> LP_c_float",
    "llama_get_memory": "(c_void_p) -> c_void_p",
    "llama_init_from_model": "(c_void_p, llama_context_params) -> c_void_p",
    "llama_log_set": "(CFunctionType, c_void_p) -> None",
    "llama_max_devices": "() -> c_ulong",
    "llama_memory_can_shift": "(c_void_p) -> c_bool",
    "llama_memory_clear": "(c_void_p, c_bool) -> None",
    "llama_memory_seq_add": "(c_void_p, c_int, c_int, c_int, c_int) -> None",
    "llama_memory_seq_cp": "(c_void_p, c_int, c_int, c_int, c_int) -> None",
    "llama_memory_seq_pos_max": "(c_void_p, c_int) -> c_int",
    "llama_memory_seq_pos_min": "(c_void_p, c_int) -> c_int",
    "llama_memory_seq_rm": "(c_void_p, c_int, c_int, c_int) -> c_bool",
    "llama_model_chat_template": "(c_void_p, c_char_p) -> c_char_p",
    "llama_model_default_params": "() -> llama_model_params",
    "llama_model_desc": "(c_void_p, c_char_p, c_ulong) -> c_int",
    "llama_model_free": "(c_void_p) -> None",
    "llama_model_get_vocab": "(c_void_p) -> c_void_p",
    "llama_model_is_hybrid": "(c_void_p) -> c_bool",
    "llama_model_has_encoder": "(c_void_p) -> c_bool",
    "llama_model_is_recurrent": "(c_void_p) -> c_bool",
    "llama_model_load_from_file": "(c_char_p, llama_model_params) -> c_void_p",
    "llama_model_meta_val_str": "(c_void_p, c_char_p, c_char_p, c_ulong) -> c_int",
    "llama_model_n_ctx_train": "(c_void_p) -> c_int",
    "llama_model_n_embd": "(c_void_p) -> c_int",
    "llama_model_n_layer": "(c_void_p) -> c_int",
    "llama_model_n_params": "(c_void_p) -> c_ulong",
    "llama_model_n_swa": "(c_void_p) -> c_int",
    "llama_model_size": "(c_void_p) -> c_ulong",
    "llama_n_ctx": "(c_void_p) -> c_uint",
    "llama_numa_init": "(c_int) -> None",
    "llama_print_system_info": "() -> c_char_p",
    "llama_sampler_accept": "(LP_llama_sampler, c_int) -> None",
    "llama_sampler_apply": "(LP_llama_sampler, LP_llama_token_data_array) -> None",
    "llama_sampler_chain_add": "(LP_llama_sampler, LP_llama_sampler) -> None",
    "llama_sampler_chain_default_params": "() -> llama_sampler_chain_params",
    "llama_sampler_chain_init": "(llama_sampler_chain_params) -> LP_llama_sampler",
    "llama_sampler_chain_n": "(LP_llama_sampler) -> c_int",
    "llama_sampler_chain_remove": "(LP_llama_sampler, c_int) -> LP_llama_sampler",
    "llama_sampler_free": "(LP_llama_sampler) -> None",
    "llama_sampler_init_adaptive_p": "(c_float, c_float, c_uint) -> LP_llama_sampler",
    "llama_sampler_init_dist": "(c_uint) -> LP_llama_sampler",
    "llama_sampler_init_dry": (
        "(c_void_p, c_float, c_float, c_int, c_int, LP_c_char_p, c_ulong) -> LP_llama_sampler"
    ),
    "llama_sampler_init_grammar": "(c_void_p, c_char_p, c_char_p) -> LP_llama_sampler",
    "llama_sampler_init_infill": "(c_void_p) -> LP_llama_sampler",
    "llama_sampler_init_logit_bias": "(c_int, c_int, LP_llama_logit_bias) -> LP_llama_sampler",
    "llama_sampler_init_min_p": "(c_float, c_ulong) -> LP_llama_sampler",
    "llama_sampler_init_mirostat": "(c_int, c_uint, c_float, c_float, c_int) -> LP_llama_sampler",
    "llama_sampler_init_mirostat_v2": "(c_uint, c_float, c_float) -> LP_llama_sampler",
    "llama_sampler_init_penalties": "(c_int, c_int, c_float, c_float, c_float) -> LP_llama_sampler",
    "llama_sampler_init_temp": "(c_float) -> LP_llama_sampler",
    "llama_sampler_init_temp_ext": "(c_float, c_float, c_float) -> LP_llama_sampler",
    "llama_sampler_init_top_k": "(c_int) -> LP_llama_sampler",
    "llama_sampler_init_top_n_sigma": "(c_float) -> LP_llama_sampler",
    "llama_sampler_init_top_p": "(c_float, c_ulong) -> LP_llama_sampler",
    "llama_sampler_init_typical": "(c_float, c_ulong) -> LP_llama_sampler",
    "llama_sampler_init_xtc": "(c_float, c_float, c_ulong, c_uint) -> LP_llama_sampler",
    "llama_sampler_sample": "(LP_llama_sampler, c_void_p, c_int) -> c_int",
    "llama_set_adapter_cvec": "(c_void_p, LP_c_float, c_ulong, c_int, c_int, c_int) -> c_int",
    "llama_set_adapters_lora": "(c_void_p, LP_LP_c_void_p, c_ulong, LP_c_float) -> c_int",
    "llama_state_seq_get_data_ext": "(c_void_p, LP_c_ubyte, c_ulong, c_int, c_uint) -> c_ulong",
    "llama_state_seq_get_size_ext": "(c_void_p, c_int, c_uint) -> c_ulong",
    "llama_state_seq_set_data_ext": "(c_void_p, LP_c_ubyte, c_ulong, c_int, c_uint) -> c_ulong",
    "llama_supports_gpu_offload": "() -> c_bool",
    "llama_synchronize": "(c_void_p) -> None",
    "llama_token_to_piece": "(c_void_p, c_int, c_char_p, c_int, c_int, c_bool) -> c_int",
    "llama_tokenize": "(c_void_p, c_char_p, c_int, LP_c_int, c_int, c_bool, c_bool) -> c_int",
    "llama_version": "() -> c_char_p",
    "llama_vocab_bos": "(c_void_p) -> c_int",
    "llama_vocab_eos": "(c_void_p) -> c_int",
    "llama_vocab_get_add_bos": "(c_void_p) -> c_bool",
    "llama_vocab_get_attr": "(c_void_p, c_int) -> c_int",
    "llama_vocab_get_suppress_tokens": "(c_void_p, LP_c_int) -> LP_c_int",
    "llama_vocab_is_control": "(c_void_p, c_int) -> c_bool",
    "llama_vocab_is_eog": "(c_void_p, c_int) -> c_bool",
    "llama_vocab_n_tokens": "(c_void_p) -> c_int",
    "llama_vocab_type": "(c_void_p) -> c_int",
}
"""Arguments and result of every function, in ctypes' names."""

TYPES: Final = {
    "ggml_abort_callback": "CFunctionType",
    "llama_adapter_lora_p_ctypes": "LP_c_void_p",
    "llama_log_callback": "CFunctionType",
    "llama_progress_callback": "CFunctionType",
    "llama_token": "c_int",
}

STRUCTS: Final = {
    "llama_model_params": {
        "n_gpu_layers": "c_int",
        "split_mode": "c_int",
        "load_mode": "c_int",
        "main_gpu": "c_int",
        "tensor_split": "LP_c_float",
        "progress_callback": "CFunctionType",
        "kv_overrides": "LP_llama_model_kv_override",
        "check_tensors": "c_bool",
        "no_alloc": "c_bool",
    },
    "llama_context_params": {
        "n_ctx": "c_uint",
        "n_batch": "c_uint",
        "n_outputs_max": "c_uint",
        "n_ubatch": "c_uint",
        "n_threads": "c_int",
        "n_threads_batch": "c_int",
        "rope_scaling_type": "c_int",
        "flash_attn_type": "c_int",
        "rope_freq_base": "c_float",
        "rope_freq_scale": "c_float",
        "yarn_ext_factor": "c_float",
        "yarn_attn_factor": "c_float",
        "yarn_beta_fast": "c_float",
        "yarn_beta_slow": "c_float",
        "yarn_orig_ctx": "c_uint",
        "type_k": "c_int",
        "type_v": "c_int",
        "abort_callback": "CFunctionType",
        "abort_callback_data": "c_void_p",
        "offload_kqv": "c_bool",
        "op_offload": "c_bool",
        "swa_full": "c_bool",
        "kv_unified": "c_bool",
        "n_seq_max": "c_uint",
    },
    "llama_batch": {
        "n_tokens": "c_int",
        "token": "LP_c_int",
        "embd": "LP_c_float",
        "pos": "LP_c_int",
        "n_seq_id": "LP_c_int",
        "seq_id": "LP_LP_c_int",
        "logits": "LP_c_byte",
    },
    "llama_token_data": {"id": "c_int", "logit": "c_float", "p": "c_float"},
    "llama_token_data_array": {
        "data": "LP_llama_token_data",
        "size": "c_ulong",
        "selected": "c_long",
        "sorted": "c_bool",
    },
    "llama_logit_bias": {"token": "c_int", "bias": "c_float"},
    "llama_model_kv_override": {
        "tag": "c_int",
        "key": "c_char_Array_128",
        "value": "llama_model_kv_override_value",
    },
    "llama_model_kv_override_value": {
        "val_i64": "c_long",
        "val_f64": "c_double",
        "val_bool": "c_bool",
        "val_str": "c_char_Array_128",
    },
}
"""The fields we read or set, in ctypes' names."""

IN_THE_LIBRARY: Final = (
    "ggml_backend_dev_count",
    "ggml_backend_dev_get",
    "ggml_backend_dev_memory",
    "ggml_backend_dev_name",
    "ggml_backend_dev_type",
    "_Z26llama_get_memory_breakdownPK13llama_context",
    "_ZNK11llama_model10get_tensorEPKc",
    "ggml_backend_buffer_get_type",
    "ggml_backend_buft_name",
    "gguf_free",
    "gguf_get_data_offset",
    "gguf_get_n_tensors",
    "gguf_get_tensor_name",
    "gguf_get_tensor_offset",
    "gguf_get_tensor_size",
    "gguf_get_tensor_type",
    "gguf_init_from_file",
)
"""What the binding leaves out and its shared libraries have; declared by us."""

CONSTANTS: Final[Mapping[str, int]] = {
    "LLAMA_SPLIT_MODE_NONE": numbers.SPLIT_MODES["none"],
    "LLAMA_SPLIT_MODE_LAYER": numbers.SPLIT_MODES["layer"],
    "LLAMA_SPLIT_MODE_ROW": numbers.SPLIT_MODES["row"],
    "LLAMA_SPLIT_MODE_TENSOR": numbers.SPLIT_MODES["tensor"],
    "LLAMA_LOAD_MODE_AUTO": model._LOAD_MODES["auto"],
    "LLAMA_LOAD_MODE_NONE": model._LOAD_MODES["none"],
    "LLAMA_LOAD_MODE_MMAP": model._LOAD_MODES["mmap"],
    "LLAMA_LOAD_MODE_MLOCK": model._LOAD_MODES["mlock"],
    "LLAMA_LOAD_MODE_MMAP_MLOCK": model._LOAD_MODES["mmap+mlock"],
    "LLAMA_LOAD_MODE_DIRECT_IO": model._LOAD_MODES["dio"],
    "LLAMA_KV_OVERRIDE_TYPE_INT": model._OVERRIDES[int][0],
    "LLAMA_KV_OVERRIDE_TYPE_FLOAT": model._OVERRIDES[float][0],
    "LLAMA_KV_OVERRIDE_TYPE_BOOL": model._OVERRIDES[bool][0],
    "LLAMA_KV_OVERRIDE_TYPE_STR": model._OVERRIDES[str][0],
    "LLAMA_TOKEN_ATTR_UNKNOWN": model._UNKNOWN,
    "LLAMA_TOKEN_ATTR_CONTROL": model._CONTROL,
    "LLAMA_FLASH_ATTN_TYPE_AUTO": numbers.FLASH_ATTN["auto"],
    "LLAMA_FLASH_ATTN_TYPE_DISABLED": numbers.FLASH_ATTN["off"],
    "LLAMA_FLASH_ATTN_TYPE_ENABLED": numbers.FLASH_ATTN["on"],
    "LLAMA_ROPE_SCALING_TYPE_UNSPECIFIED": numbers.ROPE_SCALINGS["auto"],
    "LLAMA_ROPE_SCALING_TYPE_NONE": numbers.ROPE_SCALINGS["none"],
    "LLAMA_ROPE_SCALING_TYPE_LINEAR": numbers.ROPE_SCALINGS["linear"],
    "LLAMA_ROPE_SCALING_TYPE_YARN": numbers.ROPE_SCALINGS["yarn"],
    "LLAMA_ROPE_SCALING_TYPE_LONGROPE": numbers.ROPE_SCALINGS["longrope"],
    # The binding knows no BF16.
    **{
        f"GGML_TYPE_{name.upper()}": number
        for name, number in numbers.CACHE_TYPES.items()
        if name != "bf16"
    },
    "LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY": context._PARTIAL_ONLY,
    "GGML_NUMA_STRATEGY_DISABLED": backend._NUMA["off"],
    "GGML_NUMA_STRATEGY_DISTRIBUTE": backend._NUMA["distribute"],
    "GGML_NUMA_STRATEGY_ISOLATE": backend._NUMA["isolate"],
    "GGML_NUMA_STRATEGY_NUMACTL": backend._NUMA["numactl"],
}
"""The binding's constants, and the numbers that our own words stand for."""


def _name(kind: type | None) -> str:
    return "None" if kind is None else kind.__name__


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_takes_and_gives_what_we_think(name: str) -> None:
    function = getattr(binding, name, None)
    assert function is not None, f"the binding has no {name} any more"
    arguments = ", ".join(map(_name, function.argtypes or ()))
    assert f"({arguments}) -> {_name(function.restype)}" == FUNCTIONS[name]


@pytest.mark.parametrize("name", TYPES)
def test_a_type_is_what_we_think(name: str) -> None:
    assert _name(getattr(binding, name)) == TYPES[name]


@pytest.mark.parametrize("name", STRUCTS)
def test_a_struct_has_the_fields_we_use(name: str) -> None:
    fields = {field[0]: _name(field[1]) for field in getattr(binding, name)._fields_}
    used = STRUCTS[name]
    assert {field: fields.get(field) for field in used} == used


@pytest.mark.parametrize("name", IN_THE_LIBRARY)
def test_the_library_has_what_the_binding_leaves_out(name: str) -> None:
    assert ctypes.cast(getattr(library, name), ctypes.c_void_p).value


@pytest.mark.parametrize("name", CONSTANTS)
def test_our_numbers_are_the_bindings(name: str) -> None:
    assert getattr(binding, name) == CONSTANTS[name]


# ---- the tables are complete -------------------------------------------------------------------


def _attributes(of: str, *, files: str = "**/*.py") -> Iterator[str]:
    """Every ``of.NAME`` in the engine's sources."""
    for file in Path(workbench.engine.__path__[0]).glob(files):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == of
            ):
                yield node.attr


def test_the_tables_name_all_that_is_used_of_the_binding_and_nothing_else() -> None:
    # A struct that a function hands out need not be named in our sources.
    named = {*FUNCTIONS, *TYPES, *STRUCTS}
    silent = {"llama_model_params", "llama_context_params", "llama_model_kv_override_value"}
    assert set(_attributes("binding")) - {"_lib"} == named - silent


def test_the_tables_name_all_that_is_used_of_the_library_and_nothing_else() -> None:
    assert set(_attributes("library")) == set(IN_THE_LIBRARY)


@pytest.mark.parametrize(
    ("struct", "file", "listed"),
    [
        ("llama_model_params", "llama/model.py", ()),
        ("llama_context_params", "llama/context.py", context._SAME_NAMED),
    ],
)
def test_the_tables_name_all_loading_fields(
    struct: str, file: str, listed: tuple[str, ...]
) -> None:
    assert {*_attributes("parameters", files=file), *listed} == set(STRUCTS[struct])
