"""The C library's heap, where llama.cpp's buffers come from: glibc's, as others tell nothing."""

from __future__ import annotations

import ctypes
from typing import Final


class _Mallinfo(ctypes.Structure):
    """``struct mallinfo2`` (glibc's malloc.h)."""

    _fields_ = tuple((name, ctypes.c_size_t) for name in (
        "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks",
        "fordblks", "keepcost",
    ))  # fmt: skip


_library: Final = ctypes.CDLL(None)


def heap_bytes() -> int:
    """Bytes of this process's heap that are in use; 0 where the C library does not tell."""
    if (mallinfo := getattr(_library, "mallinfo2", None)) is None:
        return 0
    mallinfo.restype = _Mallinfo
    info = mallinfo()
    return int(info.uordblks) + int(info.hblkhd)


def give_back() -> None:
    """Let the system have what was freed.

    Once a buffer of some megabytes is freed, glibc takes the next ones of that size from a heap
    that only shrinks at its end: 20 MB stayed with us after the contexts that are made to see
    what they take.
    """
    if (trim := getattr(_library, "malloc_trim", None)) is not None:
        trim(0)
