from __future__ import annotations

from pathlib import Path

import pytest

from workbench.settings import config
from workbench.settings.config import Config


def test_a_missing_file_gives_the_defaults(tmp_path: Path) -> None:
    assert config.load(tmp_path / "config.toml") == (Config(), [])


def test_folders_expand_the_home(tmp_path: Path, home: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('model_folders = ["~/models", "/srv/models"]')
    assert config.load(file)[0].folders() == [home / "models", Path("/srv/models")]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("them = 'nord'", "there is no setting 'them'; there are theme, model_folders"),
        ("theme = 3", "theme takes a text, not 3"),
        ("theme = ", "cannot be read: Invalid value"),
        ("fps = 0", "fps takes a whole number from 1 to 120, not 0"),
        ("fps = true", "fps takes a whole number from 1 to 120, not True"),
        ("color = 'blue'", "color takes one of auto, truecolor, 256, 16, none, not 'blue'"),
        ("mouse = 1", "mouse takes true or false, not 1"),
        ("max_rate = 0", "max_rate takes a number of MB a second above 0, not 0"),
        ("max_rate = inf", "max_rate takes a number of MB a second above 0, not inf"),
        ("max_rate = nan", "max_rate takes a number of MB a second above 0, not nan"),
        ("download_parts = 17", "download_parts takes a whole number from 1 to 16, not 17"),
        ("model_folders = 'x'", "model_folders takes a list of texts, not 'x'"),
    ],
)
def test_a_wrong_file_is_named_with_its_key(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text)
    settings, [said] = config.load(file)
    assert settings == Config()
    assert str(file) in said
    assert complaint in said


def test_one_wrong_key_leaves_the_others_in_force(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("theme = 'nord'\nbogus = 1\nmodel_folders = 3\n")
    settings, complaints = config.load(file)
    assert settings == Config(theme="nord")
    assert len(complaints) == 2


def test_a_folder_is_known_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert config.Config(model_folders=["models"]).folders() == [tmp_path / "models"]
