"""Control vectors: directions that are added to what the layers hand on.

Only imported where there is one: numpy takes its time.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from workbench.engine.llama.backend import log
from workbench.engine.llama.binding import binding, library
from workbench.engine.llama.context import Context
from workbench.engine.llama.handle import LoadError
from workbench.engine.llama.model import Model, check_file
from workbench.parameters.entries import Adapter

_GGML_TYPE_F32: Final = 0


class _GgufInitParams(ctypes.Structure):
    """``gguf_init_params`` (gguf.h); the binding leaves out all of gguf's reader."""

    _fields_ = (("no_alloc", ctypes.c_bool), ("ctx", ctypes.c_void_p))


_gguf_open = library.gguf_init_from_file
_gguf_open.argtypes, _gguf_open.restype = [ctypes.c_char_p, _GgufInitParams], ctypes.c_void_p
_gguf_close = library.gguf_free
_gguf_close.argtypes, _gguf_close.restype = [ctypes.c_void_p], None
_gguf_n_tensors = library.gguf_get_n_tensors
_gguf_n_tensors.argtypes, _gguf_n_tensors.restype = [ctypes.c_void_p], ctypes.c_int64
_gguf_data_offset = library.gguf_get_data_offset
_gguf_data_offset.argtypes, _gguf_data_offset.restype = [ctypes.c_void_p], ctypes.c_size_t
_gguf_name = library.gguf_get_tensor_name
_gguf_name.argtypes, _gguf_name.restype = [ctypes.c_void_p, ctypes.c_int64], ctypes.c_char_p
_gguf_type = library.gguf_get_tensor_type
_gguf_type.argtypes, _gguf_type.restype = [ctypes.c_void_p, ctypes.c_int64], ctypes.c_int
_gguf_offset = library.gguf_get_tensor_offset
_gguf_offset.argtypes, _gguf_offset.restype = [ctypes.c_void_p, ctypes.c_int64], ctypes.c_size_t
_gguf_size = library.gguf_get_tensor_size
_gguf_size.argtypes, _gguf_size.restype = [ctypes.c_void_p, ctypes.c_int64], ctypes.c_size_t


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
    gguf = _gguf_open(os.fsencode(path), _GgufInitParams(True, None))
    if not gguf:
        raise LoadError(f"llama.cpp could not read the control vector {path} ({log.reason()}).")
    try:
        for index in range(_gguf_n_tensors(gguf)):
            name = _gguf_name(gguf, index).decode("utf-8", "replace")
            stem, _, layer = name.partition(".")
            if stem != "direction" or not layer.isdecimal():
                raise LoadError(f"{path} is no control vector: it holds a tensor '{name}'")
            if _gguf_type(gguf, index) != _GGML_TYPE_F32:
                raise LoadError(f"the control vector {path} is not in F32")
            offset = _gguf_data_offset(gguf) + _gguf_offset(gguf, index)
            count = _gguf_size(gguf, index) // 4
            yield int(layer), np.fromfile(path, np.float32, count, offset=offset)
    finally:
        _gguf_close(gguf)
