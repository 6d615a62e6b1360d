"""How fast this machine reads its memory: what bounds the writing of tokens on a CPU."""

from __future__ import annotations

import contextlib
import ctypes
import platform
import threading
import time
from datetime import date
from pathlib import Path
from typing import Final

import msgspec

from workbench import whole

# Much more than any cache holds, and read a few times: the best is what counts, as other
# programs only ever take some of it away.
_BYTES: Final = 128 << 20
_ROUNDS: Final = 5
# One of them will have been quiet.
_DAYS: Final = 7


class _Kept(msgspec.Struct, frozen=True):
    """Bytes a second by the day on which that was measured, and on what."""

    machine: str
    threads: int
    by_day: dict[str, float] = {}


def bandwidth(kept: Path, threads: int) -> float:
    """Bytes a second that ``threads`` read together: the best of the last days.

    Measured once a day, as at the first time a model may have been answering. That blocks for
    about half a second. ``kept`` is the file for it.
    """
    machine = f"{platform.node()} {platform.machine()} {platform.processor()}"
    found = _Kept(machine, threads)
    try:
        told = msgspec.json.decode(kept.read_bytes(), type=_Kept)
        if (told.machine, told.threads) == (machine, threads):
            found = told
    except (OSError, ValueError):
        # Never measured, or by another version.
        pass
    today = date.today().isoformat()
    if today not in found.by_day:
        by_day = {**found.by_day, today: _measure(threads)}
        found = _Kept(machine, threads, dict(sorted(by_day.items())[-_DAYS:]))
        # If it cannot be kept, it is measured again the next time.
        with contextlib.suppress(OSError):
            whole.write(kept, msgspec.json.encode(found).decode())
    return max(found.by_day.values())


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
