"""llama.cpp's own reader of GGUF files; the binding leaves all of it out."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from workbench.engine.llama.backend import log
from workbench.engine.llama.binding import library
from workbench.engine.llama.handle import LoadError


class _InitParams(ctypes.Structure):
    """``gguf_init_params`` (gguf.h)."""

    _fields_ = (("no_alloc", ctypes.c_bool), ("ctx", ctypes.c_void_p))


_open = library.gguf_init_from_file
_open.argtypes, _open.restype = [ctypes.c_char_p, _InitParams], ctypes.c_void_p
_close = library.gguf_free
_close.argtypes, _close.restype = [ctypes.c_void_p], None
_n_tensors = library.gguf_get_n_tensors
_n_tensors.argtypes, _n_tensors.restype = [ctypes.c_void_p], ctypes.c_int64
_data_offset = library.gguf_get_data_offset
_data_offset.argtypes, _data_offset.restype = [ctypes.c_void_p], ctypes.c_size_t
_name = library.gguf_get_tensor_name
_name.argtypes, _name.restype = [ctypes.c_void_p, ctypes.c_int64], ctypes.c_char_p
_type = library.gguf_get_tensor_type
_type.argtypes, _type.restype = [ctypes.c_void_p, ctypes.c_int64], ctypes.c_int
_offset = library.gguf_get_tensor_offset
_offset.argtypes, _offset.restype = [ctypes.c_void_p, ctypes.c_int64], ctypes.c_size_t
_size = library.gguf_get_tensor_size
_size.argtypes, _size.restype = [ctypes.c_void_p, ctypes.c_int64], ctypes.c_size_t


class Tensor(NamedTuple):
    """A tensor as it lies in its file: ``type`` is ggml's, ``offset`` and ``size`` are bytes."""

    name: bytes
    type: int
    offset: int
    size: int


class Gguf:
    """An open file's header."""

    def __init__(self, pointer: int) -> None:
        self._pointer = pointer

    def tensors(self) -> Iterator[Tensor]:
        """All of its tensors, in the file's order."""
        data = _data_offset(self._pointer)
        for at in range(_n_tensors(self._pointer)):
            yield Tensor(
                _name(self._pointer, at),
                _type(self._pointer, at),
                data + _offset(self._pointer, at),
                _size(self._pointer, at),
            )


@contextmanager
def opened_gguf(path: Path, what: str = "model") -> Iterator[Gguf]:
    """The header of a file; ``what`` names the file's kind. Raises LoadError."""
    pointer = _open(os.fsencode(path), _InitParams(True, None))
    if not pointer:
        raise LoadError(f"llama.cpp could not read the {what} {path} ({log.reason()}).")
    try:
        yield Gguf(pointer)
    finally:
        _close(pointer)
