from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests import hub
from tests.gguf_files import random_model
from tests.waiting import wait_until_blocking
from workbench.models.gguf import GgufError, read_header
from workbench.models.hub.client import HubClient
from workbench.models.hub.errors import GatedError, OfflineError
from workbench.models.model_file import named_parts
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
    assert named_parts(file) == sorted(file.parent.iterdir())
    assert [read_header(part) for part in named_parts(file)] == 2 * [read_header(model)]


def test_the_same_bytes_by_another_name_are_the_same_header(model: Path, tmp_path: Path) -> None:
    content = model.read_bytes()
    with hub.running({NAME: content, "other/Copy/Copy-F16.gguf": content}) as at:
        first = fetched(at, tmp_path / "headers", "Tiny.gguf")
        n_sent = at.n_sent
        with HubClient(at.endpoint, token=False) as client:
            again = header_file(client, "other/Copy", ["Copy-F16.gguf"], tmp_path / "headers")
        assert read_header(again) == read_header(model)
        assert (again, at.n_sent) == (first, n_sent)


def test_two_who_ask_at_once_both_get_it(model: Path, tmp_path: Path) -> None:
    with hub.running({NAME: model.read_bytes()}) as at:
        # The second header is complete only when the first has long been in its place.
        at.faults.append(hub.Fault("late", method="GET", seconds=30))
        with ThreadPoolExecutor(2) as threads:
            slow = threads.submit(fetched, at, tmp_path / "headers", "Tiny.gguf")
            wait_until_blocking(lambda: len(at.ranges()) == 1, "the first question")
            file = fetched(at, tmp_path / "headers", "Tiny.gguf")
            assert not slow.done()
            at.over.set()
            assert slow.result() == file
        assert read_header(file) == read_header(model)
        assert list((tmp_path / "headers").iterdir()) == [file.parent]


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
