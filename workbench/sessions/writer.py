"""Who writes: a mark that dies with its process.

A process id alone is soon somebody else's, and when a process was started is told by a clock
that may be set; a lock on a file is neither's business and ends with whoever holds it, however
that ends.
"""

from __future__ import annotations

import fcntl
import re
import secrets
from pathlib import Path
from typing import Final

_NAME: Final = re.compile(r"[0-9a-f]{16}")


class Writer:
    """A writer that others see alive until it is closed, or its process is gone."""

    def __init__(self, folder: Path) -> None:
        """``folder`` holds the marks of all writers. Raises OSError."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for mark in folder.iterdir():
            # Asked for one that is gone, it sweeps up.
            is_alive(folder, mark.name)
        while True:
            self.name = secrets.token_hex(8)
            self._mark = folder / self.name
            self._file = self._mark.open("x")
            fcntl.flock(self._file, fcntl.LOCK_EX)
            # Another might have swept before the lock was there.
            if self._mark.exists():
                return
            self._file.close()

    def close(self) -> None:
        """Write no more. Raises OSError."""
        try:
            self._mark.unlink(missing_ok=True)
        finally:
            self._file.close()


def is_alive(folder: Path, name: str) -> bool:
    """Whether the writer ``name`` may still write."""
    if not _NAME.fullmatch(name):
        # A store may come from anywhere, and what it names is removed here.
        return False
    mark = folder / name
    try:
        with mark.open() as file:
            # Shared: those who ask at the same moment do not take each other for the writer.
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            mark.unlink(missing_ok=True)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
