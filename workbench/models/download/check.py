"""Whether the bytes are the ones that the Hub announces."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from typing import Final

from workbench.models.download.errors import StoppedError
from workbench.models.download.parts import Parts

_CHUNK_BYTES: Final = 1 << 20
_LOOK_SECONDS: Final = 0.2


class Check:
    """The hash of a growing file, taken behind its beginning as that arrives.

    What was just written is read from the system's page cache, so a file is hashed when its
    last byte is there and the disk reads nothing. Large files have their SHA-256 as etag, small
    ones git's id of a blob; any other etag tells nothing.
    """

    def __init__(self, etag: str, size: int) -> None:
        self._etag = etag
        self._size = size
        self.at = 0
        self._hash: hashlib._Hash | None = None
        if len(etag) == 64:
            self._hash = hashlib.sha256()
        elif len(etag) == 40:
            self._hash = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)

    def follow(self, parts: Parts, stopped: Callable[[], bool]) -> bool:
        """Read along until all is there; whether it is right. OSError, StoppedError."""
        buffer = memoryview(bytearray(_CHUNK_BYTES))
        while self.at < self._size:
            with parts.arrived:
                while (there := parts.prefix) <= self.at and not stopped():
                    parts.arrived.wait(_LOOK_SECONDS)
            if stopped():
                raise StoppedError("stopped")
            self._take(parts.data, there, buffer)
        return self._right

    def whole(self, data: int, stopped: Callable[[], bool]) -> bool:
        """Read a file that is all there; whether it is right. OSError, StoppedError."""
        buffer = memoryview(bytearray(_CHUNK_BYTES))
        while self.at < self._size:
            if stopped():
                raise StoppedError("stopped")
            self._take(data, self._size, buffer)
        return self._right

    def _take(self, data: int, there: int, buffer: memoryview) -> None:
        if self._hash is None:
            self.at = there
            return
        n = os.preadv(data, [buffer[: min(there - self.at, len(buffer))]], self.at)
        if n == 0:
            raise OSError("the file got shorter while it was read")
        self._hash.update(buffer[:n])
        self.at += n

    @property
    def _right(self) -> bool:
        return self._hash is None or self._hash.hexdigest() == self._etag.lower()
