"""Where the engine's memory of conversations lies on the disk, and how much of it there may be.

A state saves reading a conversation anew and is worth nothing else: the oldest give way. It
holds the conversation's words, and goes with it.
"""

from __future__ import annotations

import os
import shutil
import zlib
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from time import time
from typing import Final

# All of them together, in bytes: a long conversation with a large model takes a gigabyte.
_MOST_BYTES: Final = 4_000_000_000
# Others want some of the disk, too.
_FREE_BYTES: Final = 2_000_000_000
# A state takes seconds to write: what is older is what a kill left of it.
_WRITING_SECONDS: Final = 600.0


class States:
    """A folder of state files, each named after its conversation and what it is for."""

    def __init__(
        self, folder: Path, *, most_bytes: int = _MOST_BYTES, free_bytes: int = _FREE_BYTES
    ) -> None:
        """So many bytes they may take, and so many stay free on the disk."""
        self._folder = folder
        self._most_bytes = most_bytes
        self._free_bytes = free_bytes

    def file(self, conversation: int, key: bytes) -> Path:
        """The file for a conversation in the hands of what ``key`` says: a model and how it is
        loaded."""
        return self._folder / f"{conversation}-{zlib.crc32(key):08x}.kv"

    def make_room(self, size: int) -> bool:
        """Remove the oldest until there is room for ``size`` bytes; False if there is none.

        Raises OSError.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if size > self._most_bytes:
            return False
        there = sorted(self._folder.glob("*.kv"), key=lambda each: each.stat().st_mtime)
        taken = sum(each.stat().st_size for each in there)
        for oldest in there:
            if taken + size <= self._most_bytes:
                break
            taken -= oldest.stat().st_size
            oldest.unlink(missing_ok=True)
        return shutil.disk_usage(self._folder).free - size >= self._free_bytes

    def used(self, file: Path) -> None:
        """It was of use: others are older."""
        with suppress(OSError):
            os.utime(file)

    def keep_only(self, conversations: Collection[int]) -> None:
        """Remove what is left of all others, and of writing that was cut short. Raises OSError."""
        for file in self._folder.glob("*.kv"):
            number, _, _ = file.name.partition("-")
            if not number.isdecimal() or int(number) not in conversations:
                file.unlink(missing_ok=True)
        for part in self._folder.glob(".*.kv.*"):
            if abs(time() - part.stat().st_mtime) > _WRITING_SECONDS:
                part.unlink(missing_ok=True)

    def remove(self, conversation: int) -> None:
        """Remove what is there of a conversation."""
        for file in self._folder.glob(f"{conversation}-*.kv"):
            with suppress(OSError):
                file.unlink(missing_ok=True)
