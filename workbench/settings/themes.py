"""Themes as TOML files: read and checked here, turned into colours by the app."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

_EIGHT: Final = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")

ANSI_COLOURS: Final = (
    "ansi_default",
    *(f"ansi_{colour}" for colour in _EIGHT),
    *(f"ansi_bright_{colour}" for colour in _EIGHT),
)

# Textual's names for what the ten colours do not settle, as far as a theme may set them.
VARIABLES: Final[Mapping[str, Literal["colour", "style"]]] = {
    "block-cursor-background": "colour",
    "block-cursor-foreground": "colour",
    "block-cursor-text-style": "style",
    "border": "colour",
    "border-blurred": "colour",
    "footer-background": "colour",
    "footer-description-foreground": "colour",
    "footer-key-foreground": "colour",
    "foreground-muted": "colour",
    "input-cursor-background": "colour",
    "input-cursor-foreground": "colour",
    "input-cursor-text-style": "style",
    "input-selection-background": "colour",
    "input-selection-foreground": "colour",
    "screen-selection-background": "colour",
    "screen-selection-foreground": "colour",
    "scrollbar": "colour",
    "scrollbar-active": "colour",
    "scrollbar-background": "colour",
    "scrollbar-hover": "colour",
}

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_RGB: Final = re.compile(r"#[0-9a-fA-F]{6}")
_STYLE: Final = re.compile(
    r"none|(not )?(bold|dim|italic|reverse|underline)( (not )?(bold|dim|italic|reverse|underline))*"
)


class ThemeError(ValueError):
    """A theme file cannot be used; the message names the file and what is wrong."""


class ThemeColours(msgspec.Struct, frozen=True, kw_only=True):
    """A theme's colours: ``#rrggbb``, or in an ansi theme the terminal's own as ``ansi_blue``."""

    primary: str
    secondary: str
    accent: str
    foreground: str
    background: str
    surface: str
    panel: str
    success: str
    warning: str
    error: str


class ThemeFile(msgspec.Struct, frozen=True, kw_only=True):
    """One theme. ``ansi`` themes use the terminal's own sixteen colours, and no others."""

    name: str
    dark: bool
    ansi: bool = False
    colours: ThemeColours
    variables: dict[str, str] = {}


def load(file: Path) -> ThemeFile:
    """Read one theme file; raises ThemeError."""
    try:
        written = msgspec.toml.decode(file.read_bytes(), type=dict[str, Any])
    except (OSError, ValueError) as error:
        raise ThemeError(f"{file} cannot be read: {error}") from error
    wrong = list(_mistakes(written))
    if wrong:
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        raise ThemeError(f"{file}: {wrong[0]}{more}.")
    return msgspec.convert(written, ThemeFile)


def load_folders(
    folders: Iterable[Path],
) -> tuple[dict[Path, ThemeFile], dict[Path, str]]:
    """Read the themes of several folders.

    Returns the good ones and a sentence for each bad one. A later folder's theme is meant to
    take the place of an earlier one's of the same name.
    """
    themes: dict[Path, ThemeFile] = {}
    complaints: dict[Path, str] = {}
    for folder in folders:
        names: dict[str, Path] = {}
        for file in _files(folder):
            try:
                theme = load(file)
            except ThemeError as error:
                complaints[file] = str(error)
                continue
            if theme.name in names:
                other = names[theme.name].name
                complaints[file] = f"{file}: name '{theme.name}' is that of {other} already."
                continue
            names[theme.name] = file
            themes[file] = theme
    return themes, complaints


def stamps(folder: Path) -> dict[Path, tuple[int, int, int]]:
    """By what one sees whether a file of the folder has been saved, behind links as well."""
    seen = {}
    for file in _files(folder):
        with suppress(OSError):
            status = file.stat()
            seen[file] = (status.st_mtime_ns, status.st_size, status.st_ino)
    return seen


def _files(folder: Path) -> list[Path]:
    """The theme files; what editors put beside them begins with a dot."""
    return sorted(file for file in folder.glob("*.toml") if not file.name.startswith("."))


def _mistakes(written: Mapping[str, Any]) -> Iterator[str]:
    yield from _unknown("", written, ThemeFile.__struct_fields__)
    if not isinstance(name := written.get("name"), str) or not _NAME.fullmatch(name):
        yield _taken("name", "a name of letters, digits, - and _", name)
    if not isinstance(dark := written.get("dark"), bool):
        yield _taken("dark", "true or false", dark)
    if not isinstance(ansi := written.get("ansi", False), bool):
        yield _taken("ansi", "true or false", ansi)
    ansi = ansi is True
    colours = written.get("colours")
    if not isinstance(colours, dict):
        yield _taken("colours", "a table of colours", colours)
    else:
        names = ThemeColours.__struct_fields__
        yield from _unknown("colours.", colours, names)
        for key in names:
            yield from _colour(f"colours.{key}", colours.get(key), ansi=ansi)
    variables = written.get("variables", {})
    if not isinstance(variables, dict):
        yield _taken("variables", "a table", variables)
    else:
        yield from _unknown("variables.", variables, VARIABLES)
        for key, value in variables.items():
            kind = VARIABLES.get(key)
            if kind == "colour":
                yield from _colour(f"variables.{key}", value, ansi=ansi)
            elif kind == "style" and not (isinstance(value, str) and _STYLE.fullmatch(value)):
                words = "'none' or words such as 'bold', 'reverse', 'underline'"
                yield _taken(f"variables.{key}", words, value)


def _unknown(table: str, written: Mapping[str, Any], known: Collection[str]) -> Iterator[str]:
    for key in [key for key in written if key not in known]:
        near = get_close_matches(key, known, n=1)
        hint = f"did you mean '{near[0]}'" if near else f"there are {', '.join(known)}"
        yield f"there is no key '{table}{key}'; {hint}" + ("?" if near else "")


def _colour(key: str, value: object, *, ansi: bool) -> Iterator[str]:
    if not ansi:
        if not isinstance(value, str) or not _RGB.fullmatch(value):
            named = isinstance(value, str) and value.startswith("ansi_")
            hint = "; the terminal's own colours are for themes with ansi = true" if named else ""
            yield _taken(key, "a colour as #rrggbb", value) + hint
    elif value not in ANSI_COLOURS:
        near = get_close_matches(str(value), ANSI_COLOURS, n=1)
        hint = f"; did you mean '{near[0]}'?" if near else f": {', '.join(ANSI_COLOURS)}"
        yield _taken(key, "one of the terminal's own colours", value) + hint


def _taken(key: str, takes: str, value: object) -> str:
    if value is None:
        return f"{key} is missing; it takes {takes}"
    return f"{key} takes {takes}, not {value!r:.40}"
