from __future__ import annotations

from pathlib import Path

import pytest

from workbench.models.model_file import gathered
from workbench.models.removal import removal


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_bytes(b"GGUF" + bytes(96))


def test_a_whole_model_beside_its_parts_is_another_model(tmp_path: Path) -> None:
    # What gguf-split --merge leaves.
    parts = [f"m-Q4_0-0000{part}-of-00002.gguf" for part in (1, 2)]
    write(tmp_path, *parts, "m-Q4_0.gguf")
    split, whole = sorted(
        gathered(tmp_path.iterdir(), source="here"), key=lambda model: -len(model.files)
    )
    assert (split.name, split.path.name, split.size, split.missing) == (
        "m-Q4_0-of-00002", parts[0], 200, 0
    )  # fmt: skip
    assert (whole.name, whole.path.name, whole.size, whole.missing) == (
        "m-Q4_0", "m-Q4_0.gguf", 100, 0
    )  # fmt: skip
    assert {split.quantisation, whole.quantisation} == {"Q4_0"}
    removal(whole).carry_out()
    assert sorted(each.name for each in tmp_path.glob("*.gguf")) == parts


@pytest.mark.parametrize(
    ("names", "found"),
    [
        # Of two sets one part each.
        (
            ["m-00001-of-00002.gguf", "m-00002-of-00003.gguf"],
            [("m-of-00002", 1), ("m-of-00003", 2)],
        ),
        # A set of one, and no set at all.
        (["m-00001-of-00001.gguf", "m.gguf"], [("m", 0), ("m-of-00001", 0)]),
        # No part has such a number.
        (["m-00003-of-00002.gguf"], [("m-00003-of-00002", 0)]),
    ],
)
def test_sets_of_parts_are_told_apart(
    tmp_path: Path, names: list[str], found: list[tuple[str, int]]
) -> None:
    write(tmp_path, *names)
    models = gathered(tmp_path.iterdir(), source="here")
    assert [(model.name, model.missing) for model in models] == found
