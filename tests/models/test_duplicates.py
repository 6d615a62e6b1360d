from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest
from huggingface_hub import hf_hub_download

from tests import hub
from workbench.models import duplicates, library
from workbench.models.checksum import verify
from workbench.models.facts import FactsCache
from workbench.models.gguf import read_header
from workbench.models.marks import Marks
from workbench.models.model_file import ModelFile
from workbench.models.pocket import MODEL_FILE

HEADER = read_header(MODEL_FILE)
TENSOR = max(HEADER.tensors, key=lambda tensor: tensor.size)
BEGINNING = HEADER.data_offset + TENSOR.offset
SIZE = MODEL_FILE.stat().st_size


def write(file: Path, byte: bytes = b"", at: int = BEGINNING) -> Path:
    """A model with another byte at a place."""
    file.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(MODEL_FILE, file)
    with file.open("r+b") as written:
        written.seek(at)
        written.write(byte)
    return file


@pytest.fixture
def facts(tmp_path: Path) -> FactsCache:
    return FactsCache(tmp_path / "facts.json")


def found(
    folders: Iterable[Path], facts: FactsCache | None = None, marks: Marks | None = None
) -> dict[str, ModelFile]:
    """All models but the one that is built in, by their names, once their files are read."""
    if facts is not None:
        facts.fill(library.everything(folders, facts), lambda *_: None)
    models = library.everything(folders, facts, marks)
    return {model.name: model for model in models if model.name != "pocket"}


def test_links_are_the_same_model_and_use_the_disk_once(tmp_path: Path) -> None:
    first = write(tmp_path / "a" / "one.gguf")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "two.gguf").symlink_to(first)
    (tmp_path / "b" / "three.gguf").hardlink_to(first)
    models = found([tmp_path / "a", tmp_path / "b"])
    assert list(models) == ["one"]
    assert models["one"].also == (str(tmp_path / "b"),)
    assert {file.name for file in models["one"].copies} == {"two.gguf", "three.gguf"}
    assert library.disk_use(models.values()) == SIZE


def test_a_link_to_what_the_hubs_cache_has_is_the_same_model(tmp_path: Path) -> None:
    with hub.serving({"o/n/x-Q8_0.gguf": b"GGUF" + bytes(4996)}) as endpoint:
        file = hf_hub_download("o/n", "x-Q8_0.gguf", endpoint=endpoint, token=False)
    # To a name that tells no hash; that leads to one that does.
    (tmp_path / "mine.gguf").symlink_to(file)
    [model] = found([tmp_path]).values()
    assert (model.name, model.also) == ("mine", ("o/n",))


def test_copies_in_folders_are_shown_once(tmp_path: Path, facts: FactsCache) -> None:
    two = tmp_path / "a" / "sub" / "two.gguf"
    for copy in (tmp_path / "a" / "one.gguf", two, tmp_path / "b" / "one.gguf"):
        write(copy, b"x")
    write(tmp_path / "b" / "other.gguf", b"y")
    folders = [tmp_path / "a", tmp_path / "b"]
    # Before they have been looked at nobody knows.
    assert len(library.everything(folders, facts)) == 5
    models = found(folders, facts)
    assert list(models) == ["one", "other"]
    # Of those in its own place their paths are told.
    assert models["one"].also == (str(two), str(tmp_path / "b"))
    assert library.disk_use(models.values()) == 4 * SIZE
    assert len(library.everything(folders)) == 5


def test_the_copy_that_is_used_is_the_one_that_is_shown(tmp_path: Path, facts: FactsCache) -> None:
    one, two, three = (write(tmp_path / f"{name}.gguf") for name in ("one", "two", "three"))
    used = Marks().using(two, 2.0).using(three, 1.0)
    [model] = found([tmp_path], facts, used).values()
    assert (model.name, set(model.also)) == ("two", {str(one), str(three)})
    assert set(model.copies) == {one, three}
    [model] = found([tmp_path], facts, used.toggled(three)).values()
    assert model.name == "three"


def test_samples_are_taken_once(tmp_path: Path, facts: FactsCache) -> None:
    for name in ("one", "two"):
        write(tmp_path / "a" / f"{name}.gguf")
    write(tmp_path / "a" / "larger.gguf", b"!", SIZE)
    models = library.everything([tmp_path / "a"], facts)
    assert facts.fill(models, lambda *_: None)
    again = FactsCache(tmp_path / "facts.json")
    models = library.everything([tmp_path / "a"], again)
    assert [model.name for model in models] == ["pocket", "larger", "one"]
    assert not again.fill(models, lambda *_: None)
    # A file of a size of its own is no copy of anything, and nobody looks.
    assert [bool(again.known_sample(model)) for model in models] == [False, False, True]
    # Changed, it is another.
    write(tmp_path / "a" / "two.gguf", b"?")
    assert list(found([tmp_path / "a"], again)) == ["larger", "one", "two"]


def test_split_models_are_copies_if_all_parts_are(tmp_path: Path, facts: FactsCache) -> None:
    for folder, byte in (("a", b"x"), ("b", b"x"), ("c", b"y")):
        write(tmp_path / folder / "m-00001-of-00002.gguf")
        write(tmp_path / folder / "m-00002-of-00002.gguf", byte)
    for folder in ("d", "e"):
        write(tmp_path / folder / "m-00001-of-00002.gguf")
    folders = [tmp_path / name for name in "abcde"]
    found(folders, facts)
    models = library.everything(folders, facts)
    assert [(Path(model.source).name, model.also) for model in models[1:]] == [
        ("a", (str(tmp_path / "b"),)),
        ("c", ()),
        # Who knows how they would go on?
        ("d", ()),
        ("e", ()),
    ]


def test_a_checksum_knows_better_than_a_sample(tmp_path: Path, facts: FactsCache) -> None:
    for name, byte in (("one.gguf", b"x"), ("two.gguf", b"y")):
        # Where nobody looks.
        write(tmp_path / name, byte, BEGINNING + 5000)
    assert list(found([tmp_path], facts)) == ["one"]
    for model in library.in_folder(tmp_path):
        [checked] = verify(model, facts=facts)
        assert facts.hashes(model) == (checked.sha256,)
    again = FactsCache(tmp_path / "facts.json")
    assert list(found([tmp_path], again)) == ["one", "two"]
    # What a hash is of is told by size and time.
    shutil.copyfile(tmp_path / "one.gguf", tmp_path / "two.gguf")
    assert list(found([tmp_path], again)) == ["one"]


def test_the_same_checksum_is_the_same_model(tmp_path: Path, facts: FactsCache) -> None:
    shutil.copy(MODEL_FILE, tmp_path / "mine.gguf")
    with hub.serving({"o/n/theirs.gguf": MODEL_FILE.read_bytes()}) as endpoint:
        hf_hub_download("o/n", "theirs.gguf", endpoint=endpoint, token=False)
    [mine] = library.in_folder(tmp_path)
    verify(mine, facts=facts)
    pocket, model = library.everything([tmp_path], facts)
    assert (model.name, model.also) == ("mine", ("o/n",))
    # Though they are its bytes, too.
    assert (pocket.name, pocket.also) == ("pocket", ())


def test_what_cannot_be_read_is_like_nothing(tmp_path: Path, facts: FactsCache) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.gguf").write_bytes(b"<html>")
    assert list(found([tmp_path], facts)) == ["one", "two"]
    models = library.in_folder(tmp_path)
    (tmp_path / "one.gguf").unlink()
    assert duplicates.once(models, facts) == models
