"""What all tests share: a home of their own, and models to run."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import gguf_files

# Read when the libraries are first imported, so they stand before any test's imports.
_HUB = tempfile.TemporaryDirectory(prefix="workbench-hf-")
os.environ["HF_HOME"] = _HUB.name
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["TEXTUAL_ANIMATIONS"] = "none"
# Whatever terminal the tests are started in, theirs has all colours.
os.environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
for _name in ("NO_COLOR", "SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY", "TMUX", "STY"):
    os.environ.pop(_name, None)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty home for each test: no configuration, no logs, no models but its own."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(folder / name.lower()))
    # Whoever runs the tests may do so over SSH.
    for name in ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"):
        monkeypatch.delenv(name, raising=False)
    yield folder
    for left in Path(_HUB.name).iterdir():
        shutil.rmtree(left)


@pytest.fixture
def config_folder(home: Path) -> Path:
    """Workbench's configuration folder, empty."""
    folder = home / "config" / "workbench"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture(scope="session")
def slow_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that is slow enough to be interrupted, and never far from done loading."""
    return gguf_files.random_model(tmp_path_factory.mktemp("models") / "slow-F16.gguf")


@pytest.fixture(scope="session")
def fast_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that answers thousands of tokens at once."""
    file = tmp_path_factory.mktemp("models") / "fast.gguf"
    return gguf_files.random_model(file, layers=1, width=64, heads=2, forward=64)
