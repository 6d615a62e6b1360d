from __future__ import annotations

import os
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
    # With the last one all of it goes, but never what is on its way.
    [other] = library.in_hub_cache()
    [repo] = Path(constants.HF_HUB_CACHE).glob("models--*")
    begun = repo / "blobs" / "x.incomplete"
    begun.write_bytes(b"half")
    removal(other).carry_out()
    assert begun.exists()
    begun.unlink()
    with hub.running({ONE: b"GGUF" + bytes(4996)}) as at:
        download(at, ONE)
    [again] = library.in_hub_cache()
    removal(again).carry_out()
    assert not repo.exists()


def far_away(monkeypatch: pytest.MonkeyPatch, link: Path) -> None:
    """Have a link as the cache's folder, as those with a second disk do."""
    link.symlink_to(constants.HF_HUB_CACHE, target_is_directory=True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(link))


def test_a_cache_behind_a_link_gives_its_blobs_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hub.running({ONE: b"GGUF" + bytes(4996)}) as at:
        download(at, ONE)
    # By the link, and by a folder that leads into the cache.
    far_away(monkeypatch, tmp_path / "cache")
    [snapshot] = (tmp_path / "cache").glob("models--*/snapshots/*")
    (tmp_path / "mine").symlink_to(snapshot)
    [through_folder] = library.in_folder(tmp_path / "mine")
    assert removal(through_folder).freed == 5000
    [model] = library.in_hub_cache()
    assert model.path.is_relative_to(tmp_path / "cache")
    plan = removal(model)
    assert plan.freed == 5000
    plan.carry_out()
    assert [each for each in (tmp_path / "cache").rglob("*") if each.name == model.hashes[0]] == []


def test_nothing_goes_from_a_damaged_cache() -> None:
    with hub.running({ONE: b"GGUF" + bytes(4996)}) as at:
        download(at, ONE)
    [model] = library.in_hub_cache()
    (model.path.parent / "other.gguf").symlink_to("nowhere")
    with pytest.raises(RemovalError, match=r"damaged part of the Hub's cache.*nowhere"):
        removal(model)
    assert model.path.exists()


def test_a_name_that_comes_after_the_plan_goes_too() -> None:
    with hub.running({ONE: b"GGUF" + bytes(4996)}) as at:
        download(at, ONE)
        [model] = library.in_hub_cache()
        plan = removal(model)
        at.change("someone/Tiny-GGUF/README.md", b"news")
        download(at, ONE)
    plan.carry_out()
    assert library.in_hub_cache() == []
    # No name is left that leads nowhere: the cache can be read.
    assert scan_cache_dir().warnings == []
    assert scan_cache_dir().size_on_disk == 0
    # Nobody minds that it is gone already.
    plan.carry_out()


def test_a_blob_that_cannot_be_removed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with hub.running({ONE: b"GGUF" + bytes(4996)}) as at:
        download(at, ONE)
    [model] = library.in_hub_cache()
    plan = removal(model)
    remove = os.remove

    def refuse(path: Path) -> None:
        if path.parent.name == "blobs":
            raise PermissionError(13, "Permission denied")
        remove(path)

    # The client removes blobs so, and only logs what it could not.
    monkeypatch.setattr(os, "remove", refuse)
    with pytest.raises(RemovalError, match="by hand"):
        plan.carry_out()


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
