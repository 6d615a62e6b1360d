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
from workbench.models.model_file import ModelFile
from workbench.models.pocket import MODEL_FILE

# Of it all is read, of the rest some.
BEGINNING = 1 << 20
LARGE = 2 * BEGINNING + 4096 * 100


def write(file: Path, size: int = 1000, last: bytes = b"") -> Path:
    """A file of which only the beginning takes room on the disk, and ``last`` its end."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as written:
        written.write(b"GGUF")
        written.truncate(size)
        written.seek(-len(last), 2)
        written.write(last)
    return file


@pytest.fixture
def facts(tmp_path: Path) -> FactsCache:
    return FactsCache(tmp_path / "facts.json")


def found(folders: Iterable[Path], facts: FactsCache | None = None) -> dict[str, ModelFile]:
    """All models but the one that is built in, by their names."""
    models = library.everything(folders, facts)
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
    assert library.disk_use(models.values()) == 1000


def test_a_link_to_what_the_hubs_cache_has_is_the_same_model(tmp_path: Path) -> None:
    with hub.serving({"o/n/x-Q8_0.gguf": b"GGUF" + bytes(4996)}) as endpoint:
        file = hf_hub_download("o/n", "x-Q8_0.gguf", endpoint=endpoint, token=False)
    # To a name that tells no hash; that leads to one that does.
    (tmp_path / "mine.gguf").symlink_to(file)
    [model] = found([tmp_path]).values()
    assert (model.name, model.also) == ("mine", ("o/n",))


def test_copies_in_folders_are_shown_once(tmp_path: Path, facts: FactsCache) -> None:
    first = write(tmp_path / "a" / "one.gguf", LARGE, b"x")
    for copy in (tmp_path / "a" / "sub" / "two.gguf", tmp_path / "b" / "one.gguf"):
        copy.parent.mkdir(exist_ok=True)
        shutil.copyfile(first, copy)
    write(tmp_path / "b" / "other.gguf", LARGE, b"y")
    folders = [tmp_path / "a", tmp_path / "b"]
    models = found(folders, facts)
    assert list(models) == ["one", "other"]
    # Of those in its own place their paths are told.
    two = tmp_path / "a" / "sub" / "two.gguf"
    assert models["one"].also == (str(two), str(tmp_path / "b"))
    assert library.disk_use(models.values()) == 4 * LARGE
    # Without the facts nobody knows.
    assert len(library.everything(folders)) == 5


def test_samples_are_read_once(
    tmp_path: Path, facts: FactsCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        write(tmp_path / "a" / f"{name}.gguf")
    models = found([tmp_path / "a"], facts)
    assert list(models) == ["one"]
    facts.save(models.values())

    def read_again(_files: object) -> str:
        raise AssertionError("a file is read again")

    monkeypatch.setattr(duplicates, "sample", read_again)
    assert list(found([tmp_path / "a"], FactsCache(tmp_path / "facts.json"))) == ["one"]
    # A file of a size of its own is no copy of anything.
    write(tmp_path / "a" / "three.gguf", 2000)
    assert list(found([tmp_path / "a"], facts)) == ["one", "three"]
    write(tmp_path / "a" / "two.gguf", 1000, b"!")
    with pytest.raises(AssertionError, match="read again"):
        found([tmp_path / "a"], facts)


def test_split_models_are_copies_if_all_parts_are(tmp_path: Path, facts: FactsCache) -> None:
    for folder, last in (("a", b"x"), ("b", b"x"), ("c", b"y")):
        write(tmp_path / folder / "m-00001-of-00002.gguf")
        write(tmp_path / folder / "m-00002-of-00002.gguf", 1000, last)
    for folder in ("d", "e"):
        write(tmp_path / folder / "m-00001-of-00002.gguf")
    models = library.everything([tmp_path / name for name in "abcde"], facts)
    assert [(Path(model.source).name, model.also) for model in models[1:]] == [
        ("a", (str(tmp_path / "b"),)),
        ("c", ()),
        # Who knows how they would go on?
        ("d", ()),
        ("e", ()),
    ]


def test_a_checksum_knows_better_than_a_sample(tmp_path: Path, facts: FactsCache) -> None:
    for name, byte in (("one.gguf", b"x"), ("two.gguf", b"y")):
        shutil.copyfile(MODEL_FILE, tmp_path / name)
        with (tmp_path / name).open("r+b") as file:
            # Where nobody looks.
            file.seek(BEGINNING + 5000)
            file.write(byte)
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
        write(tmp_path / f"{name}.gguf")
    models = library.in_folder(tmp_path)
    (tmp_path / "one.gguf").unlink()
    assert duplicates.once(models, facts) == models
