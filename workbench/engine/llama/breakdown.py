"""What llama.cpp's allocator takes for a context and its model, by place.

llama.cpp tells that only in C++ (``llama_get_memory_breakdown``, llama-ext.h): a ``std::map``
of buffer types, whose tree is read here as the two standard libraries lay it out. The
contract tests hold it against what a real load takes.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from workbench.engine.llama.binding import library
from workbench.engine.llama.context import Context
from workbench.engine.llama.gguf import opened_gguf
from workbench.engine.llama.handle import LoadError
from workbench.engine.llama.model import Model

# The buffer type of weights that need no other layout: those a file can be mapped into.
PLAIN: Final = "CPU"


class _Layout(NamedTuple):
    """Where a ``std::map`` has its root, and a node its children and its value."""

    size: int
    root: int
    left: int
    right: int
    value: int


# libstdc++'s stl_tree.h, libc++'s __tree.
_GNU: Final = _Layout(size=48, root=16, left=16, right=24, value=32)
_LLVM: Final = _Layout(size=24, root=8, left=0, right=8, value=32)
_LAYOUT: Final = _LLVM if os.uname().sysname == "Darwin" else _GNU


class _Map(ctypes.Structure):
    """More than two registers hold, so it comes back as a C++ object does."""

    _fields_ = (("bytes", ctypes.c_uint8 * _LAYOUT.size),)


class Share(NamedTuple):
    """Bytes in the buffers of one type."""

    buffers: str
    weights: int
    cache: int
    compute: int


_buft_name = library.ggml_backend_buft_name
_buft_name.argtypes, _buft_name.restype = [ctypes.c_void_p], ctypes.c_char_p
_buffer_type = library.ggml_backend_buffer_get_type
_buffer_type.argtypes, _buffer_type.restype = [ctypes.c_void_p], ctypes.c_void_p


def breakdown(context: Context) -> list[Share]:
    """The shares of ``context`` and its model; exact also where nothing was allocated.

    Raises LoadError if this build of llama.cpp does not tell.
    """
    try:
        found = library._Z26llama_get_memory_breakdownPK13llama_context
    except AttributeError:
        raise LoadError("this build of llama.cpp does not tell what a model takes") from None
    found.argtypes, found.restype = [ctypes.c_void_p], _Map
    tree = found(context.pointer)
    root = ctypes.c_void_p.from_buffer(tree, _LAYOUT.root).value
    return list(_nodes(root))


def mapped_bytes(model: Model, paths: Sequence[Path]) -> int:
    """Bytes of the files that stay mapped: from the first tensor used as it lies to the last.

    What other tensors take between them is resident with them, as long as there is room.
    """
    found = library._ZNK11llama_model10get_tensorEPKc
    found.argtypes, found.restype = [ctypes.c_void_p, ctypes.c_char_p], ctypes.c_void_p
    mapped = 0
    for path in paths:
        begin, end = 0, 0
        with opened_gguf(path) as file:
            for tensor in file.tensors():
                at = found(model.pointer, tensor.name)
                # struct ggml_tensor: its type, then its buffer.
                buffer = at and ctypes.c_void_p.from_address(at + 8).value
                if buffer and _buft_name(_buffer_type(buffer)).decode() == PLAIN:
                    begin = min(begin or tensor.offset, tensor.offset)
                    end = max(end, tensor.offset + tensor.size)
        mapped += end - begin
    return mapped


def _nodes(node: int | None) -> Iterator[Share]:
    if not node:
        return
    yield from _nodes(_word(node + _LAYOUT.left))
    kind, weights, cache, compute = (_word(node + _LAYOUT.value + 8 * at) for at in range(4))
    yield Share(_buft_name(kind).decode(), weights, cache, compute)
    yield from _nodes(_word(node + _LAYOUT.right))


def _word(address: int) -> int:
    return ctypes.c_size_t.from_address(address).value
