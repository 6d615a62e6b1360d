"""What ended the app unasked, and what is said of it afterwards."""

from __future__ import annotations

import os
import platform
import signal
import threading
import traceback
from datetime import datetime
from pathlib import Path
from typing import Final

from workbench import __version__
from workbench.settings import paths
from workbench.untrusted import without_controls

_PATIENCE_SECONDS: Final = 1.0
_LONGEST: Final = 200


class Ending:
    """An end by a signal or by a mistake of our own; ``code`` is 0 while there is none."""

    def __init__(self) -> None:
        self.code = 0
        self.kept: Path | None = None
        self._cause = ""

    def by_signal(self, number: int) -> None:
        """A signal asks for the end."""
        if not self.code:
            self.code = 128 + number
            self._cause = f"Workbench was ended by {signal.Signals(number).name}."

    def by_mistake(self, error: BaseException) -> None:
        """Our own code failed; the traceback goes to a file."""
        report = _report(error)
        if not self.code:
            self.code = 1
            said = " ".join(without_controls(f"{type(error).__name__}: {error}").split())
            self._cause = (
                f"Workbench stopped over a mistake of its own: {said[:_LONGEST]}\n"
                f"What happened is in {report}"
            )

    def not_kept(self, reason: str) -> None:
        """What was said last could not be saved."""
        self._cause += f"\nThe conversation could not be kept: {reason}"

    def say(self) -> None:
        """Tell it on stderr, which may be a line that takes nothing any more."""
        said = self._cause.lstrip("\n")
        if self.kept:
            said += f"\nThe text is kept in {self.kept}: start Workbench again, and it is there."
        if said:
            telling = threading.Thread(target=_tell, args=(f"{said}\n",), daemon=True)
            telling.start()
            telling.join(_PATIENCE_SECONDS)


def _report(error: BaseException) -> str:
    """Add the traceback to this process's file; returns the file, or why there is none."""
    said = (
        f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S %z}, Workbench {__version__}, "
        f"Python {platform.python_version()}, {platform.platform()}\n"
        f"{''.join(traceback.format_exception(error))}\n"
    )
    try:
        file = paths.crash_report()
        with file.open("a", encoding="utf-8", errors="replace") as report:
            report.write(without_controls(said))
    except OSError as failed:
        return f"no file: {failed}"
    return str(file)


def _tell(text: str) -> None:
    try:
        os.write(2, text.encode("utf-8", "replace"))
    except OSError:
        return
