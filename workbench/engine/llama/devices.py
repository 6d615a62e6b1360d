"""The GPUs that llama.cpp sees."""

from __future__ import annotations

import ctypes
from typing import Final

from workbench.engine.llama.binding import library
from workbench.engine.protocol import Device

# enum ggml_backend_dev_type: a GPU with a memory of its own.
_GPU: Final = 1

_count: Final = library.ggml_backend_dev_count
_count.restype = ctypes.c_size_t
_get: Final = library.ggml_backend_dev_get
_get.argtypes, _get.restype = (ctypes.c_size_t,), ctypes.c_void_p
_type: Final = library.ggml_backend_dev_type
_type.argtypes = (ctypes.c_void_p,)
_name: Final = library.ggml_backend_dev_name
_name.argtypes, _name.restype = (ctypes.c_void_p,), ctypes.c_char_p
_memory: Final = library.ggml_backend_dev_memory
_sizes = ctypes.POINTER(ctypes.c_size_t)
_memory.argtypes, _memory.restype = (ctypes.c_void_p, _sizes, _sizes), None


def gpus() -> list[Device]:
    """Each GPU with a memory of its own, by the name of its buffers."""
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    found = []
    for device in map(_get, range(_count())):
        if _type(device) == _GPU:
            _memory(device, ctypes.byref(free), ctypes.byref(total))
            found.append(Device(_name(device).decode(), free.value, total.value))
    return found


def gpu_memory() -> dict[str, int]:
    """Free bytes of each of them."""
    return {gpu.name: gpu.free for gpu in gpus()}
