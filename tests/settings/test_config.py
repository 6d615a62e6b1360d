from __future__ import annotations

from pathlib import Path

import pytest

from workbench.settings import config
from workbench.settings.config import Config, ConfigError


def test_a_missing_file_gives_the_defaults(tmp_path: Path) -> None:
    assert config.load(tmp_path / "config.toml") == Config()


def test_folders_expand_the_home(tmp_path: Path, home: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('model_folders = ["~/models", "/srv/models"]')
    assert config.load(file).folders() == [home / "models", Path("/srv/models")]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("them = 'nord'", "unknown field `them`"),
        ("theme = 3", "$.theme"),
        ("theme = ", "Invalid value"),
        ("model_folders = 'x'", "$.model_folders"),
    ],
)
def test_a_wrong_file_is_named_with_its_key(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as error:
        config.load(file)
    assert str(file) in str(error.value)
    assert complaint in str(error.value)
