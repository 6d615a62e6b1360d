from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep

import pytest

from tests.sessions.made import damage, put, session, texts
from workbench.sessions import index
from workbench.sessions.database import BUSY_SECONDS, set_aside
from workbench.sessions.store import Store

_LOOK = (
    "import sys\n"
    "from pathlib import Path\n"
    "from tests.sessions.made import session\n"
    "from workbench.sessions.database import StoreError\n"
    "from workbench.sessions.store import Store\n"
    "with Store(Path(sys.argv[1])) as store:\n"
    "    print([each.title for each in store.summaries()])\n"
    "    print(len(store.search('sky')))\n"
    "    try:\n"
    "        store.write(session('more').snapshot())\n"
    "    except StoreError as error:\n"
    "        print(error)\n"
)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """A folder in which nothing can be made, by those who are held to permissions."""
    folder.chmod(0o555)
    try:
        yield
    finally:
        folder.chmod(0o755)


def unprivileged(*command: str) -> list[str]:
    """The command as somebody who is held to permissions, which root is not."""
    if os.geteuid():
        return list(command)
    own = ["unshare", "-U"]
    if subprocess.run([*own, "true"], capture_output=True, check=False).returncode:
        pytest.skip("nobody else here")
    return [*own, *command]


def looked(file: Path) -> list[str]:
    """What somebody sees who cannot write in the store's folder."""
    with read_only(file.parent):
        done = subprocess.run(
            unprivileged(sys.executable, "-c", _LOOK, str(file)),
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_a_file_that_may_be_written_in_a_folder_that_may_not_is_read(tmp_path: Path) -> None:
    file = tmp_path / "home" / "sessions.sqlite"
    with Store(file) as store:
        put(store, "Why is the sky blue?")
    assert looked(file) == [
        "['Why is the sky blue?']",
        "1",
        f"{file} cannot be written: look at its permissions.",
    ]


def test_what_lies_beside_a_file_that_cannot_be_written_is_read_too(tmp_path: Path) -> None:
    """As a crash leaves it: the last that was written is in the log alone."""
    file = tmp_path / "home" / "sessions.sqlite"
    crashed = tmp_path / "crashed" / "sessions.sqlite"
    crashed.parent.mkdir()
    with Store(file) as store:
        put(store, "Why is the sky blue?")
    with Store(file) as store:
        put(store, "And why is the sky red?")
        for beside in ("", "-wal"):
            shutil.copy(f"{file}{beside}", f"{crashed}{beside}")
    before = {each.name: each.read_bytes() for each in crashed.parent.iterdir()}
    assert looked(crashed) == [
        "['And why is the sky red?', 'Why is the sky blue?']",
        "2",
        f"{crashed} cannot be written: look at its permissions.",
    ]
    assert {each.name: each.read_bytes() for each in crashed.parent.iterdir()} == before


def test_a_file_that_is_set_aside_while_it_is_opened_is_not_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, aside = tmp_path / "sessions.sqlite", tmp_path / "aside.sqlite"
    with Store(file) as store:
        put(store, "before")
    prepare = index.prepare

    def set_aside_meanwhile(connection: sqlite3.Connection, *, has_fts5: bool) -> None:
        prepare(connection, has_fts5=has_fts5)
        if not aside.exists():
            file.rename(aside)

    monkeypatch.setattr(index, "prepare", set_aside_meanwhile)
    with Store(file) as store:
        put(store, "after")
    with Store(file) as store, Store(aside) as other:
        assert [each.title for each in store.summaries()] == ["after"]
        assert [each.title for each in other.summaries()] == ["before"]


def test_a_damaged_file_is_never_left_without_what_lies_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the next to open it takes its log for that of an empty file, and removes it."""
    file = tmp_path / "sessions.sqlite"
    moved: list[str] = []
    rename = Path.rename

    def looked_at(self: Path, target: Path) -> Path:
        moved.append(self.name)
        return rename(self, target)

    with Store(file) as store:
        put(store, "why?")
    # Somebody has it open still: what lies beside it stays.
    with Store(file) as store:
        put(store, "because")
        damage(file)
        monkeypatch.setattr(Path, "rename", looked_at)
        aside = set_aside(file)
    assert aside is not None
    assert sorted(moved) == [f"{file.name}{beside}" for beside in ("", "-shm", "-wal")]
    assert moved[-1] == file.name


def test_what_can_wait_waits_for_no_lock(tmp_path: Path) -> None:
    file = tmp_path / "sessions.sqlite"
    with Store(file) as store:
        kept = session("why?")
        kept.conversation.add("assistant", "half an ans")
        store.write(kept.snapshot(), writer="0123456789abcdef")
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    begun = monotonic()
    with Store(file) as store:
        assert monotonic() - begun < BUSY_SECONDS
        assert texts(store.open(1)) == ["why?", "half an ans"]
        other.close()
        # Where it cannot wait it does.
        store.pin(1)
    with Store(file) as store:
        assert len(store.search("half")) == 1


def test_everybody_gets_a_turn_beside_somebody_who_hardly_pauses(tmp_path: Path) -> None:
    file = tmp_path / "sessions.sqlite"
    done, begun = threading.Event(), threading.Semaphore(0)

    def write() -> None:
        other = sqlite3.connect(file, isolation_level=None, timeout=0.0)
        while not done.wait(0.004):
            with suppress(sqlite3.OperationalError):
                other.execute("BEGIN IMMEDIATE")
                begun.release()
                sleep(0.06)
                other.execute("COMMIT")
        other.close()

    with Store(file) as store:
        writing = threading.Thread(target=write, daemon=True)
        writing.start()
        try:
            for _ in range(15):
                begun.acquire()
                put(store, "why?")
        finally:
            done.set()
            writing.join()
        assert len(store.summaries()) == 15


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
