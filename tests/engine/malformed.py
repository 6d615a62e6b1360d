"""Ways in which a GGUF's header can be wrong. The same on every run."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gguf import GGUFReader, GGUFValueType

Case = tuple[str, bytes]

_U32 = (0, 1, 7, 0x7FFF_FFFF, 0xFFFF_FFFF)
_U64 = (0, 1, 2**32, 2**63, 2**64 - 1)
_TYPES = (4, 8, 9, 12, 0xFFFF_FFFF)
_FLOATS = (0.0, -1.0, float("nan"), float("inf"), 1e-38)
# Five letters each, as "llama" has: other real ones, none, and what a terminal would obey.
_ARCHITECTURES = (
    *("mamba", "gemma", "bloom", "qwen2", "rwkv6", "jamba", "plamo", "olmo2", "dream"),
    *("llamb", "\x1b[2J!", "ll\x00ma", "\n\r\t\b\x07"),
)


class Malformed:
    """Copies of a good file, each wrong in one way."""

    def __init__(self, good: Path) -> None:
        self._good = good.read_bytes()
        self._reader = GGUFReader(good)
        self._header = int(self._reader.data_offset)

    def cases(self) -> Iterator[Case]:
        """A name and the file's bytes."""
        yield from self._beginnings()
        yield from self._truncated()
        yield from self._keys()
        yield from self._strings()
        yield from self._arrays()
        yield from self._tensors()
        yield from self._chance()

    def _with(self, what: str, offset: int, layout: str, *values: Any) -> Case:
        """The file with ``values`` written over what stands at ``offset``."""
        written = struct.pack(f"<{layout}", *values)
        changed = bytearray(self._good)
        changed[offset : offset + len(written)] = written
        return f"{what} = {', '.join(map(repr, values))}", bytes(changed)

    def _beginnings(self) -> Iterator[Case]:
        for magic in (b"FUGG", b"gguf", b"GGML", b"\0\0\0\0"):
            yield self._with("magic", 0, "4s", magic)
        for version in (0, 1, 2, 4, 0x0300_0000, 0xFFFF_FFFF):
            yield self._with("version", 4, "I", version)
        for name, offset in (("tensor count", 8), ("key count", 16)):
            good = struct.unpack_from("<Q", self._good, offset)[0]
            for count in (*_U64, good - 1, good + 1):
                yield self._with(name, offset, "Q", count)

    def _truncated(self) -> Iterator[Case]:
        ends = [4, 8, 20, 24, 40, self._header - 1, self._header, self._header + 100]
        ends += range(100, self._header, self._header // 16)
        ends += range(self._header, len(self._good), len(self._good) // 4)
        ends.append(len(self._good) - 1)
        for end in ends:
            yield f"cut at {end}", self._good[:end]

    def _keys(self) -> Iterator[Case]:
        for key, field in self._reader.fields.items():
            if key.startswith("GGUF."):
                continue
            start, kind = field.offset, field.offset + 8 + len(key)
            yield self._with(f"{key}: its name", start + 8, "c", b"X")
            yield self._with(f"{key}: its name's length", start, "Q", 2**63)
            for type_ in (*_TYPES, field.types[0] + 1):
                yield self._with(f"{key}: its type", kind, "I", type_)
            if field.types[0] == GGUFValueType.UINT32:
                for number in _U32:
                    yield self._with(key, kind + 4, "I", number)
            elif field.types[0] == GGUFValueType.FLOAT32:
                for real in _FLOATS:
                    yield self._with(key, kind + 4, "f", real)

    def _strings(self) -> Iterator[Case]:
        for name in _ARCHITECTURES:
            yield self._with(
                "architecture", self._value("general.architecture") + 8, "5s", name.encode()
            )
        for model in (b"bert", b"rwkv", b"none", b"\x1b[2J"):
            yield self._with("vocabulary", self._value("tokenizer.ggml.model") + 8, "4s", model)
        for key in ("general.name", "tokenizer.ggml.pre", "tokenizer.chat_template"):
            at = self._value(key)
            yield self._with(key, at + 8, "5s", b"\x1b]0;\0")
            yield self._with(key, at + 8, "5s", b"\xff\xfe\xc3\x28\x80")
            for length in (0, 2**32, 2**64 - 1):
                yield self._with(f"{key}: its length", at, "Q", length)

    def _arrays(self) -> Iterator[Case]:
        for key in ("tokens", "token_type", "merges"):
            at = self._value(f"tokenizer.ggml.{key}")
            good = struct.unpack_from("<Q", self._good, at + 4)[0]
            for count in (*_U64, good - 1, good + 1):
                yield self._with(f"{key}: their count", at + 4, "Q", count)
            for type_ in (0, *_TYPES):
                yield self._with(f"{key}: their type", at, "I", type_)
            yield self._with(f"{key}: the first one's length", at + 12, "Q", 2**62)
            yield self._with(f"{key}: the first one's text", at + 20, "3s", b"\x1b\0\xff")

    def _tensors(self) -> Iterator[Case]:
        for tensor in (self._reader.tensors[0], self._reader.tensors[1], self._reader.tensors[-1]):
            name = tensor.name
            dims = tensor.field.offset + 8 + len(name)
            n_dims = len(tensor.shape)
            kind = dims + 4 + 8 * n_dims
            yield self._with(f"{name}: its name", dims - 1, "c", b"X")
            for count in (0, n_dims + 1, 5, 0xFFFF_FFFF):
                yield self._with(f"{name}: dimensions", dims, "I", count)
            for size in (*_U64, int(tensor.shape[0]) + 32):
                yield self._with(f"{name}: its width", dims + 4, "Q", size)
            for type_ in (0, 1, 2, 30, 99, 0xFFFF_FFFF):
                yield self._with(f"{name}: its type", kind, "I", type_)
            for offset in (1, 32, 2**40, 2**63, 2**64 - 32):
                yield self._with(f"{name}: its offset", kind + 4, "Q", offset)

    def _chance(self) -> Iterator[Case]:
        chance = random.Random(0)
        for number in range(60):
            changed = bytearray(self._good)
            for _ in range(chance.choice((1, 2, 8))):
                # Half of them where the keys are: the vocabulary is most of the header.
                end = chance.choice((900, self._header))
                changed[chance.randrange(4, end)] ^= 1 << chance.randrange(8)
            yield f"flips {number}", bytes(changed)

    def _value(self, key: str) -> int:
        """Where a key's value begins: a string's length, an array's type."""
        return int(self._reader.fields[key].offset) + 8 + len(key) + 4
