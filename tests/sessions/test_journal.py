from __future__ import annotations

import itertools
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import pytest

from tests.sessions.made import assert_sound, put, session, texts
from tests.waiting import wait_until_blocking
from workbench.sessions.database import StoreError
from workbench.sessions.journal import Journal
from workbench.sessions.session import Session
from workbench.sessions.store import Store

_Begin = Callable[..., Journal]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "sessions.sqlite"


@pytest.fixture
def troubles() -> list[str]:
    return []


@pytest.fixture
def begin(file: Path, troubles: list[str]) -> Iterator[_Begin]:
    """Begins journals, and ends them."""
    begun: list[Journal] = []

    def start(seconds: float = 0.0) -> Journal:
        begun.append(Journal(file, on_trouble=troubles.append, seconds=seconds))
        return begun[-1]

    yield start
    for journal in begun:
        try:
            journal.close()
        except StoreError as error:
            troubles.append(str(error))


def kept(file: Path) -> list[list[str]]:
    """What is said in each conversation, the newest first."""
    with Store(file) as store:
        return [texts(store.open(each.id)) for each in store.summaries()]


def test_nothing_is_made_before_there_is_a_word(file: Path, begin: _Begin) -> None:
    journal = begin()
    assert journal.keep_now(Session()) is None
    assert not file.exists()
    assert journal.keep_now(Session(draft="a dra")) == file
    assert file.exists()


def test_a_stream_is_written_while_it_comes(file: Path, begin: _Begin, troubles: list[str]) -> None:
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


def test_a_signal_handler_saves_at_once_whatever_the_thread_does(file: Path, begin: _Begin) -> None:
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
    file: Path, begin: _Begin, troubles: list[str]
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
    file: Path, begin: _Begin, troubles: list[str]
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


def damage(file: Path) -> bytes:
    """Overwrite all pages but the first; returns what the file is then."""
    whole = bytearray(file.read_bytes())
    whole[4096:] = b"\x5a" * (len(whole) - 4096)
    file.write_bytes(whole)
    return bytes(whole)


def damage_messages(file: Path) -> None:
    """Overwrite the page that every message is reached by."""
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    [page] = connection.execute(
        "SELECT rootpage FROM sqlite_schema WHERE name = 'messages'"
    ).fetchone()
    connection.close()
    with file.open("r+b") as opened:
        opened.seek((page - 1) * 4096)
        opened.write(b"\x5a" * 4096)


@pytest.mark.parametrize("how", ["no database at all", "damaged pages"])
def test_a_damaged_store_is_kept_aside_and_a_new_one_begun(
    file: Path, begin: _Begin, troubles: list[str], how: str
) -> None:
    with Store(file) as store:
        put(store, "before", "it broke")
    if how == "damaged pages":
        damaged = damage(file)
    else:
        damaged = b"This is no database." * 1000
        file.write_bytes(damaged)
    journal, current = begin(), session("why?", "because")
    journal.keep_now(current)
    assert kept(file) == [["why?", "because"]]
    [aside] = file.parent.glob("sessions-damaged-*.sqlite")
    assert aside.read_bytes() == damaged
    [trouble] = troubles
    assert str(aside) in trouble
    assert "damaged" in trouble
    assert_sound(file)


def test_a_store_that_breaks_meanwhile_loses_nothing_that_is_open(
    file: Path, begin: _Begin, troubles: list[str]
) -> None:
    with Store(file) as store:
        put(store, "before", "it broke")
    journal, current = begin(), Session(draft="why")
    journal.keep_now(current)
    damage_messages(file)
    current.draft = ""
    current.conversation.add("user", "why?")
    current.conversation.add("assistant", "because").finish = "stop"
    current.conversation.add("user", "and?")
    journal.keep_now(current)
    current.conversation.add("assistant", "so").finish = "stop"
    journal.keep_now(current)
    assert kept(file) == [["why?", "because", "and?", "so"]]
    assert len(list(file.parent.glob("sessions-damaged-*.sqlite"))) == len(troubles) == 1


def test_two_processes_that_find_the_damage_set_it_aside_once(
    file: Path, begin: _Begin, troubles: list[str]
) -> None:
    first, second = begin(), begin()
    mine, theirs = Session(draft="mine"), Session(draft="theirs")
    first.keep_now(mine)
    second.keep_now(theirs)
    damage_messages(file)
    mine.conversation.add("user", "mine")
    theirs.conversation.add("user", "theirs")
    mine.conversation.add("assistant", "more").finish = "stop"
    first.keep_now(mine)
    theirs.conversation.add("assistant", "more").finish = "stop"
    second.keep_now(theirs)
    assert kept(file) == [["theirs", "more"], ["mine", "more"]]
    assert len(list(file.parent.glob("sessions-damaged-*.sqlite"))) == 1
    assert len(troubles) == 1


def damage_index(file: Path, where: str) -> None:
    other = sqlite3.connect(file)
    with other:
        other.execute(f"UPDATE words_data SET block = x'ffffffff' WHERE {where}")
    other.close()


# Up to 10 they say how the others are arranged.
@pytest.mark.parametrize("where", ["id > 10", "id <= 10", "true"])
def test_a_damaged_index_is_made_anew(
    file: Path, begin: _Begin, troubles: list[str], where: str
) -> None:
    journal, current = begin(), session("why is the sky blue?")
    journal.keep_now(current)
    damage_index(file, where)
    with Store(file) as store:
        assert len(store.search("sky")) == 1
    damage_index(file, where)
    answer = current.conversation.add("assistant", "because")
    answer.finish = "stop"
    journal.keep_now(current)
    with Store(file) as store:
        assert len(store.search("sky")) == len(store.search("because")) == 1
    assert list(file.parent.glob("*damaged*")) == []
    assert troubles == []
    assert_sound(file)


def lose_index_entries(file: Path, *, double: bool) -> None:
    """Let an index be out of step with its table; ``double``: so that it cannot be made anew."""
    name = "conversations_touched"
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA writable_schema = ON")
    entry = connection.execute("SELECT * FROM sqlite_schema WHERE name = ?", (name,)).fetchone()
    connection.execute("DELETE FROM sqlite_schema WHERE name = ?", (name,))
    connection.close()
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute(f"UPDATE conversations SET touched = {'7' if double else 'touched + 1000'}")
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute("INSERT INTO sqlite_schema VALUES (?, ?, ?, ?, ?)", entry)
    connection.close()


@pytest.mark.parametrize("double", [False, True])
def test_an_index_out_of_step_is_made_anew_or_the_store_kept_aside(
    file: Path, begin: _Begin, troubles: list[str], double: bool
) -> None:
    with Store(file) as store:
        number = put(store, "before", "it broke")
        put(store, "before, too")
        current = store.open(number)
    lose_index_entries(file, double=double)
    journal = begin()
    current.conversation.add("user", "more")
    journal.keep_now(current)
    assert ["before", "it broke", "more"] in kept(file)
    if double:
        [trouble] = troubles
        [aside] = file.parent.glob("sessions-damaged-*.sqlite")
        assert str(aside) in trouble
    else:
        assert troubles == []
        assert len(kept(file)) == 2
        assert list(file.parent.glob("*damaged*")) == []
    current.conversation.add("assistant", "so").finish = "stop"
    journal.keep_now(current)
    assert_sound(file)


def test_a_lock_is_called_one_by_whoever_waits_for_it(file: Path, begin: _Begin) -> None:
    with Store(file) as store:
        put(store, "before")
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    journal = begin()
    journal.keep(session("one more"))
    with pytest.raises(StoreError, match="locked by another program"):
        journal.keep_now(session("why?", "because"))
    other.close()


def test_a_home_that_cannot_be_written_is_said(
    tmp_path: Path, begin: _Begin, troubles: list[str]
) -> None:
    (tmp_path / "data").write_text("in the way")
    journal, current = begin(), session("why?")
    with pytest.raises(StoreError, match="cannot be written"):
        journal.keep_now(current)
    assert len(troubles) == 1
    (tmp_path / "data").unlink()
    journal.keep_now(current)


def test_a_read_only_home_can_be_read(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from tests.sessions.made import session\n"
        "from workbench.sessions.database import StoreError\n"
        "from workbench.sessions.journal import Journal\n"
        "from workbench.sessions.store import Store\n"
        "file = Path(sys.argv[1]) / 'sessions.sqlite'\n"
        "with Store(file) as store:\n"
        "    print([each.title for each in store.summaries()])\n"
        "    print(len(store.search('sky')), store.open(1).conversation.message(1).finish)\n"
        "journal = Journal(file, on_trouble=print)\n"
        "try:\n"
        "    journal.keep_now(session('more'))\n"
        "except StoreError as error:\n"
        "    print('error')\n"
    )
    folder = tmp_path / "home"
    with Store(folder / "sessions.sqlite") as store:
        kept_session = session("why is the sky blue?")
        kept_session.conversation.add("assistant", "half an ans")
        store.write(kept_session.snapshot(), writer="long dead")
    inner = f'mount --bind {folder} {folder} && mount -o remount,ro,bind {folder} && exec "$@"'
    own = ["unshare", "-Urm", "sh", "-c", inner, "sh"]
    if subprocess.run([*own, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no mounts of one's own here")
    found = subprocess.run(
        [*own, sys.executable, "-c", script, str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    file = folder / "sessions.sqlite"
    assert found.stdout.splitlines() == [
        "['why is the sky blue?']",
        "1 cut off",
        f"{file} cannot be written: look at its permissions.",
        "error",
    ], found.stderr
