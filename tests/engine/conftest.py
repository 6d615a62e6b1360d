"""Tiny models on real vocabularies, loaded into the tests' own process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import lru_cache

import pytest

from tests import vocabularies
from tests.gguf_files import random_model
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
