"""Presets: parameters under a name, one readable TOML file each.

A file holds only what differs from the defaults. ``models/NAME.toml`` in the folder is the
model file NAME's own preset and acts whenever that model is loaded.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import msgspec
import tomli_w

from workbench import whole
from workbench.parameters.kinds import ParameterError, Value, Values
from workbench.parameters.table import BY_KEY, checked

_OF_MODELS: Final = "models"
# What every file system takes, and no path in disguise.
_NAME: Final = re.compile(r"[^\x00-\x1f\x7f/\\.][^\x00-\x1f\x7f/\\]{0,99}")


class PresetError(ValueError):
    """A preset cannot be read or written; the message names it and what is wrong."""


def names(folder: Path) -> list[str]:
    """The presets in ``folder``, in alphabetical order."""
    return sorted((file.stem for file in folder.glob("*.toml")), key=str.casefold)


def load(folder: Path, name: str) -> dict[str, Value]:
    """The parameters of a preset. Raises PresetError."""
    file = _file(folder, name)
    if not file.is_file():
        known = ", ".join(names(folder)) or "there are none yet"
        raise PresetError(f"there is no preset '{name}' in {folder} ({known})")
    return _read(file)


def save(folder: Path, name: str, values: Values) -> None:
    """Write a preset, all of it or nothing. Raises PresetError."""
    _write(_file(folder, name), values)


def delete(folder: Path, name: str) -> None:
    """Remove a preset. Raises PresetError."""
    _remove(_file(folder, name))


def of_model(folder: Path, model: str) -> dict[str, Value]:
    """The own preset of the model file ``model`` (its stem); empty if it has none."""
    file = folder / _OF_MODELS / f"{model}.toml"
    return _read(file) if file.is_file() else {}


def save_of_model(folder: Path, model: str, values: Values) -> None:
    """Make ``values`` the model file's own preset; without values it has none any more.

    Raises PresetError.
    """
    file = folder / _OF_MODELS / f"{model}.toml"
    if values:
        _write(file, values)
    else:
        _remove(file)


def _file(folder: Path, name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise PresetError(f"'{name}' cannot be a preset's name: it becomes a file's name")
    return folder / f"{name}.toml"


def _read(file: Path) -> dict[str, Value]:
    try:
        return checked(msgspec.toml.decode(file.read_bytes(), type=dict[str, Any]))
    except ParameterError as error:
        raise PresetError(f"{file}: {error}") from error
    except (OSError, ValueError) as error:
        raise PresetError(f"cannot read {file}: {error}") from error


def _remove(file: Path) -> None:
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        raise PresetError(f"cannot remove {file}: {error.strerror}") from error


def _write(file: Path, values: Values) -> None:
    # In the table's order, so that a file reads like the pane.
    ordered = {key: values[key] for key in BY_KEY if key in values}
    text = tomli_w.dumps(
        {key: list(value) if isinstance(value, tuple) else value for key, value in ordered.items()},
        multiline_strings=True,
    )
    try:
        whole.write(file, text)
    except OSError as error:
        raise PresetError(f"cannot write {file}: {error.strerror}") from error
