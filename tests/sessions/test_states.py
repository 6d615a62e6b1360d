"""How much of the engine's memory is kept on the disk."""

from __future__ import annotations

import os
from pathlib import Path

from workbench.sessions.states import States


def written(states: States, conversation: int, size: int, *, age: float) -> Path:
    file = states.file(conversation, b"a model")
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(bytes(size))
    os.utime(file, (1e9 - age, 1e9 - age))
    return file


def test_each_model_has_a_file_of_its_own(tmp_path: Path) -> None:
    states = States(tmp_path)
    assert states.file(1, b"a model") == states.file(1, b"a model")
    assert len({states.file(1, b"a"), states.file(1, b"b"), states.file(2, b"a")}) == 3


def test_the_oldest_give_way(tmp_path: Path) -> None:
    states = States(tmp_path / "states", most_bytes=250, free_bytes=0)
    oldest, newer, used = (
        written(states, number, 100, age=age) for number, age in ((1, 30), (2, 20), (3, 40))
    )
    states.used(used)
    assert states.make_room(60)
    assert not oldest.exists()
    assert not newer.exists()
    assert used.exists()


def test_what_has_no_room_costs_the_others_nothing(tmp_path: Path) -> None:
    states = States(tmp_path, most_bytes=250, free_bytes=0)
    file = written(states, 1, 100, age=0)
    assert not states.make_room(251)
    assert file.exists()


def test_the_disk_is_not_filled(tmp_path: Path) -> None:
    assert not States(tmp_path, free_bytes=2**62).make_room(1)


def test_it_goes_with_its_conversation(tmp_path: Path) -> None:
    states = States(tmp_path / "states")
    files = [written(states, number, 1, age=0) for number in (1, 11, 2)]
    states.remove(1)
    assert [file.exists() for file in files] == [False, True, True]
    (tmp_path / "states" / "what.kv").touch()
    states.keep_only({2})
    assert list((tmp_path / "states").iterdir()) == [files[2]]


def test_what_a_kill_left_of_writing_is_swept_up(tmp_path: Path) -> None:
    states = States(tmp_path)
    left, under_way = tmp_path / ".1-abc.kv.x7f3", tmp_path / ".2-abc.kv.k2p9"
    for part in (left, under_way):
        part.touch()
    os.utime(left, (1e9, 1e9))
    states.keep_only({1, 2})
    assert [left.exists(), under_way.exists()] == [False, True]
