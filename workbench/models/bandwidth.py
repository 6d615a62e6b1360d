"""How fast this machine reads its memory: what bounds the writing of tokens on a CPU."""

from __future__ import annotations

import contextlib
import ctypes
import platform
import threading
import time
from pathlib import Path
from typing import Final

import msgspec

from workbench import whole

# Much more than any cache holds, and read a few times: the best is what counts, as other
# programs only ever take some of it away.
_BYTES: Final = 128 << 20
_ROUNDS: Final = 5


class _Kept(msgspec.Struct, frozen=True):
    """What was measured, and on what."""

    machine: str
    threads: int
    bytes_a_second: float


def bandwidth(kept: Path, threads: int) -> float:
    """Bytes a second that ``threads`` read together; measured once, then as ``kept`` says.

    Blocks for about half a second the first time.
    """
    machine = f"{platform.node()} {platform.machine()} {platform.processor()}"
    try:
        found = msgspec.json.decode(kept.read_bytes(), type=_Kept)
        if (found.machine, found.threads) == (machine, threads):
            return found.bytes_a_second
    except (OSError, ValueError):
        # Never measured, or by another version.
        pass
    measured = _measure(threads)
    # If it cannot be kept, it is measured again the next time.
    with contextlib.suppress(OSError):
        whole.write(kept, msgspec.json.encode(_Kept(machine, threads, measured)).decode())
    return measured


def _measure(threads: int) -> float:
    memory = ctypes.create_string_buffer(_BYTES)
    share = _BYTES // threads
    # libc's memchr reads every byte of what holds no such byte, as fast as the memory gives
    # them, and ctypes lets go of Python's lock meanwhile.
    look = ctypes.CDLL(None).memchr
    look.argtypes, look.restype = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t], ctypes.c_void_p
    ctypes.memset(memory, 1, _BYTES)
    address = ctypes.addressof(memory)

    def once() -> float:
        readers = [
            threading.Thread(target=look, args=(address + at * share, 0, share))
            for at in range(threads)
        ]
        started = time.perf_counter()
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        return time.perf_counter() - started

    return share * threads / min(once() for _ in range(_ROUNDS))
