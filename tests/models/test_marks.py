from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from workbench.models import marks
from workbench.models.model_file import ModelFile


def model(name: str) -> ModelFile:
    return ModelFile(name, Path("/models") / name, 1, source="here")


def test_favourites_come_first_and_then_what_was_used_last(tmp_path: Path) -> None:
    a, b, c, d = models = [model(name) for name in "abcd"]
    made = marks.Marks().using(b.path, 1.0).using(c.path, 2.0).toggled(d.path)
    marks.save(tmp_path / "marks.toml", made)
    read = marks.load(tmp_path / "marks.toml")
    assert read == made
    assert read.ordered(models) == [d, c, b, a]
    assert read.last_used(c) == 2.0
    assert read.toggled(d.path).ordered(models) == [c, b, a, d]


def test_only_so_many_are_remembered_and_no_path_that_is_no_text(tmp_path: Path) -> None:
    made = marks.Marks()
    for number in range(300):
        made = made.using(Path(f"/{number}"), float(number))
    made = made.using(Path("/odd\udcff"), 1000.0)
    marks.save(tmp_path / "marks.toml", made)
    read = marks.load(tmp_path / "marks.toml")
    assert len(read.used) == 199
    assert max(read.used.values()) == 299.0


def test_a_damaged_file_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "marks.toml").write_text("favourites = 3")
    assert marks.load(tmp_path / "marks.toml") == marks.Marks()


def test_many_changes_at_once_are_all_kept(tmp_path: Path) -> None:
    file = tmp_path / "marks.toml"

    def toggle(number: int) -> None:
        marks.change(file, lambda marked: marked.toggled(Path(f"/{number}")))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(toggle, range(40)))
    assert len(marks.load(file).favourites) == 40
