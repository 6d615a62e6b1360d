"""The README's pictures, taken from the running app: ``python -m tests.pictures``."""

from __future__ import annotations

import asyncio
import html
import os
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from textual.pilot import Pilot

from tests.waiting import wait_until
from workbench.app import WorkbenchApp
from workbench.screens.lanes.screen import LanesScreen
from workbench.screens.themes import ThemeScreen
from workbench.screens.workbench import WorkbenchScreen

FOLDER: Final = Path(__file__).parent / "pictures"

_QUESTIONS: Final = ("Who are you?", "What is temperature?", "Tell me a story about a fox.")


class Picture(NamedTuple):
    """The app after some questions and keys, in a terminal of this size.

    ``lanes`` are asked side by side then.
    """

    name: str
    size: tuple[int, int]
    questions: tuple[str, ...] = _QUESTIONS
    keys: tuple[str, ...] = ()
    lanes: tuple[str, ...] = ()

    @property
    def file(self) -> Path:
        """Where it is kept."""
        return FOLDER / f"{self.name}.svg"


PICTURES: Final = (
    Picture("workbench", (120, 40)),
    Picture("narrow", (80, 24), _QUESTIONS[:2]),
    # From the present theme up to "paper", which is shown at once.
    Picture("themes", (120, 34), _QUESTIONS[:2], ("f8", "up")),
    Picture("lanes", (120, 36), (), ("f6",), ("/sweep temperature 0 1.5 4", _QUESTIONS[2])),
)


def words_of(svg: str) -> str:
    """The text in a picture, pieces parted by spaces."""
    pieces = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    return " ".join(html.unescape(piece).replace("\xa0", " ").strip() for piece in pieces)


async def taken(picture: Picture) -> str:
    """The picture as SVG."""
    app = WorkbenchApp(model="pocket", values={"temperature": 0.6, "seed": 2}, begin="new")
    async with app.run_test(size=picture.size) as pilot:
        await wait_until(lambda: isinstance(app.screen, WorkbenchScreen), "a screen")
        screen = app.screen
        assert isinstance(screen, WorkbenchScreen)
        await wait_until(lambda: screen.model_is_loaded, "a model")
        for question in picture.questions:
            screen.chat.prompt.insert(question)
            await pilot.press("enter")
            await wait_until(lambda: screen.stats.phase == "idle", "an answer")
        await pilot.press(*picture.keys)
        if picture.lanes:
            await _ask_lanes(app, pilot, picture.lanes)
        # The last figures, and a look at a theme, come a little later.
        await wait_until(lambda: not any(each.group == "usage" for each in app.workers), "figures")
        if isinstance(app.screen, ThemeScreen):
            await wait_until(lambda: app.theme != "workbench-dark", "a look")
        await pilot.pause()
        return app.export_screenshot(title="workbench", simplify=True)


async def _ask_lanes(app: WorkbenchApp, pilot: Pilot[None], prompts: tuple[str, ...]) -> None:
    await wait_until(lambda: isinstance(app.screen, LanesScreen), "lanes")
    screen = app.screen
    assert isinstance(screen, LanesScreen)
    for prompt in prompts:
        screen.prompt.load_text(prompt)
        await pilot.press("enter")
        await pilot.pause()
        await wait_until(lambda: not screen.answering, "the lanes' answers")


def main() -> None:
    """Take the pictures anew."""
    if os.environ.get("TEXTUAL_COLOR_SYSTEM") != "truecolor":
        # Textual has read its settings already; nor is a person's own theme meant.
        with TemporaryDirectory() as home:
            ours = {"HOME": home, "FORCE_COLOR": "1", "TEXTUAL_COLOR_SYSTEM": "truecolor"}
            ours |= {"TEXTUAL_ANIMATIONS": "none", "TERM": "xterm-256color"}
            command = [sys.executable, "-m", "tests.pictures"]
            subprocess.run(command, env={**os.environ, **ours}, check=True)
        return
    FOLDER.mkdir(exist_ok=True)
    for picture in PICTURES:
        picture.file.write_text(asyncio.run(taken(picture)), encoding="utf-8")
        print(picture.file)


if __name__ == "__main__":
    main()
