"""The thread that writes to the terminal, on a terminal that is read or not."""

from __future__ import annotations

import os
import pty
import select
import threading
import tty
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.waiting import wait_until_blocking
from workbench.terminal.writer import Writer

FRAME = b"x" * 100_000


@dataclass
class Line:
    """A terminal in raw mode: what goes in at ``slave`` comes out at ``master``."""

    master: int
    slave: int

    def read(self) -> bytes:
        data = b""
        while select.select([self.master], [], [], 0.2)[0]:
            data += os.read(self.master, 65_536)
        return data


@pytest.fixture
def line() -> Iterator[Line]:
    master, slave = pty.openpty()
    tty.setraw(slave)
    yield Line(master, slave)
    os.close(slave)
    os.close(master)


def ignore() -> None:
    pass


def test_everything_arrives_in_order(line: Line) -> None:
    writer = Writer(line.slave, gone=ignore)
    pieces = [b"%d " % number for number in range(1000)]
    for piece in pieces:
        writer.write(piece)
    drained = threading.Event()
    writer.when_drained(drained.set)
    assert line.read() == b"".join(pieces)
    assert drained.wait(10)
    writer.close()


def test_a_line_that_is_read_keeps_up(line: Line) -> None:
    writer = Writer(line.slave, gone=ignore)
    for _ in range(5):
        drained = threading.Event()
        writer.write(b"frame")
        assert writer.end_frame()
        writer.when_drained(drained.set)
        assert drained.wait(10)
    writer.close()


def test_a_line_that_is_not_read_does_not_until_it_is(line: Line) -> None:
    writer = Writer(line.slave, gone=ignore)
    drained = threading.Event()
    writer.write(FRAME)
    assert writer.end_frame()
    writer.write(b"second")
    assert not writer.end_frame()
    writer.when_drained(drained.set)
    assert not drained.is_set()
    assert line.read() == FRAME + b"second"
    assert drained.wait(10)
    writer.close()


def test_the_way_out_finds_room_on_a_stalled_line(line: Line) -> None:
    writer = Writer(line.slave, gone=ignore)
    writer.write(FRAME)
    writer.write(FRAME)
    assert select.select([line.master], [], [], 10)[0]
    assert writer.drop()
    writer.write(b"restored")
    writer.close()
    left = line.read()
    assert left.endswith(b"xrestored")
    assert len(left) < len(FRAME) / 2


def test_nothing_is_lost_of_what_was_never_dropped(line: Line) -> None:
    writer = Writer(line.slave, gone=ignore)
    assert not writer.drop()
    writer.write(b"last words")
    writer.close()
    assert line.read() == b"last words"


def test_a_line_that_is_gone_is_told_once_and_holds_nobody_up() -> None:
    master, slave = pty.openpty()
    told = []
    writer = Writer(slave, gone=lambda: told.append(1))
    os.close(master)
    writer.write(FRAME)
    wait_until_blocking(lambda: told, "word of the line's end")
    writer.write(FRAME)
    writer.close()
    os.close(slave)
    assert told == [1]
