from __future__ import annotations

import pytest

from tests.pictures import PICTURES, Picture, taken, words_of
from workbench.parameters.table import TABLE

_FIXED = {
    "workbench": [
        *(parameter.key for parameter in TABLE[:6]),  # no window has room for them all
        *("Models", "Chat with pocket", "Parameters", "Stats", "tokens/s", "You"),
        *("first token", "context", "between tokens", "F1", "Help", "^q", "Quit"),
    ],
    "narrow": ["Chat with pocket", "You", "What is temperature?", "context", "F2", "Models"],
    "lanes": ["temperature 0", "temperature 1.5", "together", "ended", "F12", "Blind"],
    "themes": ["shipped", "ansi-dark", "high-contrast", "paper", "Textual's own"],
}


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
async def test_a_picture_in_the_readme_shows_the_app_as_it_is(picture: Picture) -> None:
    now = words_of(await taken(picture))
    shown = words_of(picture.file.read_text(encoding="utf-8"))
    for words in _FIXED[picture.name]:
        assert words in now, words
        assert words in shown, f"{words}: take the pictures again, python -m tests.pictures"
