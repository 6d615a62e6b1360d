"""How much of a file is on the disk, written down such that a kill or a power cut loses little.

A file is fetched in parts, several at once and in order, so that what is there is a beginning
without holes, but for the few parts that are being fetched. Beside the bytes lies a state file:
a head that says whose bytes they are, and two counters for every part: how much is *written*,
updated after each write, and how much is *safe*, updated after a sync. A killed process loses
nothing that it has written; a machine that went down may lose what was not synced. Which of the
two happened is told by the kernel's boot id.
"""

from __future__ import annotations

import array
import os
import struct
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

import msgspec
import psutil

_FORMAT: Final = 1
_HEAD_BYTES: Final = 4096
_COUNTER: Final = struct.Struct("=Q")
_MEBIBYTE: Final = 1 << 20
# Few requests for a large file, and yet all connections busy to its end with a small one.
_PART_BYTES: Final = (8 * _MEBIBYTE, 32 * _MEBIBYTE)
_PARTS_AT_LEAST: Final = 32
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class Whose(msgspec.Struct, frozen=True):
    """Whose bytes these are; ``revision`` is what was asked for when ``commit`` was found."""

    repo: str
    path: str
    commit: str
    etag: str
    size: int
    revision: str = "main"


class _Head(msgspec.Struct, frozen=True):
    format: int
    whose: Whose
    part_size: int
    byte_order: str
    boot: str


class Part(msgspec.Struct, frozen=True):
    """Bytes ``first`` up to ``end`` are still to be fetched."""

    number: int
    first: int
    end: int


def state_of(incomplete: Path) -> Path:
    """The state file of the bytes in ``incomplete``."""
    return incomplete.with_name(f"{incomplete.name}.parts")


def whose(incomplete: Path) -> Whose | None:
    """Whose bytes are in ``incomplete``; None if that is not known."""
    head = _head(state_of(incomplete))
    return head.whose if head else None


def n_there(incomplete: Path) -> int:
    """How many bytes of a file that is being fetched are there, by whomever."""
    state = state_of(incomplete)
    if (head := _head(state)) is None or not incomplete.is_file():
        return 0
    written, _ = _counters(state, -(-head.whose.size // head.part_size))
    return sum(written)


def outlived_boot(incomplete: Path) -> bool | None:
    """Whether the machine was started since these bytes were last worked on; None: no state."""
    head = _head(state_of(incomplete))
    return None if head is None else head.boot != boot_id()


def discard(incomplete: Path) -> None:
    """Remove the bytes and their state. Raises OSError."""
    # In this order: bytes without a state are begun again, a state without bytes as well.
    state_of(incomplete).unlink(missing_ok=True)
    incomplete.unlink(missing_ok=True)


class Parts:
    """The bytes of one file as far as they are there. Methods may come from any thread."""

    def __init__(self, incomplete: Path, of: Whose) -> None:
        """Take up what is there of just these bytes, or begin. Raises OSError."""
        self.whose = of
        self._incomplete = incomplete
        self.arrived = threading.Condition()
        self._taken: set[int] = set()
        head = _head(state_of(incomplete))
        known = head is not None and (head.whose.etag, head.whose.size) == (of.etag, of.size)
        if head is not None and known and incomplete.is_file():
            self.part_size = head.part_size
            counters = _counters(state_of(incomplete), self._n_parts)
        else:
            discard(incomplete)
            low, high = _PART_BYTES
            even = of.size // _PARTS_AT_LEAST // _MEBIBYTE * _MEBIBYTE
            self.part_size = min(max(low, even), high)
            counters = None
        self.data = os.open(incomplete, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            written, safe = counters or ([0] * self._n_parts, [0] * self._n_parts)
            rebooted = head is not None and head.boot != boot_id()
            self._written = self._believed(safe if rebooted else written)
            self._safe = [min(pair) for pair in zip(safe, self._written, strict=True)]
            self._state = self._begin_state()
        except BaseException:
            os.close(self.data)
            raise
        self._first_open = 0
        self.resumed = self.done

    @property
    def _n_parts(self) -> int:
        return -(-self.whose.size // self.part_size)

    def _believed(self, counters: list[int]) -> list[int]:
        """What can be true of the counters: no part is longer than it is, nor than the file."""
        length = os.fstat(self.data).st_size
        return [
            max(0, min(counter, self._length(number), length - number * self.part_size))
            for number, counter in enumerate(counters)
        ]

    def _length(self, number: int) -> int:
        return min(self.part_size, self.whose.size - number * self.part_size)

    def _begin_state(self) -> int:
        head = _Head(_FORMAT, self.whose, self.part_size, sys.byteorder, boot_id())
        written = array.array("Q", [*self._written, *self._safe]).tobytes()
        file = state_of(self._incomplete)
        fresh = file.with_name(f".{file.name}.{os.getpid()}")
        # All of it, also the counters: a disk that fills up later has room for them.
        with fresh.open("wb") as state:
            state.write(msgspec.json.encode(head).ljust(_HEAD_BYTES, b"\n") + written)
            state.flush()
            os.fsync(state.fileno())
        fresh.replace(file)
        return os.open(file, os.O_RDWR | os.O_CLOEXEC)

    # ---- what is there -----------------------------------------------------------------------

    @property
    def done(self) -> int:
        """The bytes that are there."""
        return sum(self._written)

    @property
    def prefix(self) -> int:
        """How many bytes are there from the beginning on without a hole."""
        number = self._first_open
        while number < len(self._written) and self._written[number] == self._length(number):
            number += 1
        self._first_open = number
        if number == len(self._written):
            return self.whose.size
        return number * self.part_size + self._written[number]

    def take(self, n_most: int | None = None) -> Part | None:
        """The first part that is not there and that nobody fetches; None if there is none.

        Of it the next ``n_most`` bytes.
        """
        with self.arrived:
            for number in range(self._first_open, len(self._written)):
                have = self._written[number]
                if have < self._length(number) and number not in self._taken:
                    self._taken.add(number)
                    base = number * self.part_size
                    end = self._length(number) if n_most is None else have + n_most
                    return Part(number, base + have, base + min(end, self._length(number)))
        return None

    def give_back(self, part: Part) -> None:
        """Nobody fetches ``part`` any more."""
        with self.arrived:
            self._taken.discard(part.number)

    def write(self, part: Part, at: int, data: memoryview) -> None:
        """Put bytes of ``part`` where they belong, right behind its others. Raises OSError."""
        while data:
            n = os.pwrite(self.data, data, at)
            data, at = data[n:], at + n
        counter = at - part.number * self.part_size
        os.pwrite(self._state, _COUNTER.pack(counter), self._offset(part.number))
        with self.arrived:
            self._written[part.number] = counter
            self.arrived.notify_all()

    def _offset(self, counter: int) -> int:
        return _HEAD_BYTES + counter * _COUNTER.size

    # ---- its end -----------------------------------------------------------------------------

    def sync(self) -> None:
        """Make what is written safe from a power cut. Takes as long as the disk does; OSError."""
        with self.arrived:
            written = list(self._written)
        if written == self._safe:
            return
        os.fsync(self.data)
        self._safe = written
        safe = array.array("Q", written).tobytes()
        os.pwrite(self._state, safe, self._offset(len(written)))

    def close(self) -> None:
        """Let go of the files; they stay. Takes as long as the disk does, if bytes are missing."""
        try:
            # The machine may be switched off before it goes on. What is complete is made safe
            # once it has its place, and used meanwhile.
            if self.done < self.whose.size:
                with suppress(OSError):
                    self.sync()
        finally:
            os.close(self.data)
            os.close(self._state)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def boot_id() -> str:
    """Another one after every start of the machine."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return f"{psutil.boot_time():.0f}"


def _head(state: Path) -> _Head | None:
    try:
        with state.open("rb") as file:
            head = msgspec.json.decode(file.read(_HEAD_BYTES), type=_Head)
    except (OSError, msgspec.DecodeError):
        return None
    good = head.format == _FORMAT and head.byte_order == sys.byteorder and head.part_size > 0
    return head if good else None


def _counters(state: Path, n_parts: int) -> tuple[list[int], list[int]]:
    with state.open("rb") as file:
        file.seek(_HEAD_BYTES)
        read = array.array("Q")
        read.frombytes(
            file.read(2 * n_parts * _COUNTER.size).ljust(2 * n_parts * _COUNTER.size, b"\0")
        )
    return list(read[:n_parts]), list(read[n_parts:])
