from __future__ import annotations

from pathlib import Path

import pytest

from workbench.settings import paths, themes
from workbench.settings.themes import ThemeError

THEME = (paths.shipped_themes() / "workbench-dark.toml").read_text()


def test_the_shipped_themes_are_good_and_of_every_kind() -> None:
    found, complaints = themes.load_folders([paths.shipped_themes()])
    assert complaints == []
    kinds = {("ansi" if theme.ansi else "dark" if theme.dark else "light") for theme in found}
    assert kinds == {"ansi", "dark", "light"}


def test_a_persons_theme_takes_the_place_of_a_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(THEME.replace("#7aa2c8", "#ff0000"))
    found, _ = themes.load_folders([paths.shipped_themes(), tmp_path])
    [dark] = [theme for theme in found if theme.name == "workbench-dark"]
    assert dark.colours.primary == "#ff0000"


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ('primary = "#7aa2c8"', 'primary = "blueish"', "$.colours.primary"),
        ('primary = "#7aa2c8"', "", "primary"),
        ("dark = true", "dark = 1", "$.dark"),
        ("[colours]", "[colors]", "colors"),
    ],
)
def test_a_bad_theme_names_file_and_key(
    tmp_path: Path, before: str, after: str, complaint: str
) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(THEME.replace(before, after))
    with pytest.raises(ThemeError) as error:
        themes.load(file)
    assert str(file) in str(error.value)
    assert complaint in str(error.value)


def test_one_bad_theme_costs_nobody_the_others(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("name = 1")
    (tmp_path / "good.toml").write_text(THEME)
    found, complaints = themes.load_folders([tmp_path])
    assert [theme.name for theme in found] == ["workbench-dark"]
    assert len(complaints) == 1
