from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sessions.made import Begin
from workbench.sessions.database import StoreError
from workbench.sessions.journal import Journal


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "sessions.sqlite"


@pytest.fixture
def troubles() -> list[str]:
    return []


@pytest.fixture
def begin(file: Path, troubles: list[str]) -> Iterator[Begin]:
    """Begins journals, and ends them."""
    begun: list[Journal] = []

    def start(seconds: float = 0.0) -> Journal:
        begun.append(Journal(file, on_trouble=troubles.append, seconds=seconds))
        return begun[-1]

    yield start
    for journal in begun:
        try:
            journal.close()
        except StoreError as error:
            troubles.append(str(error))
