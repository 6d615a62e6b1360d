from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path

import pytest
from huggingface_hub import hf_hub_download

from tests import hub
from workbench.models import library
from workbench.models.hub.reference import Reference
from workbench.models.pocket import MODEL_FILE
from workbench.models.removal import removal


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


def test_a_whole_model_beside_its_parts_is_another_one(tmp_path: Path) -> None:
    for name in ("m-00001-of-00002", "m-00002-of-00002", "m", "m-00001-of-00003"):
        write(tmp_path / f"{name}.gguf", 50)
    found = sorted((model.size, model.missing) for model in library.in_folder(tmp_path))
    assert found == [(50, 0), (50, 2), (100, 0)]
    whole = next(model for model in library.in_folder(tmp_path) if model.path.name == "m.gguf")
    removal(whole).carry_out()
    assert len(list(tmp_path.glob("*.gguf"))) == 3


def test_a_split_model_is_opened_whole_by_any_of_its_parts(tmp_path: Path) -> None:
    parts = [write(tmp_path / f"big-{part:05}-of-00002.gguf", 50) for part in (1, 2)]
    for part in parts:
        [model] = library.named(part)
        assert (model.path, model.size, model.missing) == (parts[0], 100, 0)


def test_of_two_revisions_that_of_the_branch_is_meant() -> None:
    with hub.running({"someone/T-GGUF/T-Q8_0.gguf": b"GGUF" + bytes(4996)}) as at:
        ask = partial(hf_hub_download, "someone/T-GGUF", endpoint=at.endpoint, token=False)
        older = ask("T-Q8_0.gguf")
        at.change("someone/T-GGUF/T-Q8_0.gguf", b"GGUF" + bytes(5996))
        newer = ask("T-Q8_0.gguf")
        for reference in (
            Reference("someone/T-GGUF", quantisation="Q8_0"),
            Reference("someone/T-GGUF", path="T-Q8_0.gguf"),
            Reference("someone/T-GGUF"),
        ):
            found = library.cached(reference)
            assert found is not None
            assert str(found.path) == newer
        # The branch may be back at the older one.
        commit = Path(older).parent.name
        (Path(older).parents[2] / "refs" / "main").write_text(commit)
        found = library.cached(Reference("someone/T-GGUF"))
        assert found is not None
        assert str(found.path) == older


def test_what_cannot_be_looked_at_hides_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No system has such a name, and says so as of a folder that is closed.
    impossible = Path("x" * 300)
    (tmp_path / "evil.gguf").symlink_to(impossible)
    write(tmp_path / "good.gguf")
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path / impossible))
    monkeypatch.setenv("LLAMA_CACHE", str(tmp_path / impossible))
    found = library.everything([tmp_path / impossible, tmp_path])
    assert [model.name for model in found] == ["pocket", "good"]
    assert library.resolve(str(impossible)) == impossible


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


def test_the_same_bytes_are_one_model_and_use_the_disk_once(tmp_path: Path) -> None:
    first = write(tmp_path / "a" / "one.gguf", 1000)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "two.gguf").symlink_to(first)
    (tmp_path / "b" / "three.gguf").hardlink_to(first)
    models = library.everything([tmp_path / "a", tmp_path / "b"])
    assert sorted(model.name for model in models) == ["one", "pocket", "three"]
    [one] = [model for model in models if model.name == "one"]
    assert one.also == (str(tmp_path / "b"),)
    assert library.disk_use(models) == 1000 + MODEL_FILE.stat().st_size


def test_a_blob_of_the_hubs_cache_tells_its_hash() -> None:
    content = b"GGUF" + bytes(5000)
    with hub.serving({"someone/Tiny-GGUF/Tiny.gguf": content}) as endpoint:
        hf_hub_download("someone/Tiny-GGUF", "Tiny.gguf", endpoint=endpoint, token=False)
    [model] = library.in_hub_cache()
    assert model.hashes == (hashlib.sha256(content).hexdigest(),)
