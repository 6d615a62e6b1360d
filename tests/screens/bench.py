"""The running app, and short ways to what a person sees of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from textual import events
from textual.pilot import Pilot
from textual.screen import Screen

from tests.waiting import wait_until
from workbench.app import WorkbenchApp
from workbench.parameters.kinds import Values
from workbench.screens.opening import Begin
from workbench.screens.workbench import WorkbenchScreen

_Screen = TypeVar("_Screen", bound=Screen[Any])


class Bench:
    """The running app and short ways to what a person sees of it."""

    def __init__(self, app: WorkbenchApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def screen(self) -> WorkbenchScreen:
        return next(each for each in self.app.screen_stack if isinstance(each, WorkbenchScreen))

    @property
    def said(self) -> str:
        return self.screen.chat.transcript.text

    def says(self, text: str) -> bool:
        """Whether the transcript says ``text``, however its lines are broken."""
        return "".join(text.split()) in "".join(self.said.split())

    @property
    def engine_pid(self) -> int:
        pid = self.screen.engine.pid
        assert pid is not None
        return pid

    async def ask(self, text: str) -> None:
        """Type ``text`` into the prompt and send it."""
        self.screen.chat.prompt.focus()
        self.screen.chat.prompt.insert(text)
        await self.pilot.press("enter")

    def at_once(self, *keys: str) -> None:
        """Keys that come in one piece, as over a slow line."""
        for key in keys:
            character = "/" if key == "slash" else key if len(key) == 1 else None
            self.app.post_message(events.Key(key, character))

    async def opened(self, kind: type[_Screen], *keys: str) -> _Screen:
        """The screen of this kind that ``keys`` open."""
        await self.pilot.press(*keys)
        await wait_until(lambda: isinstance(self.app.screen, kind), kind.__name__)
        screen = self.app.screen
        assert isinstance(screen, kind)
        return screen

    async def go_to(self, key: str) -> None:
        """Put the parameter pane's cursor on a parameter."""
        # From the pane itself the key would hide it.
        if not self.screen.parameters.has_focus_within:
            await self.pilot.press("f3")
        self.screen.parameters.go_to(key)
        await self.pilot.pause()

    async def idle(self) -> None:
        await wait_until(lambda: self.screen.stats.phase == "idle", "the engine to be idle")
        await self.pilot.pause()

    async def phase(self, phase: str) -> None:
        await wait_until(lambda: self.screen.stats.phase.startswith(phase), phase)

    def toasts(self) -> list[str]:
        return [note.message for note in self.app._notifications]


@asynccontextmanager
async def bench(
    model: str | Path = "pocket",
    values: Values | None = None,
    size: tuple[int, int] = (120, 40),
    begin: Begin = "where it was",
) -> AsyncIterator[Bench]:
    """The app with ``model`` loaded; ``begin`` as for the app."""
    app = WorkbenchApp(model=str(model), values=values or {}, begin=begin)
    async with app.run_test(size=size, notifications=True) as pilot:
        opened = Bench(app, pilot)
        await wait_until(
            lambda: any(isinstance(each, WorkbenchScreen) for each in app.screen_stack), "a screen"
        )
        await wait_until(
            lambda: opened.screen.stats.phase == "idle" and opened.screen.model_is_loaded, "a model"
        )
        await pilot.pause()
        yield opened
