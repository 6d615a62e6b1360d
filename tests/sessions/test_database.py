from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.sessions.made import put
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
