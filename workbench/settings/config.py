"""``config.toml``: what a person may set, read strictly and never rewritten."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec

from workbench.terminal.line import COLORS, FPS_RANGE, Color
from workbench.untrusted import named_file


class Config(msgspec.Struct, frozen=True):
    """The keys of ``config.toml``, each with its default; no ``theme`` is one that suits.

    ``max_rate`` is for downloads, in MB a second, of which ``download_parts`` come at once.
    """

    theme: str = ""
    model_folders: list[str] = []
    keys: dict[str, str] = {}
    fps: int | None = None
    color: Color = "auto"
    mouse: bool = True
    max_rate: float | None = None
    download_parts: int = 4

    def folders(self) -> list[Path]:
        """``model_folders`` as absolute paths, ``~`` expanded."""
        return [named_file(folder).absolute() for folder in self.model_folders]


_KINDS: Mapping[str, tuple[Any, str]] = {
    "theme": (str, "a text"),
    "model_folders": (list[str], "a list of texts"),
    "keys": (dict[str, str], "a table of texts"),
    "fps": (
        Annotated[int, msgspec.Meta(ge=FPS_RANGE[0], le=FPS_RANGE[1])],
        "a whole number from {} to {}".format(*FPS_RANGE),
    ),
    "color": (Color, f"one of {', '.join(COLORS)}"),
    "mouse": (bool, "true or false"),
    # Infinity and what is no number are floats as well.
    "max_rate": (Annotated[float, msgspec.Meta(gt=0, le=1e6)], "a number of MB a second above 0"),
    "download_parts": (Annotated[int, msgspec.Meta(ge=1, le=16)], "a whole number from 1 to 16"),
}


def load(file: Path) -> tuple[Config, list[str]]:
    """The configuration, and sentences on what in ``file`` is wrong.

    A key that is wrong has its default; the others keep what the file says. A missing file
    is no mistake.
    """
    try:
        written = msgspec.toml.decode(file.read_bytes(), type=dict[str, Any])
    except FileNotFoundError:
        return Config(), []
    except (OSError, ValueError) as error:
        return Config(), [f"{file} cannot be read: {error}. The defaults are used."]
    good: dict[str, Any] = {}
    complaints = []
    for key, value in written.items():
        if key not in _KINDS:
            complaints.append(
                f"{file}: there is no setting '{key}'; there are {', '.join(_KINDS)}."
            )
            continue
        kind, words = _KINDS[key]
        if key == "keys" and isinstance(value, dict):
            value = dict(_flattened(value))
        try:
            good[key] = msgspec.convert(value, kind)
        except msgspec.ValidationError:
            complaints.append(f"{file}: {key} takes {words}, not {value!r}. Its default is used.")
    return Config(**good), complaints


def _flattened(table: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """``pane.browser = "f2"`` is a table in a table to TOML; here it is one key."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flattened(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value
