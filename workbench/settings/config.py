"""``config.toml``: what a person may set, read strictly and never rewritten."""

from __future__ import annotations

from pathlib import Path

import msgspec


class ConfigError(ValueError):
    """The configuration file cannot be used; the message names the file and what is wrong."""


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The keys of ``config.toml``, each with its default."""

    theme: str = "workbench-dark"
    model_folders: list[str] = []

    def folders(self) -> list[Path]:
        """``model_folders`` as paths, ``~`` expanded."""
        return [Path(folder).expanduser() for folder in self.model_folders]


def load(file: Path) -> Config:
    """Read ``file``; a missing one gives the defaults. Raises ConfigError on anything wrong."""
    try:
        return msgspec.toml.decode(file.read_bytes(), type=Config)
    except FileNotFoundError:
        return Config()
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file}: {error}") from error
