"""The buffers that llama.cpp has made, by what its log says of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

_BUFFER: Final = re.compile(r": +(\S+) .*buffer size = *([\d.]+) MiB")
# Keys and values; recurrent and other running states.
_CACHE: Final = re.compile(r"(?:KV|RS|state) buffer size")


class Buffer(NamedTuple):
    """A buffer's place, as llama.cpp names it, and its bytes."""

    place: str
    size: int


def buffers(lines: Iterable[str]) -> Iterator[Buffer]:
    """Those that ``lines`` tell of."""
    for line in lines:
        if found := _BUFFER.search(line):
            yield Buffer(found[1], int(float(found[2]) * 1024**2))


def cache_size(lines: Iterable[str]) -> int:
    """Bytes of those that a context keeps its tokens in."""
    return sum(buffer.size for buffer in buffers(filter(_CACHE.search, lines)))
