from __future__ import annotations

from pathlib import Path

import pytest

from workbench.settings import paths


def test_only_the_newest_logs_are_kept(home: Path) -> None:
    folder = paths.engine_log().parent
    for number in range(30):
        (folder / f"engine-{number}.log").touch()
    paths.engine_log()
    assert 10 <= len(list(folder.iterdir())) <= 12


def test_a_home_that_cannot_be_written_to_does_not_matter(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = home / "blocked"
    blocked.write_text("a file where a folder should be")
    monkeypatch.setenv("XDG_STATE_HOME", str(blocked))
    log = paths.engine_log()
    log.write_text("works")
    assert not log.is_relative_to(home)
