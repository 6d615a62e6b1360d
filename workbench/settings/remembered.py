"""What the app remembers of how a person left the screen; it is no setting."""

from __future__ import annotations

from pathlib import Path

import msgspec
import tomli_w

from workbench import whole


class Remembered(msgspec.Struct, frozen=True, kw_only=True):
    """The state of the screen.

    ``theme`` was chosen in the app while ``config.toml`` asked for ``theme_over``: once that
    says something else, it is the newer wish. ``hidden`` names panes, ``widths`` are columns
    by pane, where they differ from the layout's own. ``conversation`` is the one that was open,
    0 if that was a new one.
    """

    theme: str = ""
    theme_over: str = ""
    hidden: tuple[str, ...] = ()
    widths: dict[str, int] = {}
    conversation: int = 0


def load(file: Path) -> Remembered:
    """What ``file`` says; a file that is missing or damaged says nothing."""
    try:
        return msgspec.toml.decode(file.read_bytes(), type=Remembered)
    except (OSError, ValueError):
        return Remembered()


def save(file: Path, remembered: Remembered) -> None:
    """Write all of it or nothing. Raises OSError."""
    whole.write(file, tomli_w.dumps(msgspec.to_builtins(remembered)))
