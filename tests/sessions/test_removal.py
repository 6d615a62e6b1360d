from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest

from tests.sessions.made import assert_sound, put, session
from workbench.sessions import removal
from workbench.sessions.database import StoreError
from workbench.sessions.store import Store

_DAY = 86_400.0


class Clock:
    """A clock that is set."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock(1e9)


@pytest.fixture
def store(file: Path, clock: Clock) -> Iterator[Store]:
    with Store(file, clock=clock) as opened:
        yield opened


def test_what_is_deleted_can_be_had_back_for_a_while(
    file: Path, store: Store, clock: Clock
) -> None:
    kept, deleted = put(store, "keep this word"), put(store, "delete this word")
    store.delete(deleted)
    assert [each.id for each in store.summaries()] == [kept]
    assert [each.id for each in store.summaries(deleted=True)] == [deleted]
    assert [each.conversation for each in store.search("word")] == [kept]
    store.restore(deleted)
    assert len(store.search("word")) == 2
    store.delete(deleted)
    begun = clock.now
    while not store.purge():
        clock.now += _DAY
    assert 30 < (clock.now - begun) / _DAY < 40
    assert store.summaries(deleted=True) == []
    with pytest.raises(StoreError, match=f"no conversation {deleted}"):
        store.open(deleted)
    with pytest.raises(StoreError, match=f"no conversation {deleted}"):
        store.delete(deleted)
    assert_sound(file)


def test_a_clock_that_is_set_back_makes_nothing_older(store: Store, clock: Clock) -> None:
    store.delete(put(store, "why?"))
    for days in (29, -99, 5):
        clock.now += days * _DAY
        assert store.purge() == 0


def test_a_clock_that_is_set_forward_takes_nothing_at_once(store: Store, clock: Clock) -> None:
    clock.now = 100.0
    number = put(store, "why?")
    store.delete(number)
    clock.now = 1.7e9
    for _ in range(3):
        assert store.purge() == 0
        clock.now += _DAY
    # And once more, before the time is known.
    clock.now = 100.0
    assert store.purge() == 0
    store.restore(number)
    assert [each.id for each in store.summaries()] == [number]
    # What it was is forgotten by then.
    store.delete(number)
    clock.now = 1.8e9
    assert store.purge() == 0
    clock.now += 8 * _DAY
    assert store.purge() == 1


def assert_unsaid(file: Path, *words: bytes) -> None:
    for each in file.parent.glob("sessions.sqlite*"):
        for word in words:
            assert word not in each.read_bytes(), each


def test_what_is_removed_for_good_is_in_no_file_any_more(file: Path, store: Store) -> None:
    number = put(store, "the xylophonist's secret", "a zymurgist's, too")
    other, third = put(store, "something else"), put(store, "another quokka")
    kept = store.open(number)
    answer = kept.conversation.add("assistant", "and the quagga's", model="pocket")
    answer.thoughts, answer.finish = "an axolotl?", "stop"
    store.write(kept.snapshot(), kept.place)
    store.remove(number, third)
    assert_unsaid(file, b"xylophonist", b"zymurgist", b"quagga", b"axolotl", b"quokka")
    assert [each.id for each in store.summaries()] == [other]
    assert len(store.search("something")) == 1
    assert_sound(file)


def test_nothing_is_removed_if_one_is_not_there(store: Store) -> None:
    number = put(store, "why?")
    with pytest.raises(StoreError, match="no conversation 99"):
        store.remove(number, 99)
    assert store.summary(number).title == "why?"


def test_the_file_shrinks(file: Path, store: Store) -> None:
    put(store, "why?")
    store.remove()
    before = file.stat().st_size
    number = put(store, *(f"{n} " + "many words " * 200 for n in range(200)))
    store.remove(number)
    assert file.stat().st_size <= before + 16 * 4096
    assert_sound(file)


def test_others_can_write_while_it_is_tidied(
    file: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = put(store, *(f"{n} words and words " * 20 for n in range(500)))
    monkeypatch.setattr(removal, "_PAGES", 1)
    done = threading.Event()
    written: list[float] = []

    def write() -> None:
        with Store(file) as other:
            while not done.wait(0.02):
                begun = monotonic()
                other.write(session("meanwhile").snapshot())
                written.append(monotonic() - begun)

    writing = threading.Thread(target=write, daemon=True)
    writing.start()
    try:
        begun = monotonic()
        store.remove(number)
        took = monotonic() - begun
    finally:
        done.set()
        writing.join()
    assert len(written) > 3
    assert max(written) < took
    assert_sound(file)
