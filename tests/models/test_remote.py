from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests import hub
from tests.gguf_files import random_model
from workbench.models.gguf import GgufError, read_header
from workbench.models.hub.client import HubClient
from workbench.models.hub.errors import GatedError, OfflineError
from workbench.models.remote import header_file

NAME = "someone/Tiny-GGUF/Tiny.gguf"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model much larger than the first step."""
    return random_model(tmp_path_factory.mktemp("remote") / "Tiny.gguf", layers=4, width=256)


def fetched(at: hub.Hub, folder: Path, *paths: str, deadline: float = 30) -> Path:
    with HubClient(at.endpoint, token=False) as client:
        return header_file(client, "someone/Tiny-GGUF", paths, folder, deadline=deadline)


@pytest.mark.parametrize("signs", [False, True])
def test_a_header_is_fetched_and_no_weight(model: Path, tmp_path: Path, signs: bool) -> None:
    with hub.running({NAME: model.read_bytes()}) as at:
        at.signs = signs
        file = fetched(at, tmp_path / "headers", "Tiny.gguf")
        assert read_header(file) == read_header(model)
        assert file.stat().st_size == model.stat().st_size
        assert file.stat().st_blocks * 512 < model.stat().st_size / 4
        assert at.n_sent <= 1 << 20
        at.faults.append(hub.Fault("status", method="GET", times=9, code=500))
        assert fetched(at, tmp_path / "headers", "Tiny.gguf") == file


def test_a_long_header_takes_more_steps(tmp_path: Path) -> None:
    # Three mebibytes of text before the tensors.
    file = random_model(
        tmp_path / "Tiny.gguf",
        layers=1, width=64, heads=2, forward=64,
        metadata={"general.description": "long " * 600_000},
    )  # fmt: skip
    with hub.running({NAME: file.read_bytes()}) as at:
        assert read_header(fetched(at, tmp_path / "headers", "Tiny.gguf")) == read_header(file)
        assert len(at.ranges()) == 2


def test_all_parts_of_a_split_model_are_there(model: Path, tmp_path: Path) -> None:
    parts = [f"Tiny-{part:05}-of-00002.gguf" for part in (1, 2)]
    files = {f"someone/Tiny-GGUF/{part}": model.read_bytes() for part in parts}
    with hub.running(files) as at:
        file = fetched(at, tmp_path / "headers", *parts)
    # By names of their own: others have the same bytes under other names.
    names = [f"model-{part:05}-of-00002.gguf" for part in (1, 2)]
    assert file.name == names[0]
    assert sorted(each.name for each in file.parent.iterdir()) == names


def test_the_same_bytes_under_another_name_are_known(model: Path, tmp_path: Path) -> None:
    files = {f"someone/Tiny-GGUF/{name}": model.read_bytes() for name in ("a.gguf", "b.gguf")}
    with hub.running(files) as at:
        first = fetched(at, tmp_path / "headers", "a.gguf")
        assert fetched(at, tmp_path / "headers", "b.gguf") == first
    assert read_header(first) == read_header(model)


def test_two_questions_at_once_are_both_answered(model: Path, tmp_path: Path) -> None:
    with hub.running({NAME: model.read_bytes()}) as at:
        at.faults += [hub.Fault("late", method="GET", times=2, seconds=0.5)]
        with ThreadPoolExecutor() as pool:
            asked = [pool.submit(fetched, at, tmp_path / "headers", "Tiny.gguf") for _ in range(2)]
        assert len(at.ranges()) == 2
        assert {read_header(each.result()).data_offset for each in asked} == {
            read_header(model).data_offset
        }


def test_a_server_without_ranges_gives_the_beginning(model: Path, tmp_path: Path) -> None:
    with hub.running({NAME: model.read_bytes()}) as at:
        at.faults.append(hub.Fault("no_range"))
        assert read_header(fetched(at, tmp_path / "headers", "Tiny.gguf")) == read_header(model)


def test_what_goes_wrong_is_said_and_leaves_nothing(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "headers"
    with hub.running({NAME: model.read_bytes(), "someone/Tiny-GGUF/page.gguf": b"<p>" * 999}) as at:
        at.faults.append(hub.Fault("stall", after=1000))
        with pytest.raises(OfflineError):
            fetched(at, folder, "Tiny.gguf", deadline=0.5)
        at.faults.append(hub.Fault("cut", after=1000))
        with pytest.raises(OfflineError):
            fetched(at, folder, "Tiny.gguf")
        with pytest.raises(GgufError, match="not a GGUF"):
            fetched(at, folder, "page.gguf")
        at.gated.add("someone/Tiny-GGUF")
        with pytest.raises(GatedError):
            fetched(at, folder, "Tiny.gguf")
    assert list(folder.iterdir()) == []
