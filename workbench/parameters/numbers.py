"""llama.cpp's numbers for what has a name here, in the order in which it is offered."""

from __future__ import annotations

from typing import Final

CACHE_TYPES: Final = {
    "f32": 0,
    "f16": 1,
    "bf16": 30,
    "q8_0": 8,
    "q5_1": 7,
    "q5_0": 6,
    "q4_1": 3,
    "q4_0": 2,
    "iq4_nl": 20,
}
"""Enum ggml_type (ggml.h)."""

FLASH_ATTN: Final = {"off": 0, "auto": -1, "on": 1}
"""Enum llama_flash_attn_type (llama.h)."""

ROPE_SCALINGS: Final = {"auto": -1, "none": 0, "linear": 1, "yarn": 2, "longrope": 3}
"""Enum llama_rope_scaling_type (llama.h); -1 leaves it to the model's file."""

SPLIT_MODES: Final = {"none": 0, "layer": 1, "row": 2, "tensor": 3}
"""Enum llama_split_mode (llama.h)."""
