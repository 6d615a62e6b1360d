"""``config.toml``: what a person may set, read strictly and never rewritten."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec


class Config(msgspec.Struct, frozen=True):
    """The keys of ``config.toml``, each with its default; no ``theme`` is one that suits."""

    theme: str = ""
    model_folders: list[str] = []

    def folders(self) -> list[Path]:
        """``model_folders`` as paths, ``~`` expanded."""
        return [Path(folder).expanduser() for folder in self.model_folders]


_KINDS = {"theme": (str, "a text"), "model_folders": (list[str], "a list of texts")}


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
        try:
            good[key] = msgspec.convert(value, kind)
        except msgspec.ValidationError:
            complaints.append(f"{file}: {key} takes {words}, not {value!r}. Its default is used.")
    return Config(**good), complaints
