"""Headers of GGUF files: metadata and tensors, read without llama.cpp and without the weights.

The layout is that of the GGUF specification (ggml/docs/gguf.md), versions 2 and 3, little
endian. A file is untrusted: every length is held against what the file has, large arrays are
passed over and kept as their place in it, and nothing is read beyond the header.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from math import prod
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

Scalar = int | float | bool | str

_MAGIC: Final = b"GGUF"
_VERSIONS: Final = (2, 3)
_STRING: Final = 8
_ARRAY: Final = 9
# enum gguf_type: its name and how it is packed.
_SCALARS: Final[Mapping[int, tuple[str, struct.Struct]]] = {
    number: (name, struct.Struct(f"<{code}"))
    for number, name, code in (
        (0, "u8", "B"),
        (1, "i8", "b"),
        (2, "u16", "H"),
        (3, "i16", "h"),
        (4, "u32", "I"),
        (5, "i32", "i"),
        (6, "f32", "f"),
        (7, "bool", "?"),
        (10, "u64", "Q"),
        (11, "i64", "q"),
        (12, "f64", "d"),
    )
}
# enum ggml_type: its name, how many weights a block has and its bytes (ggml.c, type_traits).
_TYPES: Final[Mapping[int, tuple[str, int, int]]] = {
    0: ("F32", 1, 4),
    1: ("F16", 1, 2),
    2: ("Q4_0", 32, 18),
    3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24),
    8: ("Q8_0", 32, 34),
    9: ("Q8_1", 32, 36),
    10: ("Q2_K", 256, 84),
    11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210),
    15: ("Q8_K", 256, 292),
    16: ("IQ2_XXS", 256, 66),
    17: ("IQ2_XS", 256, 74),
    18: ("IQ3_XXS", 256, 98),
    19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18),
    21: ("IQ3_S", 256, 110),
    22: ("IQ2_S", 256, 82),
    23: ("IQ4_XS", 256, 136),
    24: ("I8", 1, 1),
    25: ("I16", 1, 2),
    26: ("I32", 1, 4),
    27: ("I64", 1, 8),
    28: ("F64", 1, 8),
    29: ("IQ1_M", 256, 56),
    30: ("BF16", 1, 2),
    34: ("TQ1_0", 256, 54),
    35: ("TQ2_0", 256, 66),
    39: ("MXFP4", 32, 17),
    40: ("NVFP4", 64, 36),
}
_U32: Final = struct.Struct("<I")
_U64: Final = struct.Struct("<Q")

# As many of an array's first values are kept; the rest is read where it is looked at.
_KEPT: Final = 8
# Arrays with an entry for every layer are kept whole.
_WHOLE: Final = 1024
_MOST_DIMENSIONS: Final = 4
_LONGEST_NAME: Final = 65_535
_LONGEST_TEXT: Final = 16 * 1024 * 1024
_LARGEST_HEADER: Final = 512 * 1024 * 1024
_LARGEST_TENSOR: Final = 2**62
# Models whose experts are tensors of their own have some 70,000; of millions Python's objects
# take gigabytes, and the rubbish collector holds all threads for seconds.
_MOST_TENSORS: Final = 2**18
_MOST_KEYS: Final = 2**18
# As much is read in one go: while bytes are copied no other thread runs.
_PIECE: Final = 4 * 1024 * 1024
# The fewest bytes that a key with its value, and a tensor, can take.
_LEAST_KEY: Final = 13
_LEAST_TENSOR: Final = 24


class GgufError(ValueError):
    """A file is no GGUF, or a damaged one; the message says what is wrong."""


class IncompleteError(GgufError):
    """The header goes on where the file ends."""


class Array(msgspec.Struct, frozen=True):
    """An array of the metadata: its first values, and where in the file all of them are.

    ``kind`` is that of its values: "str", or a number's, such as "i32".
    """

    kind: str
    count: int
    offset: int
    first: tuple[Scalar, ...]

    @property
    def whole(self) -> bool:
        """Whether ``first`` is all there is."""
        return len(self.first) == self.count


class Tensor(NamedTuple):
    """A tensor: ``shape`` as ggml has it, the row's length first; bytes from the data's begin."""

    name: str
    type: str
    shape: tuple[int, ...]
    offset: int
    size: int

    @property
    def n_weights(self) -> int:
        """How many numbers it holds."""
        return prod(self.shape)


class Header(NamedTuple):
    """What stands before the weights. ``data_offset`` is where those begin."""

    version: int
    metadata: Mapping[str, Scalar | Array]
    tensors: tuple[Tensor, ...]
    data_offset: int

    @property
    def n_weights(self) -> int:
        """The parameters of the model, or of this part of it."""
        return sum(tensor.n_weights for tensor in self.tensors)

    @property
    def file_size(self) -> int:
        """The bytes that the whole file must have at least."""
        ends = (tensor.offset + tensor.size for tensor in self.tensors)
        return self.data_offset + max(ends, default=0)


More = Callable[[int, int], bytes]
"""Gives bytes of the file: where from, how many are wanted. More or fewer may come, but some."""


def read_header(file: Path) -> Header:
    """The header of a file. Raises GgufError or OSError."""
    with file.open("rb") as opened:
        size = opened.seek(0, 2)

        def more(offset: int, count: int) -> bytes:
            opened.seek(offset)
            return opened.read(min(max(count, offset, 1024 * 1024), _PIECE))

        return parse_header(more, size)


def read_array(file: Path, array: Array, start: int = 0, stop: int | None = None) -> list[Scalar]:
    """Values of an array that was passed over. Raises GgufError or OSError."""
    start, stop, _ = slice(start, stop).indices(array.count)
    with file.open("rb") as opened:

        def more(offset: int, count: int) -> bytes:
            opened.seek(array.offset + offset)
            return opened.read(min(max(count, 1024 * 1024), _PIECE))

        reader = _Reader(more, opened.seek(0, 2) - array.offset)
        if array.kind == "str":
            reader.pass_texts(start)
            return [reader.text() for _ in range(start, stop)]
        [packed] = [packed for name, packed in _SCALARS.values() if name == array.kind]
        reader.pass_over(start * packed.size)
        return [reader.number(packed) for _ in range(start, stop)]


def parse_header(more: More, size: int) -> Header:
    """The header of a file of ``size`` bytes, of which ``more`` gives what is asked for.

    Raises GgufError, and whatever ``more`` does.
    """
    reader = _Reader(more, size)
    if size < len(_MAGIC) or reader.bytes(len(_MAGIC)) != _MAGIC:
        raise GgufError("it is not a GGUF file" + (": it is empty" if not size else ""))
    version = reader.number(_U32)
    if version not in _VERSIONS:
        swapped = version.to_bytes(4, "little") in (v.to_bytes(4, "big") for v in _VERSIONS)
        raise GgufError(
            "it is for big-endian machines" if swapped else f"its GGUF version is {version}"
        )
    n_tensors = reader.count(_LEAST_TENSOR, "tensors", _MOST_TENSORS)
    n_keys = reader.count(_LEAST_KEY, "keys", _MOST_KEYS)
    metadata: dict[str, Scalar | Array] = {}
    for _ in range(n_keys):
        key = reader.text(_LONGEST_NAME)
        if key in metadata:
            raise GgufError(f"it has the key '{key}' twice")
        metadata[key] = reader.value()
    alignment = metadata.get("general.alignment", 32)
    if not isinstance(alignment, int) or alignment < 1 or alignment & (alignment - 1):
        raise GgufError(f"its alignment is {alignment}")
    tensors = tuple(reader.tensor() for _ in range(n_tensors))
    if len({tensor.name for tensor in tensors}) < n_tensors:
        raise GgufError("it has two tensors of one name")
    data_offset = -(-reader.offset // alignment) * alignment
    return Header(version, metadata, tensors, data_offset)


class _Reader:
    """Goes through a file's first bytes, fetching more of them as it comes to their end."""

    def __init__(self, more: More, size: int) -> None:
        self._more = more
        self._size = min(size, _LARGEST_HEADER)
        self._held = bytearray()
        self.offset = 0

    def need(self, count: int) -> None:
        """Have ``count`` bytes from here on. Raises GgufError if the file has no more."""
        end = self.offset + count
        if end > self._size:
            raise IncompleteError("its header is cut off")
        while end > len(self._held):
            fetched = self._more(len(self._held), end - len(self._held))
            if not fetched:
                raise IncompleteError("its header is cut off")
            self._held += fetched

    def pass_over(self, count: int) -> None:
        """Leave out bytes."""
        self.need(count)
        self.offset += count

    def bytes(self, count: int) -> bytes:
        """The next bytes."""
        self.pass_over(count)
        return bytes(self._held[self.offset - count : self.offset])

    def number(self, packed: struct.Struct) -> int:
        """The next number."""
        self.pass_over(packed.size)
        return packed.unpack_from(self._held, self.offset - packed.size)[0]  # type: ignore[no-any-return]

    def count(self, least: int, what: str, most: int | None = None) -> int:
        """A number of things, each of ``least`` bytes at least."""
        count = self.number(_U64)
        if count > (self._size - self.offset) // least:
            raise IncompleteError(
                f"its header is damaged or cut off: there is no room for {count} {what}"
            )
        if most is not None and count > most:
            raise GgufError(f"it has {count} {what}: no model has so many")
        return count

    def text(self, longest: int = _LONGEST_TEXT) -> str:
        """The next text."""
        length = self.number(_U64)
        if length > longest:
            raise GgufError(f"it has a text of {length} bytes")
        return self.bytes(length).decode("utf-8", "replace")

    def pass_texts(self, count: int) -> None:
        """Leave out texts; a vocabulary has hundreds of thousands."""
        unpack, at = _U64.unpack_from, self.offset
        for _ in range(count):
            try:
                at += 8 + unpack(self._held, at)[0]
            except (struct.error, OverflowError):
                # So far the lengths were what the file says; they may lead anywhere.
                self.offset = at
                self.need(8)
                at += 8 + unpack(self._held, at)[0]
        self.offset = at
        self.need(0)

    def value(self) -> Scalar | Array:
        """A key's value with the type before it."""
        kind = self.number(_U32)
        if kind == _STRING:
            return self.text()
        if kind == _ARRAY:
            return self._array()
        if kind not in _SCALARS:
            raise GgufError(f"it has a value of the unknown type {kind}")
        return self.number(_SCALARS[kind][1])

    def _array(self) -> Array:
        kind = self.number(_U32)
        if kind == _STRING:
            count = self.count(8, "texts in an array")
            offset = self.offset
            first = tuple(self.text() for _ in range(min(count, _KEPT)))
            self.pass_texts(count - len(first))
            return Array("str", count, offset, first)
        if kind not in _SCALARS:
            raise GgufError(f"it has an array of the type {kind}")
        name, packed = _SCALARS[kind]
        count = self.count(packed.size, "numbers in an array")
        offset = self.offset
        n_kept = count if count <= _WHOLE else _KEPT
        numbers = tuple(self.number(packed) for _ in range(n_kept))
        self.pass_over((count - n_kept) * packed.size)
        return Array(name, count, offset, numbers)

    def tensor(self) -> Tensor:
        """The next tensor."""
        name = self.text(_LONGEST_NAME)
        n_dimensions = self.number(_U32)
        if not 1 <= n_dimensions <= _MOST_DIMENSIONS:
            raise GgufError(f"its tensor '{name}' has {n_dimensions} dimensions")
        shape = tuple(self.number(_U64) for _ in range(n_dimensions))
        kind = self.number(_U32)
        offset = self.number(_U64)
        # A type that is newer than this table has no size that we could know.
        type_name, block, block_bytes = _TYPES.get(kind, (f"type {kind}", 1, 0))
        if not all(shape) or prod(shape) > _LARGEST_TENSOR or offset > _LARGEST_TENSOR:
            raise GgufError(f"its tensor '{name}' is of the size {shape}")
        if shape[0] % block:
            raise GgufError(f"the rows of its tensor '{name}' are no whole blocks of {type_name}")
        return Tensor(name, type_name, shape, offset, prod(shape) // block * block_bytes)
