"""Where Workbench keeps its files, by the platform's own rules."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Final

import platformdirs

_NAME: Final = "workbench"
_KEPT_LOGS: Final = 10


def config_file() -> Path:
    """``config.toml``: written by people, only ever read by the app."""
    return platformdirs.user_config_path(_NAME) / "config.toml"


def presets() -> Path:
    """The folder of saved parameters: one TOML file each."""
    return platformdirs.user_config_path(_NAME) / "presets"


def systems() -> Path:
    """The library of system prompts; see ``systems.py``."""
    return platformdirs.user_config_path(_NAME) / "system-prompts.toml"


def user_themes() -> Path:
    """The folder of a person's own themes."""
    return platformdirs.user_config_path(_NAME) / "themes"


def shipped_themes() -> Path:
    """The themes that come with Workbench: inside the wheel, or beside the package in a clone."""
    package = Path(__file__).parent.parent
    packed = package / "themes"
    return packed if packed.is_dir() else package.parent / "themes"


def remembered() -> Path:
    """What the app remembers of the screen; see ``remembered.py``."""
    return platformdirs.user_state_path(_NAME) / "screen.toml"


def sessions() -> Path:
    """The store of all conversations: one SQLite file."""
    return platformdirs.user_data_path(_NAME) / "sessions" / "sessions.sqlite"


def states() -> Path:
    """The folder of the engine's memory of conversations: it saves reading them anew."""
    return platformdirs.user_cache_path(_NAME) / "states"


def votes() -> Path:
    """What a person said of answers that were shown side by side."""
    return platformdirs.user_state_path(_NAME) / "votes.jsonl"


def downloads() -> Path:
    """The folder of what is to be fetched from the Hub; see ``models/download/order.py``."""
    return platformdirs.user_state_path(_NAME) / "downloads"


def model_facts() -> Path:
    """What the headers of model files say; see ``models/facts.py``."""
    return platformdirs.user_cache_path(_NAME) / "models.json"


def model_marks() -> Path:
    """Favourite models, and those used last; see ``models/marks.py``."""
    return platformdirs.user_state_path(_NAME) / "models.toml"


def headers() -> Path:
    """The folder of headers of files that are on the Hub; see ``models/remote.py``."""
    return platformdirs.user_cache_path(_NAME) / "headers"


def bandwidth() -> Path:
    """How fast this machine's memory is; see ``models/bandwidth.py``."""
    return platformdirs.user_cache_path(_NAME) / "bandwidth.json"


def copied() -> Path:
    """The folder of what was copied and is too large for a terminal's clipboard."""
    return platformdirs.user_state_path(_NAME)


def engine_log(*, beside: bool = False) -> Path:
    """A log file for this process's engine, or for those ``beside`` it.

    The oldest of earlier ones are removed.
    """
    return _log("other-engine" if beside else "engine")


def crash_report() -> Path:
    """A file for what made this process fail; the oldest of earlier ones are removed."""
    return _log("crash")


def _log(kind: str) -> Path:
    folder = platformdirs.user_log_path(_NAME)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        logs = sorted(folder.glob(f"{kind}-*.log"), key=lambda log: log.stat().st_mtime)
        for log in logs[:-_KEPT_LOGS]:
            log.unlink(missing_ok=True)
        file = folder / f"{kind}-{os.getpid()}.log"
        file.touch(mode=0o600)
    except OSError:
        # A home that cannot be written to must not keep anyone from chatting.
        return Path(tempfile.mkdtemp(prefix="workbench-")) / f"{kind}.log"
    return file
