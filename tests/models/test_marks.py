from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from workbench.models import marks
from workbench.models.model_file import ModelFile


def model(name: str) -> ModelFile:
    return ModelFile(name, Path("/models") / name, 1, source="here")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where marks are kept; its folder is not there yet."""
    return tmp_path / "state" / "marks.toml"


def test_favourites_come_first_and_then_what_was_used_last(file: Path) -> None:
    a, b, c, d = models = [model(name) for name in "abcd"]
    before = time.time()
    marks.used_now(file, b.path)
    marks.used_now(file, c.path)
    marks.toggle(file, d.path)
    read = marks.load(file)
    assert read.ordered(models) == [d, c, b, a]
    assert before <= read.last_used(c) <= time.time()
    assert read.last_used(a) == 0
    marks.toggle(file, d.path)
    assert marks.load(file).ordered(models) == [c, b, a, d]


def test_only_so_many_are_remembered_and_no_path_that_is_no_text(file: Path) -> None:
    made = marks.Marks()
    for number in range(300):
        made = made.using(Path(f"/{number}"), float(number))
    assert (len(made.used), min(made.used.values())) == (200, 100.0)
    marks.used_now(file, Path("/odd\udcff"))
    marks.toggle(file, Path("/odd\udcff"))
    assert marks.load(file) == marks.Marks()
    assert file.exists()


def test_a_damaged_file_says_nothing_and_stays(file: Path) -> None:
    file.parent.mkdir()
    # A person's own line too much.
    text = "favourites = ['/models/a', '/models/b']\nfavourites = 3"
    file.write_text(text)
    assert marks.load(file) == marks.Marks()
    with pytest.raises(OSError, match=r"marks\.toml is damaged; mend it or remove it"):
        marks.toggle(file, Path("/models/c"))
    marks.used_now(file, Path("/models/c"))
    assert file.read_text() == text


def test_what_cannot_be_read_is_not_written_over(file: Path) -> None:
    file.parent.mkdir()
    # As with one that may not be read; this nobody may.
    file.symlink_to(file)
    with pytest.raises(OSError, match="symbolic links"):
        marks.toggle(file, Path("/models/c"))
    assert file.is_symlink()


def test_two_at_once_lose_nothing(file: Path) -> None:
    n_others = 30
    command = (
        "import sys; from pathlib import Path; from workbench.models import marks\n"
        f"for n in range({n_others}): marks.toggle(Path(sys.argv[1]), Path(f'/theirs/{{n}}'))"
    )
    with subprocess.Popen([sys.executable, "-c", command, str(file)]) as other:
        with ThreadPoolExecutor(2) as threads:
            ours = [Path(f"/ours/{number}") for number in range(n_others)]
            list(threads.map(lambda path: marks.toggle(file, path), ours))
        assert other.wait() == 0
    assert len(marks.load(file).favourites) == 2 * n_others
