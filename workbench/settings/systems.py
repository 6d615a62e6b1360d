"""A small library of system prompts: one TOML file, which people may write in, too.

Each prompt is a text under its name::

    reviewer = "You review code. Be brief, and name the line."
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
import tomli_w

from workbench import whole
from workbench.untrusted import without_controls


class SystemsError(ValueError):
    """The library cannot be read or written; the message says why."""


def load(file: Path) -> dict[str, str]:
    """The prompts by their names, in alphabetical order. Raises SystemsError."""
    try:
        found = msgspec.toml.decode(file.read_bytes(), type=dict[str, str])
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SystemsError(f"{file} cannot be read: {error}") from error
    prompts = {without_controls(name): without_controls(text) for name, text in found.items()}
    return dict(sorted(prompts.items(), key=lambda each: each[0].casefold()))


def save(file: Path, prompts: Mapping[str, str]) -> None:
    """Write all of it or nothing. Raises SystemsError."""
    try:
        whole.write(file, tomli_w.dumps(dict(prompts), multiline_strings=True))
    except OSError as error:
        raise SystemsError(f"{file} cannot be written: {error.strerror or error}") from error
