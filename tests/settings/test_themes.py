from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import pytest

from workbench.settings import paths, themes
from workbench.settings.themes import ThemeError

THEME = (paths.shipped_themes() / "workbench-dark.toml").read_text()
ANSI = (paths.shipped_themes() / "ansi-dark.toml").read_text()


def test_the_shipped_themes_are_good_and_of_every_kind() -> None:
    found, complaints = themes.load_folders([paths.shipped_themes()])
    assert complaints == {}
    assert {file.stem for file in found} == {theme.name for theme in found.values()}
    assert {"ansi-dark", "ansi-light", "high-contrast", "colour-blind-safe"} <= {
        theme.name for theme in found.values()
    }
    kinds = {
        ("ansi" if theme.ansi else "dark" if theme.dark else "light") for theme in found.values()
    }
    assert kinds == {"ansi", "dark", "light"}
    assert len(found) >= 8


def test_a_persons_theme_comes_after_the_shipped_one_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(THEME.replace("#7aa2c8", "#ff0000"))
    found, complaints = themes.load_folders([paths.shipped_themes(), tmp_path])
    assert complaints == {}
    by_name = {theme.name: theme for theme in found.values()}
    assert by_name["workbench-dark"].colours.primary == "#ff0000"


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        (
            'primary = "#7aa2c8"',
            'primary = "blueish"',
            "colours.primary takes a colour as #rrggbb, not 'blueish'.",
        ),
        (
            'primary = "#7aa2c8"',
            'primary = "ansi_blue"',
            "not 'ansi_blue'; the terminal's own colours are for themes with ansi = true.",
        ),
        ('primary = "#7aa2c8"', "", "colours.primary is missing; it takes a colour as #rrggbb."),
        ("dark = true", "dark = 1", "dark takes true or false, not 1."),
        ("dark = true", "dark = true\nansi = 'no'", "ansi takes true or false, not 'no'."),
        ("dark = true", "dork = true", "no key 'dork'; did you mean 'dark'? (and 1 more)."),
        ("[colours]", "[colors]", "there is no key 'colors'; did you mean 'colours'?"),
        ("error =", "eror =", "there is no key 'colours.eror'; did you mean 'error'?"),
        ('name = "workbench-dark"', 'name = "my theme, blue"', "name takes a name of letters"),
        ("dark = true", "dark = true\ndark = false", "cannot be read: "),
        ("[colours]", "colours = 3\n[variables]", "colours takes a table of colours, not 3"),
        (
            "[colours]",
            "[variables]\nbordr = '#123456'\n[colours]",
            "there is no key 'variables.bordr'; did you mean 'border'?",
        ),
        (
            "[colours]",
            "[variables]\nborder = 'red 50%'\n[colours]",
            "variables.border takes a colour as #rrggbb, not 'red 50%'",
        ),
        (
            "[colours]",
            "[variables]\nblock-cursor-text-style = 'blod'\n[colours]",
            "variables.block-cursor-text-style takes 'none' or words such as 'bold'",
        ),
    ],
)
def test_a_bad_theme_names_file_and_key_and_what_is_allowed(
    tmp_path: Path, before: str, after: str, complaint: str
) -> None:
    file = tmp_path / "bad.toml"
    assert before in THEME
    file.write_text(THEME.replace(before, after))
    with pytest.raises(ThemeError) as error:
        themes.load(file)
    assert str(file) in str(error.value)
    assert complaint in str(error.value)


@pytest.mark.parametrize(
    ("colour", "complaint"),
    [
        ("ansi_bleu", "primary takes one of the terminal's own colours, not 'ansi_bleu'; did you"),
        ("#7aa2c8", "not '#7aa2c8': ansi_default, ansi_black, ansi_red"),
    ],
)
def test_an_ansi_theme_has_only_the_terminals_own_colours(
    tmp_path: Path, colour: str, complaint: str
) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(ANSI.replace("ansi_bright_blue", colour))
    with pytest.raises(ThemeError, match="primary") as error:
        themes.load(file)
    assert complaint in str(error.value)


def test_one_bad_theme_costs_nobody_the_others_and_is_complained_of_once(tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text("name = 1")
    (tmp_path / "good.toml").write_text(THEME)
    (tmp_path / "same.toml").write_text(THEME)
    (tmp_path / ".#good.toml").symlink_to("an.editors.lock")
    found, complaints = themes.load_folders([tmp_path, tmp_path / "nowhere"])
    assert list(found) == [tmp_path / "good.toml"]
    assert set(complaints) == {bad, tmp_path / "same.toml"}
    assert (
        "name 'workbench-dark' is that of good.toml already" in complaints[tmp_path / "same.toml"]
    )


def test_every_way_to_save_leaves_another_stamp(tmp_path: Path) -> None:
    folder = tmp_path / "themes"
    assert themes.stamps(folder) == {}
    folder.mkdir()
    elsewhere = tmp_path / "dotfiles.toml"
    elsewhere.write_text(THEME)
    file, link = folder / "mine.toml", folder / "link.toml"
    file.write_text(THEME)
    link.symlink_to(elsewhere)
    (folder / "broken.toml").symlink_to(tmp_path / "nowhere")
    seen = [themes.stamps(folder)]
    assert set(seen[0]) == {file, link}
    # In place, as nano does; by another file of its name, as vim does; behind a link.
    with file.open("a") as written:
        written.write("#")
    seen.append(themes.stamps(folder))
    status = file.stat()
    (folder / "new").write_text(file.read_text())
    os.utime(folder / "new", ns=(status.st_atime_ns, status.st_mtime_ns))
    (folder / "new").replace(file)
    seen.append(themes.stamps(folder))
    elsewhere.write_text(THEME + "#")
    seen.append(themes.stamps(folder))
    for before, after in pairwise(seen):
        assert before != after
    assert themes.stamps(folder) == seen[-1]
