"""How the app looks: the themes there are, the one in force, what the terminal shows of it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Final

import msgspec
from textual.app import App
from textual.filter import Monochrome, NoColor
from textual.message import Message
from textual.theme import BUILTIN_THEMES, Theme

from workbench.screens.filters import Colourless, Faint
from workbench.settings import paths, remembered, themes
from workbench.settings.themes import ThemeFile

_DEFAULT: Final = "workbench-dark"
_FALLBACK: Final = "textual-dark"
# A poll of a small folder costs less than the threads of libraries that are told by the system.
_LOOK_SECONDS: Final = 2.0
_SETTLE_SECONDS: Final = 0.1


class ThemesSaved(Message):
    """Files in the folder of the person's own themes are new, other than before, or gone."""

    def __init__(self, files: Collection[Path]) -> None:
        super().__init__()
        self.files = files


class Look:
    """Registers the themes with the app and puts one of them in force."""

    def __init__(self, app: App[None]) -> None:
        self._app = app
        self._wanted = ""
        self._files: dict[Path, ThemeFile] = {}
        self._stamps: Mapping[Path, object] = {}
        self._faint = Faint(enabled=False)
        # Set but empty means nothing, says no-color.org; Textual thinks otherwise.
        app.no_color = bool(os.environ.get("NO_COLOR"))
        # Textual's own way without colours is many greys.
        app._filters = [
            *(each for each in app._filters if not isinstance(each, Monochrome | NoColor)),
            self._faint,
            *([Colourless()] if app.no_color else []),
        ]

    @property
    def only_ansi(self) -> bool:
        """Whether the terminal shows no more than sixteen colours."""
        few = self._app.console.color_system not in ("256", "truecolor")
        return self._app.no_color or (few and not self._app.is_headless)

    def start(self, wanted: str) -> list[str]:
        """Take the theme that ``config.toml`` asks for, or the one chosen since.

        Returns a sentence for everything that is wrong.
        """
        self._wanted = wanted
        self._stamps = themes.stamps(paths.user_themes())
        complaints = list(self._read().values())
        memory = remembered.load(paths.remembered())
        if memory.theme and memory.theme_over == wanted:
            wanted = memory.theme
        if wanted and wanted not in self._app.available_themes:
            near = get_close_matches(wanted, self._app.available_themes, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else "."
            complaints.append(f"There is no theme '{wanted}'{hint}")
            wanted = ""
        self.show(self._suited(wanted))
        return complaints

    def show(self, name: str) -> None:
        """Put a theme in force; one that is gone meanwhile is none."""
        theme = self._app.available_themes.get(name)
        if theme is not None:
            self._faint.enabled = theme.ansi
            self._app.theme = name

    def keep(self, name: str) -> None:
        """Remember the theme for the next start. Raises OSError."""
        file = paths.remembered()
        kept = msgspec.structs.replace(remembered.load(file), theme=name, theme_over=self._wanted)
        remembered.save(file, kept)

    def choices(self) -> Iterator[tuple[str, list[str]]]:
        """The names of the themes that the terminal can show, by where they come from."""
        own = {
            file.name for path, file in self._files.items() if path.parent == paths.user_themes()
        }
        shipped = {file.name for file in self._files.values()} - own
        for origin, names in (
            ("yours", own),
            ("shipped", shipped),
            ("Textual's own", set(BUILTIN_THEMES) - own - shipped),
        ):
            shown = sorted(name for name in names if self._shows(name))
            if shown:
                yield origin, shown

    async def watch(self) -> None:
        """Post ThemesSaved when themes are saved; never ends."""
        folder = paths.user_themes()
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            stamps = await asyncio.to_thread(themes.stamps, folder)
            if stamps == self._stamps:
                continue
            # An editor may not be through yet: half a file is no mistake of anyone's.
            while True:
                await asyncio.sleep(_SETTLE_SECONDS)
                later = await asyncio.to_thread(themes.stamps, folder)
                if later == stamps:
                    break
                stamps = later
            before, self._stamps = self._stamps, stamps
            self._app.post_message(
                ThemesSaved(
                    {
                        file
                        for file in before.keys() | stamps.keys()
                        if before.get(file) != stamps.get(file)
                    }
                )
            )

    def reload(self, files: Collection[Path]) -> list[str]:
        """Read the themes again; returns what is wrong with ``files``.

        A theme whose file is now wrong stays as it was, and so does the one in force when its
        file is gone.
        """
        before = self._app.current_theme
        complaints = self._read()
        if self._app.current_theme != before:
            self._faint.enabled = self._app.current_theme.ansi
            self._app.mutate_reactive(App.theme)
        return [complaint for file, complaint in complaints.items() if file in files]

    def _read(self) -> dict[Path, str]:
        found, wrong = themes.load_folders([paths.shipped_themes(), paths.user_themes()])
        kept = {file: self._files[file] for file in wrong if file in self._files}
        self._files = {**found, **kept}
        there = {**BUILTIN_THEMES}
        there.update((file.name, as_theme(file)) for file in self._files.values())
        for name in self._app.available_themes.keys() - there.keys() - {self._app.theme}:
            self._app.unregister_theme(name)
        for theme in there.values():
            self._app.register_theme(theme)
        return wrong

    def _shows(self, name: str) -> bool:
        theme = self._app.available_themes.get(name)
        return theme is not None and (theme.ansi or not self.only_ansi)

    def _suited(self, wanted: str) -> str:
        """``wanted``, or what the terminal can show instead."""
        theme = self._app.available_themes.get(wanted)
        if self.only_ansi:
            if theme is not None and theme.ansi:
                return wanted
            light = _light_background()
            if light is None:
                light = theme is not None and not theme.dark
            return "ansi-light" if light else "ansi-dark"
        if theme is not None:
            return wanted
        return _DEFAULT if _DEFAULT in self._app.available_themes else _FALLBACK


def as_theme(file: ThemeFile) -> Theme:
    """A theme file as Textual wants it."""
    colours = file.colours
    variables = file.variables
    if file.ansi:
        variables = {
            # Textual's own styles refer to variables that only its ansi themes define.
            **BUILTIN_THEMES["ansi-dark" if file.dark else "ansi-light"].variables,
            # It takes no panel from an ansi theme, and knows no ground that is half red.
            "panel": colours.panel,
            "error-muted": colours.background,
            **variables,
        }
    return Theme(
        name=file.name,
        dark=file.dark,
        ansi=file.ansi,
        primary=colours.primary,
        secondary=colours.secondary,
        accent=colours.accent,
        foreground=colours.foreground,
        background=colours.background,
        surface=colours.surface,
        panel=colours.panel,
        success=colours.success,
        warning=colours.warning,
        error=colours.error,
        variables=variables,
    )


def _light_background() -> bool | None:
    """What the terminal says of its background, if it does: ``COLORFGBG`` is ``0;15``."""
    ground = os.environ.get("COLORFGBG", "").rpartition(";")[2]
    return int(ground) in (7, *range(9, 16)) if ground.isdecimal() else None
