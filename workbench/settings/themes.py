"""Themes as TOML files: read and checked here, turned into colours by the app."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import msgspec

Colour = Annotated[str, msgspec.Meta(pattern=r"^(#[0-9a-fA-F]{6}|ansi_[a-z_]+)$")]


class ThemeError(ValueError):
    """A theme file cannot be used; the message names the file and what is wrong."""


class ThemeColours(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A theme's colours: ``#rrggbb``, or the terminal's own as ``ansi_blue``."""

    primary: Colour
    secondary: Colour
    accent: Colour
    foreground: Colour
    background: Colour
    surface: Colour
    panel: Colour
    success: Colour
    warning: Colour
    error: Colour


class ThemeFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One theme. ``ansi`` themes use the terminal's own sixteen colours."""

    name: str
    dark: bool
    ansi: bool = False
    colours: ThemeColours
    variables: dict[str, str] = {}


def load(file: Path) -> ThemeFile:
    """Read one theme file; raises ThemeError."""
    try:
        return msgspec.toml.decode(file.read_bytes(), type=ThemeFile)
    except (OSError, ValueError) as error:
        raise ThemeError(f"theme {file}: {error}") from error


def load_folders(folders: Iterable[Path]) -> tuple[list[ThemeFile], list[str]]:
    """Read the themes of several folders.

    Returns the good ones, a later folder's theme taking the place of an earlier one of the
    same name, and a sentence for each bad file.
    """
    themes: dict[str, ThemeFile] = {}
    complaints: list[str] = []
    for folder in folders:
        for file in sorted(folder.glob("*.toml")):
            try:
                theme = load(file)
            except ThemeError as error:
                complaints.append(str(error))
            else:
                themes[theme.name] = theme
    return list(themes.values()), complaints
