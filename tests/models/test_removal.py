from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub import constants, hf_hub_download, scan_cache_dir

from tests import hub
from tests.models.test_elsewhere import HASH, ollama
from workbench.models import elsewhere, library
from workbench.models.removal import RemovalError, removal

ONE, TWO = "someone/Tiny-GGUF/Tiny-Q4_0.gguf", "someone/Tiny-GGUF/Tiny-Q8_0.gguf"


def download(at: hub.Hub, name: str) -> None:
    hf_hub_download(
        "someone/Tiny-GGUF", Path(name).name, endpoint=at.endpoint, token=False, force_download=True
    )


def test_one_model_of_a_repository_goes_and_the_other_stays() -> None:
    with hub.running({ONE: b"GGUF" + bytes(4996), TWO: b"GGUF" + bytes(8996)}) as at:
        download(at, ONE)
        download(at, TWO)
        at.change("someone/Tiny-GGUF/README.md", b"news")
        # The same blob in a second revision.
        download(at, ONE)
    [model] = [each for each in library.in_hub_cache() if each.name == "Tiny-Q4_0"]
    plan = removal(model)
    assert (len(plan.files), plan.freed) == (2, 5000)
    assert model.path.exists()
    plan.carry_out()
    assert [each.name for each in library.in_hub_cache()] == ["Tiny-Q8_0"]
    assert scan_cache_dir().size_on_disk == 9000


def test_files_in_a_folder_go_and_links_free_nothing(tmp_path: Path) -> None:
    for part in (1, 2):
        (tmp_path / f"x-0000{part}-of-00002.gguf").write_bytes(b"GGUF" + bytes(96))
    (tmp_path / "y.gguf").symlink_to(tmp_path / "x-00001-of-00002.gguf")
    split, link = library.in_folder(tmp_path)
    assert (removal(link).freed, removal(split).freed) == (0, 200)
    removal(link).carry_out()
    removal(split).carry_out()
    assert list(tmp_path.glob("*.gguf")) == []


def test_what_is_not_ours_to_remove_is_said(tmp_path: Path) -> None:
    ollama(tmp_path, "registry.ollama.ai/library/llama3.2/1b", f"sha256:{HASH}")
    [model] = elsewhere.in_ollama(tmp_path)
    with pytest.raises(RemovalError, match=r"ollama rm llama3.2:1b"):
        removal(model)
    with pytest.raises(RemovalError, match="built-in"):
        removal(library.built_in())


def test_a_cache_behind_a_link_is_the_same_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hub.running({ONE: b"GGUF" + bytes(4996)}) as at:
        download(at, ONE)
    link = tmp_path / "link"
    link.symlink_to(constants.HF_HUB_CACHE)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(link))
    [model] = library.in_hub_cache()
    plan = removal(model)
    assert plan.freed == 5000
    plan.carry_out()
    assert scan_cache_dir(link).size_on_disk == 0


def test_what_the_cache_does_not_know_is_left_alone() -> None:
    with hub.running({ONE: b"GGUF" + bytes(4996)}) as at:
        download(at, ONE)
    [model] = library.in_hub_cache()
    # A scan passes over a repository with something strange in it.
    repository = model.path.parents[2]
    (repository / "refs" / "strange").write_text("no commit that is here")
    with pytest.raises(RemovalError, match="a scan of that does not find it"):
        removal(model)
    assert model.path.exists()
