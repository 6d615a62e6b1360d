from __future__ import annotations

from pathlib import Path

from huggingface_hub import hf_hub_download

from tests import hub
from workbench.models import library
from workbench.models.checksum import verify
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


def test_a_model_without_all_its_parts_is_not_right(tmp_path: Path) -> None:
    (tmp_path / "x-00001-of-00002.gguf").write_bytes(MODEL_FILE.read_bytes())
    [model] = library.in_folder(tmp_path)
    assert [(each.outcome, each.why) for each in verify(model)] == [
        ("unknown", ""),
        ("wrong", "1 part missing"),
    ]


def test_what_cannot_be_read_is_not_wrong(tmp_path: Path) -> None:
    (tmp_path / "x.gguf").write_bytes(MODEL_FILE.read_bytes())
    [model] = library.in_folder(tmp_path)
    model.path.unlink()
    [checked] = verify(model)
    assert checked.outcome == "unread"
    assert "cannot be read" in checked.why
