"""``workbench models fit``, ``list``, ``verify`` and ``rm`` as a shell sees them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests import hub
from tests.gguf_files import random_model
from tests.test_cli import workbench
from workbench.models.download.queue import Downloads
from workbench.models.hub.client import HubClient
from workbench.models.hub.repository import RemoteFile
from workbench.models.pocket import MODEL_FILE
from workbench.settings import paths


@pytest.fixture
def folder(home: Path, config_folder: Path) -> Path:
    """A folder of models that the configuration names."""
    made = home / "my models"
    made.mkdir()
    (config_folder / "config.toml").write_text(f"model_folders = [{json.dumps(str(made))}]")
    return made


def test_fit_says_what_a_file_takes(folder: Path) -> None:
    file = random_model(folder / "Tiny-F16.gguf", layers=2, width=128, heads=2, forward=256)
    arguments = ["--n-ctx", "2048", "--cache-type-k", "q8_0"]
    told = json.loads(workbench("models", "fit", str(file), "--json", *arguments).stdout)
    assert (told["verdict"], told["exact"], told["n_ctx"]) == ("fits", True, 2048)
    [host] = told["places"]
    assert host["cache"] == 2048 * 2 * 128 * (34 / 32 + 2)
    assert host["weights"] == pytest.approx(file.stat().st_size, rel=0.1)
    assert told["tps"] > 0
    # By the name that the list gives, with flags before the command.
    shown = workbench("--n-ctx", "1024", "models", "fit", "Tiny-F16")
    assert shown.returncode == 0, shown.stderr
    assert "n_ctx 1,024; the longest that fits is 4,096" in shown.stdout
    assert "It fits." in shown.stdout


def test_fit_of_what_is_on_the_hub_fetches_the_header_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = random_model(tmp_path / "x.gguf", layers=4, width=256, heads=4)
    local = json.loads(workbench("models", "fit", str(file), "--json").stdout)
    with hub.running({"someone/Tiny-GGUF/Tiny-F16.gguf": file.read_bytes()}) as at:
        monkeypatch.setenv("HF_ENDPOINT", at.endpoint)
        address = f"{at.endpoint}/someone/Tiny-GGUF"
        for reference in ("someone/Tiny-GGUF", "someone/Tiny-GGUF:F16", address):
            answer = workbench("models", "fit", reference, "--json")
            assert answer.returncode == 0, answer.stderr
            told = json.loads(answer.stdout)
            assert told["model"] == "someone/Tiny-GGUF/Tiny-F16"
            for figure in ("weights", "cache", "compute"):
                assert told["places"][0][figure] == local["places"][0][figure]
        assert at.n_sent < 2 << 20
        missing = workbench("models", "fit", "someone/Tiny-GGUF:Q2_K")
    assert missing.returncode == 1
    assert "someone/Tiny-GGUF:F16" in missing.stderr


@pytest.mark.parametrize(
    ("reference", "complaint"),
    [
        ("no such thing", "there is no model no such thing"),
        ("{folder}/page.gguf", "not a GGUF file"),
    ],
)
def test_what_cannot_be_judged_is_1_and_a_sentence(
    folder: Path, reference: str, complaint: str
) -> None:
    (folder / "page.gguf").write_text("<html>")
    answer = workbench("models", "fit", reference.format(folder=folder))
    assert (answer.returncode, answer.stdout) == (1, "")
    assert complaint in answer.stderr
    assert "Traceback" not in answer.stderr


def test_list_shows_what_the_headers_say(folder: Path) -> None:
    shutil.copy(MODEL_FILE, folder / "mine-Q8_0.gguf")
    (folder / "torn-Q8_0.gguf").write_bytes(MODEL_FILE.read_bytes()[:-1])
    assert workbench("run", "hi", "-m", str(folder / "mine-Q8_0.gguf"), "--max-tokens", "1")
    told = json.loads(workbench("models", "list", "--json").stdout)
    mine, pocket, torn = sorted(told["models"], key=lambda each: str(each["name"]))
    # What was used last is in front.
    assert told["models"][0] == mine
    assert mine["last_used"] > 1e9
    assert (mine["architecture"], mine["n_ctx"], mine["quantisation"]) == ("llama", 1024, "Q8_0")
    assert pocket["source"] == "built in"
    assert torn["problem"] == "part of its data is missing"
    assert told["disk_use"] == 3 * MODEL_FILE.stat().st_size - 1
    lines = workbench("models", "list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["model", "mine-Q8_0", "pocket", "torn-Q8_0", "3"]


def test_copies_are_listed_once_and_removed_one_by_one(folder: Path) -> None:
    content = MODEL_FILE.read_bytes()[:-1]
    for copy in ("first", "second"):
        (folder / f"{copy}.gguf").write_bytes(content)

    def listed() -> dict[str, Any]:
        told = json.loads(workbench("models", "list", "--json").stdout)
        return {model["name"]: model for model in told["models"]}

    assert set(listed()) == {"pocket", "first"}
    assert listed()["first"]["also"] == ["~/my models/second.gguf"]
    # Both are read: one may be damaged.
    files = [line.partition(":")[0] for line in workbench("models", "verify").stdout.splitlines()]
    assert {Path(file).name for file in files} >= {"first.gguf", "second.gguf"}
    assert workbench("models", "rm", "second", "--yes").returncode == 0
    assert listed()["first"]["also"] == []


def test_verify_finds_what_is_wrong(folder: Path) -> None:
    shutil.copy(MODEL_FILE, folder / "mine.gguf")
    assert workbench("models", "verify", "mine").returncode == 0
    (folder / "mine.gguf").write_bytes(MODEL_FILE.read_bytes()[:-1])
    answer = workbench("models", "verify", "--json")
    assert answer.returncode == 1
    outcomes = {each["model"]: each["outcome"] for each in json.loads(answer.stdout)}
    assert outcomes == {"mine": "wrong", "pocket": "unknown"}
    (folder / "mine.gguf").rename(folder / "mine-00002-of-00002.gguf")
    (folder / "mine-00002-of-00002.gguf").write_bytes(MODEL_FILE.read_bytes())
    answer = workbench("models", "verify", "mine")
    assert answer.returncode == 1
    assert "mine-00001-of-00002.gguf: wrong: 1 part missing" in answer.stdout


def test_rm_asks_first(folder: Path) -> None:
    shutil.copy(MODEL_FILE, folder / "mine.gguf")
    unasked = workbench("models", "rm", "mine")
    assert unasked.returncode == 1
    assert "--yes" in unasked.stderr
    assert (folder / "mine.gguf").exists()
    told = json.loads(workbench("models", "rm", "mine", "--yes", "--json").stdout)
    assert told == {"removed": ["mine"], "freed": MODEL_FILE.stat().st_size}
    assert not (folder / "mine.gguf").exists()
    assert "there is no model mine" in workbench("models", "rm", "mine", "--yes").stderr


def test_names_of_files_reach_the_terminal_without_commands(folder: Path) -> None:
    shutil.copy(MODEL_FILE, folder / "evil\x1b[2J.gguf")
    for arguments in (["list"], ["list", "--json"], ["verify"]):
        answer = workbench("models", *arguments)
        assert answer.returncode == 0, answer.stderr
        assert "evil[2J" in answer.stdout
        assert "\x1b" not in answer.stdout


def test_a_download_that_is_not_done_is_listed_and_cancelled(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hub.running({}) as at:
        monkeypatch.setenv("HF_ENDPOINT", at.endpoint)
        with HubClient(at.endpoint) as client:
            queue = Downloads(paths.downloads(), client, tell=lambda _: None)
            queue.add("someone/Large-GGUF", "Large-Q8_0", [RemoteFile("Large-Q8_0.gguf", 10**9)])
        words = "unfinished: someone/Large-GGUF/Large-Q8_0, 0.0 MB of 1.00 GB"
        assert words in workbench("models", "list").stdout
        [begun] = json.loads(workbench("models", "list", "--json").stdout)["unfinished"]
        assert (begun["state"], begun["size"]) == ("queued", 10**9)
        # A model of that name is something else.
        shutil.copy(MODEL_FILE, folder / "Large-Q8_0.gguf")
        either = workbench("models", "rm", "--yes", "Large-Q8_0")
        assert either.returncode == 1
        assert "say which, someone/Large-GGUF/Large-Q8_0, " in either.stderr
        assert list(paths.downloads().glob("*.json"))
        assert (folder / "Large-Q8_0.gguf").exists()
        gone = workbench("models", "rm", "--yes", "someone/Large-GGUF/Large-Q8_0")
        assert gone.returncode == 0, gone.stderr
        assert not list(paths.downloads().glob("*.json"))
        assert (folder / "Large-Q8_0.gguf").exists()
        assert "unfinished" not in workbench("models", "list").stdout


def test_fit_of_a_whole_repository_says_which_file_it_took(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = random_model(tmp_path / "x.gguf", layers=1, width=64, heads=2)
    files = {f"someone/Tiny-GGUF/Tiny-{each}.gguf": file.read_bytes() for each in ("Q4_K_M", "F16")}
    with hub.running(files) as at:
        monkeypatch.setenv("HF_ENDPOINT", at.endpoint)
        answer = workbench("models", "fit", "someone/Tiny-GGUF")
        assert "Q4_K_M of it; there are also F16." in answer.stderr
