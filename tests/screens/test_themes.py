"""Themes in the app: chosen, remembered, shown anew when they are saved."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.screens.bench import Bench, bench
from tests.waiting import wait_until
from workbench.screens.themes import ThemeScreen
from workbench.settings import paths, remembered
from workbench.settings.remembered import Remembered

MINE = (paths.shipped_themes() / "ember.toml").read_text().replace('"ember"', '"mine"')


@pytest.fixture
def own(config_folder: Path) -> Path:
    """A theme of the person's own."""
    file = config_folder / "themes" / "mine.toml"
    file.parent.mkdir()
    file.write_text(MINE)
    return file


async def opened(b: Bench) -> ThemeScreen:
    await b.pilot.press("f8")
    await b.pilot.pause()
    assert isinstance(b.app.screen, ThemeScreen)
    return b.app.screen


def colour(b: Bench) -> str:
    """What the transcript is drawn on."""
    return b.screen.chat.transcript.styles.background.hex.lower()


async def test_the_theme_under_the_cursor_is_in_force_at_once(own: Path) -> None:
    async with bench() as b:
        screen = await opened(b)
        assert screen.rows.highlighted_option is not None
        assert screen.rows.highlighted_option.id == "workbench-dark"
        await b.pilot.press("down")
        await wait_until(lambda: colour(b) == "#f6f5f1", "the colours behind the list")
        await b.pilot.press("escape")
        assert b.app.theme == "workbench-dark"
        assert not paths.remembered().exists()
        await b.pilot.pause()
        assert b.app.focused is b.screen.chat.prompt


async def test_the_list_says_where_themes_come_from(own: Path) -> None:
    async with bench() as b:
        screen = await opened(b)
        rows = [str(option.prompt).strip() for option in screen.rows.options]
        assert rows[:3] == ["yours", "mine", "shipped"]
        assert rows.index("shipped") < rows.index("● workbench-dark") < rows.index("Textual's own")
        # Ours of that name has taken its place.
        assert rows.count("ansi-dark") == 1
        assert rows.index("ansi-dark") < rows.index("Textual's own") < rows.index("nord")


async def test_a_theme_that_was_kept_lasts_until_the_configuration_changes(
    config_folder: Path,
) -> None:
    remembered.save(paths.remembered(), Remembered(hidden=("browser",)))
    async with bench() as b:
        await opened(b)
        await b.pilot.press("down", "enter")
        await b.pilot.pause()
        assert b.app.screen is b.screen
    kept = remembered.load(paths.remembered())
    assert kept == Remembered(theme="workbench-light", hidden=("browser",))
    async with bench() as b:
        assert b.app.theme == "workbench-light"
    # Newer than the choice.
    (config_folder / "config.toml").write_text("theme = 'paper'")
    async with bench() as b:
        assert b.app.theme == "paper"


async def test_a_kept_theme_that_is_gone_is_said() -> None:
    remembered.save(paths.remembered(), Remembered(theme="pepper"))
    async with bench() as b:
        assert b.app.theme == "workbench-dark"
        assert b.says("There is no theme 'pepper'; did you mean 'paper'?")


async def test_a_home_that_cannot_be_written_to_is_a_toast() -> None:
    file = paths.remembered()
    async with bench() as b:
        await opened(b)
        # The folder gives way to a file: nobody, root included, writes below it.
        for each in [*file.parent.rglob("*")][::-1]:
            each.rmdir() if each.is_dir() else each.unlink()
        file.parent.rmdir()
        file.parent.write_text("")
        await b.pilot.press("down", "enter")
        await b.pilot.pause()
        assert b.app.theme == "workbench-light"
        assert any("cannot be remembered" in toast for toast in b.toasts())


async def test_what_is_saved_of_the_theme_in_force_is_shown(own: Path, config_folder: Path) -> None:
    (config_folder / "config.toml").write_text("theme = 'mine'")
    async with bench() as b:
        assert colour(b) == "#1a1512"
        own.write_text(MINE.replace("#1a1512", "#001122"))
        await wait_until(lambda: colour(b) == "#001122", "the new colour")
        assert b.toasts() == []

        own.write_text(MINE.replace("#1a1512", "#00112"))
        await wait_until(b.toasts, "a complaint")
        [toast] = b.toasts()
        assert str(own) in toast
        assert "colours.background takes a colour as #rrggbb, not '#00112'" in toast
        assert colour(b) == "#001122"

        own.unlink()
        (own.parent / "new.toml").write_text(MINE.replace('"mine"', '"new"'))
        await wait_until(lambda: "new" in b.app.available_themes, "another theme")
        assert b.app.theme == "mine"
        assert colour(b) == "#001122"
        screen = await opened(b)
        assert [option.id for option in screen.rows.options][:2] == [None, "new"]
        await b.pilot.press("escape")


async def test_a_folder_of_themes_may_come_later(config_folder: Path) -> None:
    async with bench() as b:
        (config_folder / "themes").mkdir()
        (config_folder / "themes" / "mine.toml").write_text(MINE)
        await wait_until(lambda: "mine" in b.app.available_themes, "the theme")


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (60, 15)])
async def test_the_list_has_room_on_every_screen(size: tuple[int, int]) -> None:
    async with bench(size=size) as b:
        screen = await opened(b)
        assert screen.region.contains_region(screen.rows.region)
        assert screen.rows.region.height >= 5
