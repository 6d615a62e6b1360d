"""The app with mistakes in it: ``python -m tests.steady.failing_app [WHERE]``.

F9 fails in an action, F10 in a worker, F11 hangs for good; WHERE is ``constructor`` or
``mount``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path, PurePath
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.worker import Worker

import workbench.app
from workbench.app import WorkbenchApp
from workbench.steady.app import run_steadily
from workbench.terminal import line


class FailingApp(WorkbenchApp):
    """Fails where it is told to."""

    # Textual looks for them beside the class.
    CSS_PATH: ClassVar[list[str | PurePath]] = [
        Path(workbench.app.__file__).parent / file for file in WorkbenchApp.CSS_PATH
    ]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f9", "fail", priority=True),
        Binding("f10", "fail_in_worker", priority=True),
        Binding("f11", "hang", priority=True),
    ]
    where: ClassVar[str] = ""

    def __init__(self) -> None:
        super().__init__(model="pocket", values={}, line=line.choose(os.environ))
        if self.where == "constructor":
            self.action_fail()

    async def on_mount(self) -> None:
        if self.where == "mount":
            self.action_fail()

    def action_fail(self) -> None:
        secret = "not for the screen"
        raise RuntimeError(f"a mistake\x1b[2J of ours, {len(secret)} long")

    def action_fail_in_worker(self) -> Worker[None]:
        return self.run_worker(self._fail(), group="failing")

    async def _fail(self) -> None:
        self.action_fail()

    def action_hang(self) -> None:
        while True:
            pass


if __name__ == "__main__":
    FailingApp.where = (sys.argv[1:] or [""])[0]
    sys.exit(run_steadily(FailingApp))
