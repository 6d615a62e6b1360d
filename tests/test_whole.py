from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from workbench import whole


def modes(folder: Path) -> dict[str, int]:
    return {each.name: each.stat().st_mode & 0o777 for each in folder.iterdir()}


def test_a_new_file_is_private_unless_it_is_to_be_read_by_others(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        whole.write(tmp_path / "in" / "own", "é 日本\n")
        whole.write(tmp_path / "in" / "shared", "é 日本\n", mode=0o666)
    finally:
        os.umask(before)
    assert modes(tmp_path / "in") == {"own": 0o600, "shared": 0o640}
    assert (tmp_path / "in" / "own").read_bytes() == "é 日本\n".encode()


def test_what_is_there_keeps_its_permissions_and_its_links(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    file, link = folder / "file", folder / "link"
    file.write_text("before")
    file.chmod(0o644)
    link.symlink_to(file.name)
    whole.write(link, "after")
    assert link.is_symlink()
    assert file.read_text() == "after"
    assert modes(folder) == {"file": 0o644, "link": 0o644}


def test_a_link_to_nothing_yet_leads_to_a_new_file(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("file")
    whole.write(link, "new")
    assert link.is_symlink()
    assert (tmp_path / "file").read_text() == "new"


def test_what_is_no_file_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    whole.write(pipe, "through it")
    reader.join(10)
    assert read == ["through it"]
    assert pipe.is_fifo()


@pytest.mark.parametrize("text", ["\ud800", "x"])
def test_what_cannot_be_written_leaves_nothing(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    file = folder / "file"
    if text == "x":
        # A folder is in the way.
        file.mkdir()
    else:
        file.write_text("before")
    with pytest.raises((OSError, UnicodeError)):
        whole.write(file, text)
    assert [each.name for each in folder.iterdir()] == ["file"]
    if file.is_file():
        assert file.read_text() == "before"
