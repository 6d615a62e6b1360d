"""Every shipped theme can be read."""

from __future__ import annotations

import pytest
from textual.color import Color
from textual.design import ColorSystem

from workbench.screens.look import as_theme
from workbench.settings import paths, themes
from workbench.settings.themes import VARIABLES, ThemeFile

SHIPPED = {file.name: file for file in themes.load_folders([paths.shipped_themes()])[0].values()}
COLOURED = [file for file in SHIPPED.values() if not file.ansi]
MEANINGS = ["primary", "secondary", "accent", "success", "warning", "error"]
CODE = [f"text-{each}" for each in MEANINGS]


def luminance(colour: Color) -> float:
    """WCAG 2.1, relative luminance."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in colour.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Color, other: Color) -> float:
    """WCAG 2.1, contrast ratio: 1 to 21."""
    dark, bright = sorted((luminance(one), luminance(other)))
    return (bright + 0.05) / (dark + 0.05)


class Drawn:
    """A theme's variables, drawn on one of them."""

    def __init__(self, file: ThemeFile) -> None:
        self._variables = as_theme(file).to_color_system().generate()

    def colour(self, name: str) -> Color:
        return Color.parse(self._variables[name])

    def contrast(self, text: str, ground: str, *, part: float | None = None) -> float:
        """``part`` is how much of ``ground`` lies on the background."""
        on = self.colour(ground)
        if part is not None:
            on = on.with_alpha(part)
        below = self.colour("background") + on
        return contrast(below + self.colour(text), below)


def test_the_measure_is_that_of_wcag() -> None:
    assert contrast(Color(0, 0, 0), Color(255, 255, 255)) == pytest.approx(21)
    assert contrast(Color(119, 119, 119), Color(255, 255, 255)) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("file", COLOURED, ids=lambda file: file.name)
def test_text_can_be_read_wherever_it_lies(file: ThemeFile) -> None:
    drawn = Drawn(file)
    least = 7 if file.name.startswith("high-contrast") else 4.5
    found = {
        (text, ground): drawn.contrast(text, ground)
        for ground in ("background", "surface")
        for text in ("foreground", "foreground-muted", *MEANINGS, *CODE)
    }
    # Rows under the cursor, toasts, the footer; the cursor of the focused list; a selection.
    found |= {
        (text, ground): drawn.contrast(text, ground)
        for ground in ("panel", "panel-lighten-1", "input-selection-background")
        for text in ("foreground",)
    }
    found["foreground", "cursor"] = drawn.contrast("foreground", "primary", part=0.3)
    assert {pair: round(ratio, 2) for pair, ratio in found.items() if ratio < least} == {}


@pytest.mark.parametrize("file", COLOURED, ids=lambda file: file.name)
def test_quiet_text_and_marks_can_be_seen_under_the_cursor(file: ThemeFile) -> None:
    drawn = Drawn(file)
    found = {
        (text, ground): drawn.contrast(text, ground, part=part)
        for ground, part in (("panel", None), ("primary", 0.3))
        for text in ("foreground-muted", "accent", "success")
    }
    found["footer-key-foreground", "footer-background"] = drawn.contrast(
        "footer-key-foreground", "footer-background"
    )
    # The border of the pane that has the focus.
    found["primary", "background"] = drawn.contrast("primary", "background")
    assert {pair: round(ratio, 2) for pair, ratio in found.items() if ratio < 3} == {}


@pytest.mark.parametrize("name", ["high-contrast", "high-contrast-light"])
def test_with_high_contrast_the_lines_between_panes_are_seen_too(name: str) -> None:
    assert Drawn(SHIPPED[name]).contrast("panel", "background") >= 2


def test_no_meaning_hangs_on_red_or_green_alone() -> None:
    # Viénot, Brettel and Mollon (1999): what a person without red or green cones sees of a
    # colour, in linear light.
    lacks = {
        "red": ((0.11238, 0.88762, 0.0), (0.11238, 0.88762, 0.0), (0.00401, -0.00401, 1.0)),
        "green": ((0.29275, 0.70725, 0.0), (0.29275, 0.70725, 0.0), (-0.02234, 0.02234, 1.0)),
    }

    def seen(colour: Color, lack: str) -> tuple[float, ...]:
        linear = [part**2.2 for part in colour.normalized]
        return tuple(
            max(0.0, sum(a * b for a, b in zip(row, linear, strict=True))) ** (1 / 2.2)
            for row in lacks[lack]
        )

    colours = SHIPPED["colour-blind-safe"].colours
    told = [colours.success, colours.warning, colours.error, colours.foreground]
    for lack in lacks:
        for index, one in enumerate(told):
            for other in told[index + 1 :]:
                pair = (seen(Color.parse(each), lack) for each in (one, other))
                apart = sum((a - b) ** 2 for a, b in zip(*pair, strict=True)) ** 0.5
                assert apart > 0.25, (lack, one, other, round(apart, 2))


def test_themes_may_set_only_what_textual_knows() -> None:
    assert VARIABLES.keys() <= ColorSystem("#000000").generate().keys()
