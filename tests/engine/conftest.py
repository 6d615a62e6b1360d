"""An engine of its own for each test, and tiny models."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path

import pytest

from tests import vocabularies
from tests.engine.reports import running_engine
from tests.gguf_files import random_model, recurrent_model, sliding_model
from workbench.engine.client import EngineClient
from workbench.engine.llama.model import Model
from workbench.parameters.table import completed


@pytest.fixture(scope="session")
def loading(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Model]]:
    """Loads a tiny model with a vocabulary, once."""
    folder = tmp_path_factory.mktemp("vocabularies")
    with ExitStack() as opened:

        @lru_cache
        def load(vocabulary: str) -> Model:
            file = random_model(
                folder / f"{vocabulary}.gguf",
                layers=1,
                width=32,
                heads=1,
                forward=32,
                template="{{ messages[-1].content }}",
                vocabulary=vocabularies.unpacked(vocabulary, folder),
            )
            return opened.enter_context(Model(file, completed({}), on_progress=lambda _: True))

        yield load


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[EngineClient]:
    """An engine, gone at the end."""
    async with running_engine(tmp_path / "engine.log") as client:
        yield client


@pytest.fixture(scope="session")
def sliding(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose layers see only the last few tokens."""
    return sliding_model(tmp_path_factory.mktemp("models") / "sliding.gguf")


@pytest.fixture(scope="session")
def recurrent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that keeps a running state instead of its past."""
    return recurrent_model(tmp_path_factory.mktemp("models") / "recurrent.gguf")
