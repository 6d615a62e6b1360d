from __future__ import annotations

from pathlib import Path

import pytest

from workbench.models.model_file import ModelFile
from workbench.panes.browser.detail import of_model


@pytest.mark.parametrize("below", ["", "Q8_0"])
def test_whose_model_it_is_is_seen_and_no_commit(below: str) -> None:
    commit = "1" * 40
    file = Path("/cache/models--someone--SmallCoder-135M-GGUF/snapshots", commit, below, "x.gguf")
    model = ModelFile("x", file, 5, source="someone/SmallCoder-135M-GGUF")
    shown = [line.plain for line in of_model(model, None, used=0, checked="", width=28)]
    assert "someone/SmallCoder-135M-GGUF" in shown
    assert not any("111" in line for line in shown)


def test_of_other_models_the_folder_is_named() -> None:
    model = ModelFile("x", Path("/models/x.gguf"), 5, source="/models")
    shown = [line.plain for line in of_model(model, None, used=0, checked="", width=40)]
    assert "" not in shown
    assert shown[-1].split() == ["in", "/models"]
