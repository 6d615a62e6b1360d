"""KV states on disk: a conversation is taken up again without evaluating it anew.

A file holds a header, in msgpack after a four-byte length, and llama.cpp's own bytes. It
is worth something only to the model, the settings and the llama.cpp that wrote it; to
anything else it is stale, and a stale or damaged file is no error but a note.
"""

from __future__ import annotations

import os
import struct
import tempfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from workbench.engine.memory import Checkpoint, SavedMemory
from workbench.engine.protocol import HEADER

_MAGIC: Final = b"WBKV"


class StateError(ValueError):
    """A state file is of no use; the message says why."""


class StateKey(msgspec.Struct, frozen=True):
    """What a state belongs to: all of it must be the same for the state to be read."""

    model: str
    settings: dict[str, str]
    library: str


class _Contents(msgspec.Struct, frozen=True):
    """``size`` are the bytes of the state, ``checkpoints`` tokens and bytes of each."""

    tokens: list[int]
    size: int
    checkpoints: list[tuple[int, int]]


class _Header(msgspec.Struct, frozen=True):
    key: StateKey
    contents: _Contents
    checksum: int


def save(file: Path, key: StateKey, memory: SavedMemory) -> int:
    """Write a state, all of it or nothing; returns the file's bytes.

    Raises OSError, and StateError rather than put an end to a file that is none of ours.
    """
    # A link is followed; what is no file, /dev/null say, is not replaced by one.
    place = Path(os.path.realpath(file))
    if place.exists() and not (place.is_file() and _is_ours(place)):
        raise StateError(f"{file} is no saved state and is left as it is: name another file")
    parts = [memory.state, *(each.state for each in memory.checkpoints)]
    contents = _Contents(
        memory.tokens,
        len(memory.state),
        [(each.n_tokens, len(each.state)) for each in memory.checkpoints],
    )
    header = msgspec.msgpack.encode(_Header(key, contents, _checksum(contents, parts)))
    # For its owner's eyes alone, which is what mkstemp makes: it is their conversation.
    handle, name = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.")
    try:
        with os.fdopen(handle, "wb") as written:
            written.write(_MAGIC + HEADER.pack(len(header)) + header)
            written.writelines(parts)
        Path(name).replace(place)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return place.stat().st_size


def _is_ours(file: Path) -> bool:
    with file.open("rb") as read:
        return read.read(len(_MAGIC)) in (_MAGIC, b"")


def load(file: Path, key: StateKey) -> SavedMemory:
    """What was saved. Raises StateError."""
    try:
        with file.open("rb") as read:
            if read.read(len(_MAGIC)) != _MAGIC:
                raise StateError("it is no saved state")
            (length,) = HEADER.unpack(read.read(HEADER.size))
            header = msgspec.msgpack.decode(read.read(length), type=_Header)
            if header.key != key:
                raise StateError(f"it was saved with another {_difference(header.key, key)}")
            # Read once and never copied: it may be of gigabytes.
            body = bytearray(os.fstat(read.fileno()).st_size - read.tell())
            del body[read.readinto(body) :]
    except OSError as error:
        raise StateError(f"it cannot be read: {error.strerror}") from error
    # struct's and msgspec's own: the header is cut off or overwritten.
    except (ValueError, struct.error) as error:
        if isinstance(error, StateError):
            raise
        raise StateError("it is damaged") from error
    contents = header.contents
    if _checksum(contents, [body]) != header.checksum:
        raise StateError("it is damaged")
    checkpoints = []
    begin = contents.size
    for n_tokens, size in contents.checkpoints:
        checkpoints.append(Checkpoint(n_tokens, body[begin : begin + size]))
        begin += size
    return SavedMemory(contents.tokens, memoryview(body)[: contents.size], checkpoints)


def _checksum(contents: _Contents, parts: Iterable[bytearray | memoryview]) -> int:
    checksum = zlib.crc32(msgspec.msgpack.encode(contents))
    for part in parts:
        checksum = zlib.crc32(part, checksum)
    return checksum


def _difference(saved: StateKey, wanted: StateKey) -> str:
    if saved.model != wanted.model:
        return "model"
    if saved.library != wanted.library:
        return "llama.cpp"
    names = saved.settings.keys() | wanted.settings.keys()
    return ", ".join(
        sorted(name for name in names if saved.settings.get(name) != wanted.settings.get(name))
    )
