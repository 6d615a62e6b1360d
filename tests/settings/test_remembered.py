"""What the app remembers of the screen."""

from __future__ import annotations

from pathlib import Path

from workbench.settings import remembered
from workbench.settings.remembered import Remembered


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "screen.toml"
    state = Remembered(theme="a", theme_over="b", hidden=("browser",), widths={"browser": 40})
    remembered.save(file, state)
    assert remembered.load(file) == state
    assert [each.name for each in file.parent.iterdir()] == ["screen.toml"]


def test_a_missing_or_damaged_file_says_nothing(tmp_path: Path) -> None:
    file = tmp_path / "screen.toml"
    assert remembered.load(file) == Remembered()
    for text in ("theme = ", "theme = 5", "\x00"):
        file.write_text(text)
        assert remembered.load(file) == Remembered()
