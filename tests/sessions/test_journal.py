from __future__ import annotations

import itertools
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import pytest

from tests.sessions.made import Begin, assert_sound, kept, put, session, texts
from tests.waiting import wait_until_blocking
from workbench.sessions.database import StoreError
from workbench.sessions.journal import Journal
from workbench.sessions.session import Session
from workbench.sessions.store import Store


def test_nothing_is_made_before_there_is_a_word(file: Path, begin: Begin) -> None:
    journal = begin()
    assert journal.keep_now(Session()) is None
    assert not file.exists()
    assert journal.keep_now(Session(draft="a dra")) == file
    assert file.exists()


def test_a_stream_is_written_while_it_comes(file: Path, begin: Begin, troubles: list[str]) -> None:
    journal, current = begin(), session("why?")
    answer = current.conversation.add("assistant")
    for word in ("Because", " of", " the", " air"):
        answer.text += word
        journal.keep(current)
        wait_until_blocking(
            lambda: file.exists() and kept(file) == [["why?", answer.text]], "the text so far"
        )
    answer.finish = "stop"
    journal.leave(current)
    journal.close()
    assert kept(file) == [["why?", "Because of the air"]]
    with Store(file) as store:
        assert store.cut_off() == []
    assert list((file.parent / "writers").iterdir()) == []
    assert troubles == []
    assert_sound(file)


def test_it_writes_as_often_as_it_is_told_and_no_more(file: Path) -> None:
    written: list[float] = []
    journal = Journal(
        file,
        on_trouble=pytest.fail,
        on_written=lambda _: written.append(monotonic()),
        seconds=0.2,
    )
    current = session("why?")
    answer = current.conversation.add("assistant")
    while len(written) < 5:
        answer.text += "x"
        journal.keep(current)
        threading.Event().wait(0.002)
    journal.close()
    apart = [later - earlier for earlier, later in itertools.pairwise(written[:5])]
    assert min(apart) > 0.19


def test_whoever_waits_for_it_finds_all_that_was_said(file: Path, begin: Begin) -> None:
    journal, current = begin(seconds=60.0), session("why?")
    journal.keep(current)
    journal.settle()
    assert kept(file) == [["why?"]]
    current.conversation.add("assistant", "Because")
    journal.keep(current)
    journal.settle()
    assert kept(file) == [["why?", "Because"]]


def test_a_process_that_is_killed_loses_less_than_a_second(file: Path) -> None:
    """With the pace that the app has."""
    script = (
        "import os, sys, time\n"
        "from pathlib import Path\n"
        "from workbench.sessions.journal import Journal\n"
        "from workbench.sessions.session import Session\n"
        "journal, session = Journal(Path(sys.argv[1]), on_trouble=print), Session()\n"
        "session.conversation.add('user', 'count')\n"
        "answer = session.conversation.add('assistant')\n"
        "while True:\n"
        "    answer.text += f'{time.monotonic():.3f}\\n'\n"
        "    journal.keep(session)\n"
        "    os.write(1, b'.')\n"
        "    time.sleep(0.02)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(file)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.read(100)
        process.kill()
        at = monotonic()
    [[prompt, text]] = kept(file)
    assert prompt == "count"
    assert at - float(text.split()[-1]) < 1.0
    with Store(file) as store:
        [found] = store.cut_off()
        assert store.open(found.id).conversation.message(1).finish == "cut off"


def test_a_signal_handler_saves_at_once_whatever_the_thread_does(file: Path, begin: Begin) -> None:
    journal, current = begin(seconds=60.0), session("why?")
    answer = current.conversation.add("assistant")
    saved: list[Path | None] = []

    def save(*_: object) -> None:
        saved.append(journal.keep_now(current))

    before = signal.signal(signal.SIGUSR1, save)
    try:
        while len(saved) < 20:
            answer.text += "x"
            journal.keep(current)
            if len(answer.text) % 50 == 0:
                os.kill(os.getpid(), signal.SIGUSR1)
                assert kept(file) == [["why?", answer.text]]
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert saved == [file] * 20


@contextmanager
def no_room(file: Path) -> Iterator[None]:
    """Files of this process cannot get larger than the store's are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    largest = max(each.stat().st_size for each in file.parent.iterdir() if each.is_file())
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_where_there_is_no_room_nothing_is_lost(
    file: Path, begin: Begin, troubles: list[str]
) -> None:
    journal, current = begin(), session("why?")
    answer = current.conversation.add("assistant", "Because")
    journal.keep_now(current)
    with no_room(file):
        answer.text += " of " + "much " * 100_000
        with pytest.raises(StoreError, match="sessions"):
            journal.keep_now(current)
        with pytest.raises(StoreError):
            journal.keep_now(current)
        # Of the same trouble one word is enough.
        assert len(troubles) == 1
        answer.text += "air"
        # What was there is there.
        with Store(file) as store:
            [[prompt, text]] = [texts(store.open(each.id)) for each in store.summaries()]
        assert (prompt, text) == ("why?", "Because")
    journal.keep_now(current)
    assert kept(file) == [["why?", answer.text]]
    answer.finish = "stop"
    journal.leave(current)
    journal.close()
    assert_sound(file)


def test_a_disk_that_is_full_is_said_and_written_to_later(tmp_path: Path) -> None:
    """On a disk of its own, where this system lets us make one."""
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from tests.sessions.made import session\n"
        "from workbench.sessions.database import StoreError\n"
        "from workbench.sessions.journal import Journal\n"
        "file = Path(sys.argv[1]) / 'sessions.sqlite'\n"
        "journal, current = Journal(file, on_trouble=print, seconds=0.0), session('why?')\n"
        "answer = current.conversation.add('assistant', 'Because')\n"
        "journal.keep_now(current)\n"
        "ballast = file.with_name('ballast')\n"
        "try:\n"
        "    ballast.write_bytes(bytes(10**8))\n"
        "except OSError:\n"
        "    pass\n"
        "answer.text += ' of ' + 'much ' * 100_000\n"
        "try:\n"
        "    journal.keep_now(current)\n"
        "    print('there was room')\n"
        "except StoreError:\n"
        "    pass\n"
        "ballast.unlink()\n"
        "journal.keep_now(current)\n"
        "answer.finish = 'stop'\n"
        "journal.leave(current)\n"
        "journal.close()\n"
        "from workbench.sessions.store import Store\n"
        "with Store(file) as store:\n"
        "    print(store.open(1).conversation.message(1).text == answer.text)\n"
    )
    disk = tmp_path / "disk"
    disk.mkdir()
    inner = f'mount -t tmpfs -o size=4m none {disk} && exec "$@"'
    own = ["unshare", "-Urm", "sh", "-c", inner, "sh"]
    if subprocess.run([*own, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no disks of one's own here")
    found = subprocess.run(
        [*own, sys.executable, "-c", script, str(disk)], capture_output=True, text=True, check=False
    )
    assert found.stdout.splitlines() == [
        f"There is no room left for {disk}/sessions.sqlite: make some on that disk.",
        "True",
    ], found.stderr


def test_a_store_that_is_locked_is_written_when_it_is_free(
    file: Path, begin: Begin, troubles: list[str]
) -> None:
    with Store(file) as store:
        put(store, "before")
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    journal, current = begin(), session("why?", "because")
    journal.keep(current)
    wait_until_blocking(lambda: troubles, "word of the lock")
    assert troubles == [f"{file} is locked by another program: close that, or wait for it."]
    other.execute("COMMIT")
    other.close()
    wait_until_blocking(lambda: len(kept(file)) == 2, "the conversation")
    assert kept(file) == [["why?", "because"], ["before"]]
    assert len(troubles) == 1


def test_a_thread_that_hangs_keeps_nobody_from_leaving(file: Path) -> None:
    go, at_it = threading.Event(), threading.Event()

    def hang(_: Session) -> None:
        at_it.set()
        go.wait()

    journal = Journal(file, on_trouble=pytest.fail, on_written=hang, seconds=0.0)
    current = session("why?")
    journal.keep(current)
    at_it.wait()
    with pytest.raises(StoreError, match="does not answer"):
        journal.keep_now(current, patience=0.05)
    go.set()
    journal.close()


def test_a_lock_is_called_one_by_whoever_waits_for_it(file: Path, begin: Begin) -> None:
    with Store(file) as store:
        put(store, "before")
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    journal = begin()
    journal.keep(session("one more"))
    with pytest.raises(StoreError, match="locked by another program"):
        journal.keep_now(session("why?", "because"))
    other.close()


def test_whoever_is_told_of_trouble_cannot_end_the_journal(file: Path) -> None:
    def fail(trouble: str) -> None:
        raise ValueError(trouble)

    file.parent.write_text("in the way")
    journal, current = Journal(file, on_trouble=fail, seconds=0.0), session("why?")
    with pytest.raises(StoreError, match="cannot be written"):
        journal.keep_now(current)
    file.parent.unlink()
    journal.keep_now(current)
    journal.close()
    assert kept(file) == [["why?"]]


def test_a_mark_that_cannot_be_removed_is_no_trouble_at_the_end(file: Path) -> None:
    journal, current = Journal(file, on_trouble=pytest.fail, seconds=0.0), session("why?")
    journal.keep_now(current)
    [mark] = (file.parent / "writers").iterdir()
    mark.unlink()
    mark.mkdir()
    # An exception in its thread would be one here.
    journal.close()
    assert kept(file) == [["why?"]]


def test_a_home_that_cannot_be_written_is_said(
    tmp_path: Path, begin: Begin, troubles: list[str]
) -> None:
    (tmp_path / "data").write_text("in the way")
    journal, current = begin(), session("why?")
    with pytest.raises(StoreError, match="cannot be written"):
        journal.keep_now(current)
    assert len(troubles) == 1
    (tmp_path / "data").unlink()
    journal.keep_now(current)
