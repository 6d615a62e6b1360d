"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path
from typing import Final

# What is no file: it is written to, not replaced.
_NO_FILES: Final = (stat.S_ISCHR, stat.S_ISBLK, stat.S_ISFIFO)


def write(file: Path, text: str, *, mode: int = 0o600) -> None:
    """Put ``text`` into ``file`` in one step; its folder is made if need be. Raises OSError.

    A link is followed. What is there keeps its permissions, a new file gets those of ``mode``
    that the umask leaves.
    """
    there = None
    try:
        there = file.stat().st_mode
    except FileNotFoundError:
        file.parent.mkdir(parents=True, exist_ok=True)
    if there is not None and any(each(there) for each in _NO_FILES):
        file.write_text(text, "utf-8")
        return
    place = Path(os.path.realpath(file))
    new = place.with_name(f".{place.name[:40]}.{secrets.token_hex(4)}")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as written:
            written.write(text)
        if there is not None:
            new.chmod(stat.S_IMODE(there))
        new.replace(place)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
