"""Conversations that outlive an app that is cut off: a file for each process."""

from __future__ import annotations

import os
import threading
from functools import cached_property
from pathlib import Path
from typing import Final

import msgspec

from workbench import whole
from workbench.sessions.conversation import Conversation, Message
from workbench.untrusted import without_controls

_KEPT: Final = 10
# The system's clock may have been set meanwhile, and with it the start of every process.
_SAME_START_SECONDS: Final = 2
# A disk that hangs must not keep anyone from leaving.
_LOCK_SECONDS: Final = 2.0


class Snapshot(msgspec.Struct, kw_only=True):
    """What is kept: a whole conversation, and what was being written.

    ``number`` tells snapshots of one process apart; the newest has the highest.
    """

    number: int
    leaf: int | None
    messages: list[Message]
    draft: str = ""


class CutOff(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation whose app is gone; ``at`` is when it was kept, in seconds of the epoch.

    ``others`` are older ones beside it.
    """

    file: Path
    conversation: Conversation
    draft: str
    at: float
    others: int


class Rescue:
    """Keeps this process's conversation in a file, and finds those of others.

    ``keep`` and ``cut_off`` take their time on the disk and may be called in any thread; the
    rest belongs to the one that changes the conversation.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = 0
        self._written = 0
        # A signal may come while this very thread writes.
        self._lock = threading.RLock()

    @cached_property
    def file(self) -> Path:
        """This process's file. A process id alone is soon somebody else's."""
        return self._folder / f"{os.getpid()}-{_started(os.getpid())}.json"

    def snapshot(self, conversation: Conversation, draft: str = "") -> Snapshot:
        """What there is to keep now. It costs little; writing it is for another thread."""
        self._number += 1
        return Snapshot(
            number=self._number,
            leaf=conversation.leaf,
            messages=conversation.messages,
            draft=draft,
        )

    def keep(self, snapshot: Snapshot) -> bool:
        """Write a snapshot, unless a newer one was written; whether there is a file now.

        Without any text there is none. Raises OSError.
        """
        if not self._lock.acquire(timeout=_LOCK_SECONDS):
            raise TimeoutError("the disk does not answer")
        try:
            if snapshot.number > self._written:
                if snapshot.messages or snapshot.draft.strip():
                    whole.write(self.file, msgspec.json.encode(snapshot).decode())
                else:
                    self.file.unlink(missing_ok=True)
                self._written = snapshot.number
            return self.file.exists()
        finally:
            self._lock.release()

    def forget(self) -> None:
        """Remove the file: it is left in good order. Raises OSError."""
        self.keep(self.snapshot(Conversation()))

    def cut_off(self) -> CutOff | None:
        """The newest conversation whose app is gone; the oldest of many are removed."""
        files = sorted(
            (file for file in self._folder.glob("*.json") if not _is_alive(file)),
            key=_changed,
            reverse=True,
        )
        for file in files[_KEPT:]:
            file.unlink(missing_ok=True)
        for number, file in enumerate(files := files[:_KEPT]):
            try:
                at = file.stat().st_mtime
                snapshot = msgspec.json.decode(file.read_bytes(), type=Snapshot)
                conversation = _restored(snapshot)
            except (OSError, ValueError):
                continue
            return CutOff(
                file=file,
                conversation=conversation,
                draft=without_controls(snapshot.draft),
                at=at,
                others=len(files) - number - 1,
            )
        return None

    def take(self, cut_off: CutOff) -> bool:
        """Make it this process's own; False if another was quicker. Raises OSError."""
        with self._lock:
            try:
                cut_off.file.replace(self.file)
            except FileNotFoundError:
                return False
            # What of the time before is still to be written would undo it.
            self._number += 1
            self._written = self._number
        return True


def _restored(snapshot: Snapshot) -> Conversation:
    for message in snapshot.messages:
        if message.role == "assistant":
            message.finish = message.finish or "cut off"
        message.model = without_controls(message.model)
        message.text = without_controls(message.text)
        message.thoughts = without_controls(message.thoughts)
    return Conversation(snapshot.messages, snapshot.leaf)


def _changed(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0


def _is_alive(file: Path) -> bool:
    try:
        pid, started = map(int, file.stem.split("-"))
    except ValueError:
        return False
    running = _started(pid)
    return running is not None and abs(running - started) <= _SAME_START_SECONDS


def _started(pid: int) -> int | None:
    """When a process was started, in seconds of the epoch."""
    # Only here: most starts find no file, and need no answer.
    import psutil

    try:
        return int(psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return None
