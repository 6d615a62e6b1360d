from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from huggingface_hub import constants, hf_hub_download

from tests import hub
from workbench.models import library
from workbench.models.hub.reference import Reference, read
from workbench.models.pocket import MODEL_FILE


def write(file: Path, size: int = 10) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"GGUF" + bytes(size - 4))
    return file


def test_the_built_in_model_is_there() -> None:
    model = library.built_in()
    assert model.name == "pocket"
    assert model.path == MODEL_FILE
    assert 0 < model.size <= 6_000_000


def test_a_reference_is_pocket_or_a_path(home: Path) -> None:
    assert library.resolve("pocket") == MODEL_FILE
    assert library.resolve("~/x.gguf") == home / "x.gguf"


def test_a_folder_with_all_of_workbench_lists_the_built_in_model_once(
    tmp_path: Path,
) -> None:
    (tmp_path / "link").symlink_to(MODEL_FILE.parent)
    found = library.everything([MODEL_FILE.parent, tmp_path / "link"])
    assert [model.path for model in found if model.path.samefile(MODEL_FILE)] == [MODEL_FILE]


def test_a_folder_is_searched_to_the_bottom(tmp_path: Path) -> None:
    write(tmp_path / "b" / "deep" / "Zeta-7B-Q4_K_M.gguf", 70)
    write(tmp_path / "alpha.gguf", 30)
    write(tmp_path / "mmproj-alpha.gguf")
    write(tmp_path / "readme.txt")
    found = library.in_folder(tmp_path)
    assert [(model.name, model.size, model.quantisation) for model in found] == [
        ("alpha", 30, ""),
        ("Zeta-7B-Q4_K_M", 70, "Q4_K_M"),
    ]


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert library.in_folder(tmp_path / "nowhere") == []


def test_the_parts_of_a_split_model_are_one_model(tmp_path: Path) -> None:
    for part in (1, 2, 3):
        write(tmp_path / f"big-Q8_0-{part:05}-of-00003.gguf", 100 * part)
    write(tmp_path / f"torn-{2:05}-of-00003.gguf", 50)
    whole, torn = library.in_folder(tmp_path)
    assert (whole.name, whole.size, whole.missing) == ("big-Q8_0", 600, 0)
    assert whole.path.name == "big-Q8_0-00001-of-00003.gguf"
    assert (torn.name, torn.missing) == ("torn", 2)


@pytest.mark.parametrize(
    ("name", "quantisation"),
    [
        ("Qwen3-0.6B-Q8_0", "Q8_0"),
        ("model.IQ3_XXS", "IQ3_XXS"),
        ("gemma-UD-Q2_K_XL", "UD-Q2_K_XL"),
        ("tiny-f16", "F16"),
        ("bitnet-TQ1_0", "TQ1_0"),
        ("gpt-oss-20b-mxfp4", "MXFP4"),
        ("Q-star", ""),
    ],
)
def test_the_quantisation_is_read_from_the_name(
    tmp_path: Path, name: str, quantisation: str
) -> None:
    write(tmp_path / f"{name}.gguf")
    [model] = library.in_folder(tmp_path)
    assert model.quantisation == quantisation


def test_a_broken_link_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "gone.gguf").symlink_to(tmp_path / "nowhere")
    assert library.in_folder(tmp_path) == []


def test_what_the_hub_client_downloaded_is_found() -> None:
    files = {
        "someone/Tiny-GGUF/Tiny-Q4_0.gguf": b"GGUF" + bytes(96),
        "someone/Tiny-GGUF/mmproj-Tiny.gguf": b"GGUF" + bytes(16),
    }
    with hub.serving(files) as endpoint:
        for name in files:
            owner, repository, file = name.split("/")
            hf_hub_download(f"{owner}/{repository}", file, endpoint=endpoint, token=False)
    [model] = [each for each in library.in_hub_cache() if each.source == "someone/Tiny-GGUF"]
    assert (model.name, model.size, model.quantisation) == ("Tiny-Q4_0", 100, "Q4_0")
    assert model.path.read_bytes().startswith(b"GGUF")


def test_a_file_opened_by_name_may_have_any_suffix(tmp_path: Path) -> None:
    [model] = library.named(write(tmp_path / "weights.bin"))
    assert model.name == "weights.bin"
    assert library.named(tmp_path / "nowhere.gguf") == []


def test_a_blob_of_the_hubs_cache_tells_its_hash() -> None:
    content = b"GGUF" + bytes(5000)
    with hub.serving({"someone/Tiny-GGUF/Tiny.gguf": content}) as endpoint:
        hf_hub_download("someone/Tiny-GGUF", "Tiny.gguf", endpoint=endpoint, token=False)
    [model] = library.in_hub_cache()
    assert model.hashes == (hashlib.sha256(content).hexdigest(),)


# No disk has such a name, and that is neither "not there" nor "no folder": it stands for a
# folder that may not be entered, or whose server is gone.
CLOSED = "x" * 300


def test_what_cannot_be_looked_into_hides_nothing_else(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "open" / "mine.gguf")
    (tmp_path / "open" / "theirs.gguf").symlink_to(tmp_path / CLOSED / "theirs.gguf")
    monkeypatch.setenv("LLAMA_CACHE", str(home / CLOSED))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home / CLOSED))
    folders = [tmp_path / CLOSED, tmp_path / "open"]
    assert {model.name for model in library.everything(folders)} == {"pocket", "mine"}
    assert library.resolve("mine", folders) == tmp_path / "open" / "mine.gguf"
    assert library.resolve(CLOSED, folders) == Path(CLOSED)
    assert library.named(tmp_path / CLOSED) == []


def test_folders_that_cannot_be_looked_into_are_said(tmp_path: Path) -> None:
    file = write(tmp_path / "x.gguf")
    folders = [tmp_path, tmp_path / "nowhere", file, tmp_path / CLOSED]
    missing, no_folder, closed = library.closed(folders)
    assert missing == f"there is no folder {tmp_path / 'nowhere'}"
    assert no_folder == f"{file} cannot be looked into: Not a directory"
    assert closed.endswith("cannot be looked into: File name too long")


def test_a_split_model_opened_by_name_is_whole(tmp_path: Path) -> None:
    files = [write(tmp_path / f"m-{part:05}-of-00003.gguf", 100) for part in (1, 2, 3)]
    for file in files:
        [model] = library.named(file)
        assert (model.path, model.size, model.missing) == (files[0], 300, 0)
    files[1].unlink()
    [model] = library.named(files[0])
    assert (model.size, model.incomplete) == (200, "1 part missing")


def download(at: hub.Hub, name: str) -> None:
    hf_hub_download("o/n", name, endpoint=at.endpoint, token=False)


def test_of_two_revisions_the_branchs_is_meant() -> None:
    names = ["x-Q8_0.gguf", "y-Q4_K_M.gguf"]
    with hub.running({f"o/n/{name}": content(1) for name in names}) as at:
        for name in names:
            download(at, name)
        older = at.head
        at.change("o/n/x-Q8_0.gguf", content(2))
        download(at, "x-Q8_0.gguf")
    [repository] = Path(constants.HF_HUB_CACHE).glob("models--o--n")

    def meant(text: str) -> str:
        reference = read(text)
        assert reference is not None
        found = library.cached(reference)
        return found.path.relative_to(repository / "snapshots").as_posix() if found else ""

    for text in ("o/n:Q8_0", "o/n/x-Q8_0.gguf"):
        assert meant(text) == f"{at.head}/x-Q8_0.gguf"
    # The newer has none of that kind.
    assert meant("o/n") == meant("o/n:q4_k_m") == f"{older}/y-Q4_K_M.gguf"
    assert meant("o/n:Q2_K") == meant("n/o") == ""
    # Whichever was fetched last.
    (repository / "refs" / "main").write_text(older)
    assert meant("o/n:Q8_0") == f"{older}/x-Q8_0.gguf"
    (repository / "refs" / "main").unlink()
    assert meant("o/n:Q8_0") == f"{at.head}/x-Q8_0.gguf"


def test_a_file_that_has_got_another_name_is_found_by_its_kind() -> None:
    with hub.running({"o/n/x-Q8_0.gguf": content(1)}) as at:
        download(at, "x-Q8_0.gguf")
        at.change("o/n/z-Q8_0.gguf", content(2))
        download(at, "z-Q8_0.gguf")
    found = library.cached(Reference("o/n", quantisation="Q8_0"))
    assert found is not None
    assert found.name == "z-Q8_0"
    found = library.cached(Reference("o/n", "x-Q8_0.gguf"))
    assert found is not None
    assert found.name == "x-Q8_0"


def content(value: int) -> bytes:
    return b"GGUF" + bytes([value]) * 4996


def test_a_file_beside_is_known_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path / "x.gguf")
    monkeypatch.chdir(tmp_path)
    assert library.resolve("x.gguf") == library.resolve("./x.gguf") == file
