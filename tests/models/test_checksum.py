from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub import hf_hub_download

from tests import hub
from workbench.models import checksum, library
from workbench.models.checksum import verify
from workbench.models.gguf import Header
from workbench.models.pocket import MODEL_FILE


def test_a_download_is_right_until_a_byte_changes() -> None:
    with hub.serving({"someone/Tiny-GGUF/Tiny.gguf": MODEL_FILE.read_bytes()}) as endpoint:
        hf_hub_download("someone/Tiny-GGUF", "Tiny.gguf", endpoint=endpoint, token=False)
    [model] = library.in_hub_cache()
    told: list[tuple[int, int]] = []

    def on_progress(done: int, total: int) -> bool:
        told.append((done, total))
        return True

    [checked] = verify(model, on_progress)
    assert (checked.outcome, checked.sha256) == ("right", model.hashes[0])
    assert told[-1] == (model.size, model.size)
    with model.path.resolve().open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"!")
    [checked] = verify(model)
    assert (checked.outcome, checked.why) == (
        "wrong",
        "its bytes are not those that were published",
    )


def test_without_a_hash_the_length_is_what_can_be_checked(tmp_path: Path) -> None:
    content = MODEL_FILE.read_bytes()
    (tmp_path / "a.gguf").write_bytes(content)
    (tmp_path / "b.gguf").write_bytes(content[:-1])
    (tmp_path / "c.gguf").write_bytes(b"<html>")
    found = [verify(model)[0] for model in library.in_folder(tmp_path)]
    assert [each.outcome for each in found] == ["unknown", "wrong", "wrong"]
    assert found[1].why == "part of its data is missing"


def test_it_can_be_given_up(tmp_path: Path) -> None:
    [checked] = verify(library.built_in(), lambda _done, _total: False)
    assert checked.outcome == "stopped"


def test_what_lacks_parts_is_wrong_however_right_the_others_are(tmp_path: Path) -> None:
    name = "Tiny-00001-of-00003.gguf"
    with hub.serving({f"someone/Tiny-GGUF/{name}": MODEL_FILE.read_bytes()}) as endpoint:
        hf_hub_download("someone/Tiny-GGUF", name, endpoint=endpoint, token=False)
    [model] = library.in_hub_cache()
    there, absent = verify(model)
    assert (there.file.name, there.outcome) == (name, "right")
    assert (absent.file.name, absent.outcome) == ("Tiny-00002-of-00003.gguf", "wrong")
    assert absent.why == "2 parts missing"


def test_a_disk_that_does_not_give_the_bytes_says_nothing_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.gguf").write_bytes(MODEL_FILE.read_bytes())
    [model] = library.in_folder(tmp_path)
    (tmp_path / "a.gguf").unlink()
    [gone] = verify(model)
    assert (gone.outcome, gone.why) == ("unread", "it cannot be read: No such file or directory")
    # A bad block.
    (tmp_path / "a.gguf").write_bytes(MODEL_FILE.read_bytes())

    def bad_block(*_: object) -> Header:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(checksum, "read_header", bad_block)
    [unread] = verify(model)
    assert (unread.outcome, unread.why) == ("unread", "it cannot be read: Input/output error")
