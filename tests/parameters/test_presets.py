from __future__ import annotations

import stat
from pathlib import Path

import pytest

from workbench.parameters import presets
from workbench.parameters.chosen import Chosen
from workbench.parameters.kinds import Values
from workbench.parameters.presets import PresetError
from workbench.parameters.table import BY_KEY

VALUES: Values = {
    "temperature": 0.2,
    "stop": ("\n\n", 'a "b"'),
    "grammar": 'root ::= "yes"\n  | "no"',
    "ignore_eos": True,
    "n_ctx": 4096,
}


def test_a_preset_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    presets.save(tmp_path / "new", "strict", VALUES)
    assert presets.load(tmp_path / "new", "strict") == VALUES
    assert presets.names(tmp_path / "new") == ["strict"]
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["strict.toml"]
    presets.delete(tmp_path / "new", "strict")
    assert presets.names(tmp_path / "new") == []


def test_a_preset_reads_like_the_pane(tmp_path: Path) -> None:
    presets.save(tmp_path, "strict", VALUES)
    lines = (tmp_path / "strict.toml").read_text().splitlines()
    assert lines[0] == "temperature = 0.2"
    assert "ignore_eos = true" in lines


def test_a_preset_may_be_written_by_hand(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("# warm\ntemperature = 1\nstop = ['END']\n")
    assert presets.load(tmp_path, "mine") == {"temperature": 1.0, "stop": ("END",)}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("temprature = 1", "there is no parameter 'temprature'"),
        ("temperature = 9", "temperature takes 0 to 5, not 9"),
        ("temperature = 'hot'", "temperature takes 0 to 5, not 'hot'"),
        ("temperature =", "cannot read"),
        ("stop = [1]", "stop takes a list"),
    ],
)
def test_a_wrong_preset_says_where_and_what(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "odd.toml").write_text(text)
    with pytest.raises(PresetError) as error:
        presets.load(tmp_path, "odd")
    assert complaint in str(error.value)
    assert "odd.toml" in str(error.value)


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "a\nb", "x" * 200])
def test_a_name_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(PresetError, match="cannot be a preset's name"):
        presets.save(tmp_path, name, VALUES)


def test_a_missing_preset_names_those_there_are(tmp_path: Path) -> None:
    presets.save(tmp_path, "strict", VALUES)
    with pytest.raises(PresetError, match=r"no preset 'strikt'.*\(strict\)"):
        presets.load(tmp_path, "strikt")


def test_a_folder_that_cannot_be_written_is_said_and_nothing_is_lost(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(PresetError, match="cannot write"):
        presets.save(file, "strict", VALUES)
    assert file.read_text() == "x"


def test_saving_replaces_the_file_at_once(tmp_path: Path) -> None:
    presets.save(tmp_path, "strict", VALUES)
    presets.save(tmp_path, "strict", {"top_k": 1})
    assert presets.load(tmp_path, "strict") == {"top_k": 1}
    assert stat.S_IMODE((tmp_path / "strict.toml").stat().st_mode) == 0o600


def test_a_models_own_preset_acts_only_for_it_and_after_what_a_person_set(tmp_path: Path) -> None:
    presets.save_of_model(tmp_path, "llama", {"temperature": 0.1, "top_k": 5})
    chosen = Chosen(tmp_path, {"top_k": 9})
    assert chosen.use_model("llama")
    assert chosen.values == {"top_k": 9, "temperature": 0.1}
    assert not chosen.use_model("other")
    assert chosen.values == {"top_k": 9}
    chosen.use_model("llama")
    chosen.put(BY_KEY["temperature"], 0.7)
    chosen.use_model("other")
    assert chosen.values == {"top_k": 9, "temperature": 0.7}
    presets.save_of_model(tmp_path, "llama", {})
    assert presets.of_model(tmp_path, "llama") == {}


def test_a_models_own_preset_that_cannot_be_removed_is_said(tmp_path: Path) -> None:
    presets.save_of_model(tmp_path, "mine", {"top_k": 3})
    [file] = tmp_path.rglob("mine.toml")
    # What is no file cannot be unlinked, by root either.
    file.unlink()
    file.mkdir()
    with pytest.raises(PresetError, match="cannot remove"):
        presets.save_of_model(tmp_path, "mine", {})
