"""``workbench compare`` as a shell sees it."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from tests.test_cli import KEYS, WORKBENCH, workbench
from tests.waiting import wait_until_blocking
from workbench.parameters import presets
from workbench.settings import paths


def test_lanes_come_as_one_object() -> None:
    done = workbench(
        *("compare", "Tell me a story.", "--max-tokens", "12", "--seed", "3", "--json"),
        *("--lane", "temperature=0", "--lane", "temperature=1.5,min_p=0.1"),
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert list(found) == ["tps", "lanes"]
    first, second = found["lanes"]
    assert list(first) == ["lane", *KEYS, "seed", "parameters"]
    assert [first["lane"], second["lane"]] == ["A", "B"]
    assert first["parameters"] == {"temperature": 0, "min_p": 0.05}
    assert second["parameters"] == {"temperature": 1.5, "min_p": 0.1}
    assert first["seed"] == second["seed"] == 3
    # The greedy lane says what `run` says.
    alone = workbench(
        "run", "Tell me a story.", "--max-tokens", "12", "--temperature", "0", "--json"
    )
    assert first["text"] == json.loads(alone.stdout)["text"]
    assert found["tps"] > 0


def test_a_sweep_is_readable() -> None:
    done = workbench("compare", "Hello!", "--max-tokens", "5", "--sweep", "temperature 0 1.2 3")
    assert done.returncode == 0, done.stderr
    titles = [line for line in done.stdout.splitlines() if line[:3] in ("A  ", "B  ", "C  ")]
    assert titles == ["A  temperature 0", "B  temperature 0.6", "C  temperature 1.2"]
    assert "together" in done.stdout


def test_draws_of_one_setting_as_markdown() -> None:
    done = workbench(
        "compare", "-", "--max-tokens", "5", "--draws", "2", "--seed", "7", "--markdown", text="Hi"
    )
    assert done.returncode == 0, done.stderr
    assert "## A  seed 7\n" in done.stdout
    assert "## B  seed 8\n" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "say which lanes"),
        (("--sweep", "temperature 0 1 2", "--draws", "2"), "say which lanes"),
        (("--lane", "warmth=3"), "no parameter"),
        (("--sweep", "temperature 0 1 20"), "2 to 8 lanes"),
        (("--lane", "top_k=1") * 9, "room for 8 lanes"),
    ],
)
def test_what_is_wrong_is_said(arguments: tuple[str, ...], words: str) -> None:
    done = workbench("compare", "Hello!", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_lanes_of_another_model_are_answered_after_the_others(slow_model: Path) -> None:
    done = workbench(
        *("compare", "Hello!", "--max-tokens", "4", "--temperature", "0", "--json"),
        *("--lane", "", "--lane", f"model={slow_model}", "--lane", "n_ctx=256,top_k=3"),
    )
    assert done.returncode == 0, done.stderr
    assert "one after another" in done.stderr
    lanes = json.loads(done.stdout)["lanes"]
    assert [lane["model"] for lane in lanes] == ["pocket", slow_model.stem, "pocket"]
    assert lanes[1]["parameters"]["model"] == slow_model.stem
    assert lanes[2]["parameters"]["n_ctx"] == 256
    assert all(lane["completion_tokens"] == 4 for lane in lanes)


def test_what_was_answered_is_printed_whatever_comes_of_the_rest(tmp_path: Path) -> None:
    torn = tmp_path / "torn.gguf"
    torn.write_bytes(b"GGUF")
    done = workbench(
        *("compare", "Hello!", "--max-tokens", "4", "--json"),
        *("--lane", "top_k=3", "--lane", f"model={torn}", "--lane", "top_k=9"),
    )
    assert done.returncode == 1
    assert "Error" in done.stderr
    lanes = json.loads(done.stdout)["lanes"]
    assert [lane["lane"] for lane in lanes] == ["A", "C"]
    assert [lane["parameters"] for lane in lanes] == [{"top_k": 3}, {"top_k": 9}]


def test_what_was_answered_is_printed_where_the_rest_is_stopped(slow_model: Path) -> None:
    lanes = ["--lane", "max_tokens=4", "--lane", f"model={slow_model}"]
    with subprocess.Popen(
        [*WORKBENCH, "compare", "Hello!", "--json", "--ignore-eos", *lanes],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as run:

        def at_the_other() -> bool:
            engines = psutil.Process(run.pid).children()
            return any(
                str(slow_model) in file.path for each in engines for file in each.memory_maps()
            )

        wait_until_blocking(at_the_other, "the other model")
        run.send_signal(signal.SIGINT)
        said, complaint = run.communicate(timeout=60)
        assert run.returncode == 130
    [lane] = json.loads(said)["lanes"]
    assert (lane["lane"], lane["completion_tokens"]) == ("A", 4)
    assert b"Traceback" not in complaint


def test_a_models_own_preset_may_set_the_seed() -> None:
    presets.save_of_model(paths.presets(), "pocket", {"seed": 42})
    arguments = ("compare", "Hello!", "--max-tokens", "2", "--json", "--lane", "", "--lane")
    lanes = json.loads(workbench(*arguments, "top_k=3").stdout)["lanes"]
    assert [lane["seed"] for lane in lanes] == [42, 42]
    lanes = json.loads(workbench(*arguments, "seed=7", "--seed", "9").stdout)["lanes"]
    assert [lane["seed"] for lane in lanes] == [9, 7]


def test_a_default_that_is_asked_for_is_no_other_way_to_load() -> None:
    arguments = ("compare", "Hello!", "--max-tokens", "2", "--lane", "", "--lane", "n_ctx=auto")
    assert "one after another" not in workbench(*arguments).stderr
