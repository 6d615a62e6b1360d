"""The README's picture, taken from the running app: ``python -m tests.pictures``."""

from __future__ import annotations

import asyncio
import html
import os
import re
from pathlib import Path
from typing import Final

from tests.waiting import wait_until
from workbench.app import WorkbenchApp
from workbench.screens.workbench import WorkbenchScreen

PICTURE: Final = Path(__file__).parent / "pictures" / "workbench.svg"

_QUESTIONS: Final = ("Who are you?", "What is temperature?", "Tell me a story about a fox.")


def words_of(svg: str) -> str:
    """The text in a picture, pieces parted by spaces."""
    pieces = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    return " ".join(html.unescape(piece).replace("\xa0", " ").strip() for piece in pieces)


async def taken() -> str:
    """The app after a short conversation, as SVG."""
    app = WorkbenchApp(model="pocket", values={"temperature": 0.6, "seed": 4})
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_until(lambda: isinstance(app.screen, WorkbenchScreen), "a screen")
        screen = app.screen
        assert isinstance(screen, WorkbenchScreen)
        await wait_until(lambda: screen.model_is_loaded, "a model")
        for question in _QUESTIONS:
            screen.chat.prompt.insert(question)
            await pilot.press("enter")
            await wait_until(lambda: screen.stats.phase == "idle", "an answer")
        await pilot.pause()
        return app.export_screenshot(title="workbench", simplify=True)


def main() -> None:
    """Take the picture anew."""
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(asyncio.run(taken()), encoding="utf-8")
    print(PICTURE)


if __name__ == "__main__":
    main()
