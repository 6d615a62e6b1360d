from __future__ import annotations

from tests.pictures import PICTURE, taken, words_of
from workbench.parameters.table import TABLE


async def test_the_picture_in_the_readme_shows_the_app_as_it_is() -> None:
    now, shown = words_of(await taken()), words_of(PICTURE.read_text(encoding="utf-8"))
    fixed = [parameter.key for parameter in TABLE[:8]]  # no window has room for them all
    fixed += ["Models", "Chat with pocket", "Parameters", "Stats", "tokens/s", "You"]
    fixed += ["first token", "context", "f1 ", "Help", "^q ", "Quit"]
    for words in fixed:
        assert words.strip() in now, words
        assert words.strip() in shown, f"{words}: take the picture again, python -m tests.pictures"
