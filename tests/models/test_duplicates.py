from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.gguf_files import random_model
from workbench.models import duplicates, library
from workbench.models.facts import FactsCache
from workbench.models.gguf import read_header


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    made = [tmp_path / "one", tmp_path / "two"]
    for folder in made:
        folder.mkdir()
    random_model(made[0] / "a.gguf", layers=1, width=64, heads=2, forward=64)
    shutil.copy(made[0] / "a.gguf", made[1] / "copy.gguf")
    return made


def once(folders: list[Path], facts: FactsCache) -> list[tuple[str, int]]:
    models = library.everything(folders)
    facts.fill(models, lambda _model, _facts: None)
    found = duplicates.merged(models, facts.known_sample, lambda _: 0.0)
    return [(model.name, len(model.also)) for model in found if model.name != "pocket"]


def test_a_copy_is_the_same_model_until_a_tensor_differs(
    folders: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = FactsCache(tmp_path / "facts")
    assert once(folders, facts) == [("a", 1)]
    # Looked at once; the next start knows it.
    monkeypatch.setattr(duplicates, "sample", lambda _: pytest.fail("it is known"))
    assert once(folders, FactsCache(tmp_path / "facts")) == [("a", 1)]
    monkeypatch.undo()
    copy = folders[1] / "copy.gguf"
    header = read_header(copy)
    with copy.open("r+b") as file:
        file.seek(header.data_offset + header.tensors[-1].offset)
        file.write(b"!")
    assert once(folders, facts) == [("a", 0), ("copy", 0)]


def test_what_was_used_last_stands_for_its_copies(folders: list[Path], tmp_path: Path) -> None:
    models = [each for each in library.everything(folders) if each.name != "pocket"]
    [found] = duplicates.merged(
        models, duplicates.sample, lambda model: float(model.name == "copy")
    )
    assert (found.name, found.also) == ("copy", (str(folders[0]),))


def test_what_cannot_be_read_is_like_nothing_else(folders: list[Path]) -> None:
    for folder in folders:
        (folder / "torn.gguf").write_bytes(b"GGUF" + bytes(100))
    found = duplicates.merged(library.everything(folders), duplicates.sample, lambda _: 0.0)
    assert sorted(model.name for model in found) == ["a", "pocket", "torn", "torn"]
