"""Whether a model's files are what they are said to be."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal, NamedTuple

from workbench.models.gguf import GgufError, read_header
from workbench.models.model_file import ModelFile, is_file

_CHUNK: Final = 4 << 20

Outcome = Literal["right", "wrong", "unknown", "unread", "stopped"]
"""``unknown``: nothing tells what its hash should be; its header and its length are right.
``unread``: the disk or the system does not give its bytes, whatever they are.
"""


class Checked(NamedTuple):
    """A file, its SHA-256 as it is now, and what became of it; ``why`` it is not right."""

    file: Path
    sha256: str
    outcome: Outcome
    why: str = ""


def verify(
    model: ModelFile,
    on_progress: Callable[[int, int], bool] = lambda _done, _total: True,
) -> list[Checked]:
    """Read all files of a model and hold them against the hashes that their places tell.

    ``on_progress`` is told the bytes that are read and all of them, and returns False to give
    up. Blocks for as long as the disk takes.
    """
    files = model.files or (model.path,)
    total = model.size
    before = 0
    checked = []
    for at, file in enumerate(files):
        told = model.hashes[at] if at < len(model.hashes) else ""

        def report(done: int, before: int = before) -> bool:
            return on_progress(before + done, total)

        found = _check(file, told, report)
        checked.append(found)
        if found.outcome == "stopped":
            break
        before += file.stat().st_size if is_file(file) else 0
    if model.missing and checked[-1].outcome != "stopped":
        checked.append(Checked(files[0], "", "wrong", model.incomplete))
    return checked


def _check(file: Path, told: str, report: Callable[[int], bool]) -> Checked:
    digest = hashlib.sha256()
    done = 0
    try:
        header = read_header(file)
        if header.file_size > file.stat().st_size:
            return Checked(file, "", "wrong", "part of its data is missing")
        with file.open("rb", buffering=0) as opened:
            while chunk := opened.read(_CHUNK):
                digest.update(chunk)
                done += len(chunk)
                if not report(done):
                    return Checked(file, "", "stopped")
    except GgufError as error:
        return Checked(file, "", "wrong", str(error))
    except OSError as error:
        return Checked(file, "", "unread", f"it cannot be read: {error.strerror}")
    found = digest.hexdigest()
    if not told:
        return Checked(file, found, "unknown")
    if found != told:
        return Checked(file, found, "wrong", "its bytes are not those that were published")
    return Checked(file, found, "right")
