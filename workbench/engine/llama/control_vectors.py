"""Control vectors: directions that are added to what the layers hand on.

Only imported where there is one: numpy takes its time.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from workbench.engine.llama.binding import binding
from workbench.engine.llama.context import Context
from workbench.engine.llama.gguf import opened_gguf
from workbench.engine.llama.handle import LoadError
from workbench.engine.llama.model import Model, check_file
from workbench.parameters.entries import Adapter

_GGML_TYPE_F32: Final = 0


def apply(
    model: Model, context: Context, vectors: Sequence[Adapter], *, first: int, last: int
) -> None:
    """Add the vectors' directions to the layers ``first`` to ``last``. Raises LoadError.

    As llama.cpp's ``common_control_vector_load`` does: one F32 tensor ``direction.LAYER`` of
    ``n_embd`` numbers for each layer from 1 on; several vectors add up.
    """
    n_layer = int(binding.llama_model_n_layer(model.pointer))
    n_embd = int(binding.llama_model_n_embd(model.pointer))
    data = np.zeros((n_layer, n_embd), dtype=np.float32)
    for vector in vectors:
        path = vector.file
        for layer, direction in _directions(path):
            if not 1 <= layer <= n_layer or len(direction) != n_embd:
                raise LoadError(
                    f"the control vector {path} is made for another model: its layer {layer} has "
                    f"{len(direction)} numbers, this model {n_layer} layers of {n_embd}"
                )
            data[layer - 1] += direction * np.float32(vector.scale)
    status = binding.llama_set_adapter_cvec(
        context.pointer,
        data.ctypes.data_as(ctypes.POINTER(ctypes.c_float)),
        data.size,
        n_embd,
        first if first > 0 else 1,
        last if last > 0 else n_layer,
    )
    if status:
        raise LoadError("llama.cpp refused the control vector")


def _directions(path: Path) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
    """The layers of a control vector's file and their directions."""
    check_file(path, "control vector")
    with opened_gguf(path, "control vector") as file:
        for tensor in file.tensors():
            name = tensor.name.decode("utf-8", "replace")
            stem, _, layer = name.partition(".")
            if stem != "direction" or not layer.isdecimal():
                raise LoadError(f"{path} is no control vector: it holds a tensor '{name}'")
            if tensor.type != _GGML_TYPE_F32:
                raise LoadError(f"the control vector {path} is not in F32")
            count = tensor.size // 4
            yield int(layer), np.fromfile(path, np.float32, count, offset=tensor.offset)
