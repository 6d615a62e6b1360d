"""The command line as a shell sees it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gguf_files import random_model
from tests.terminal import running
from tests.waiting import wait_until_blocking
from workbench import __version__
from workbench.models.pocket import MODEL_FILE
from workbench.parameters import presets
from workbench.parameters.table import TABLE
from workbench.settings import paths

WORKBENCH = [sys.executable, "-m", "workbench"]
KEYS = [
    "text", "model", "finish_reason", "prompt_tokens", "completion_tokens", "prompt_tps", "tps",
    "ttft_ms", "load_ms",
]  # fmt: skip


def workbench(*arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*WORKBENCH, *arguments], capture_output=True, text=True, input=text, check=False
    )


def test_version_and_help() -> None:
    assert workbench("--version").stdout == f"workbench {__version__}\n"
    for arguments in (["--help"], ["run", "--help"]):
        shown = workbench(*arguments)
        assert shown.returncode == 0
        for parameter in TABLE:
            assert parameter.flag in shown.stdout


def test_run_streams_the_answer() -> None:
    answer = workbench("run", "Hello!", "--temperature", "0", "--max-tokens", "20")
    assert answer.returncode == 0
    assert answer.stdout.strip()
    assert answer.stdout.endswith("\n")
    assert answer.stderr == ""


def test_json_is_one_object_with_every_figure() -> None:
    arguments = ["run", "Hello!", "--temperature", "0", "--max-tokens", "5", "--json"]
    answer = workbench(*arguments)
    assert answer.returncode == 0
    result = json.loads(answer.stdout)
    assert list(result) == KEYS
    assert result["model"] == "pocket"
    assert result["finish_reason"] in ("stop", "length")
    assert 0 < result["completion_tokens"] <= 5
    for figure in ("prompt_tokens", "prompt_tps", "tps", "ttft_ms", "load_ms"):
        assert result[figure] > 0, figure
    assert json.loads(workbench(*arguments).stdout)["text"] == result["text"]


def test_the_prompt_may_come_from_stdin() -> None:
    arguments = ["--temperature", "0", "--max-tokens", "10", "--json"]
    typed = json.loads(workbench("run", "Hello!", *arguments).stdout)
    piped = json.loads(workbench("run", "-", *arguments, text="Hello!").stdout)
    assert piped["text"] == typed["text"]
    assert piped["prompt_tokens"] == typed["prompt_tokens"]


def test_a_system_message_reaches_the_model() -> None:
    arguments = ["run", "Hello!", "--max-tokens", "1", "--json"]
    without = json.loads(workbench(*arguments).stdout)
    with_system = json.loads(workbench(*arguments, "--system", "Be very brief.").stdout)
    assert with_system["prompt_tokens"] > without["prompt_tokens"] + 2


def test_flags_before_the_command_count_too() -> None:
    result = json.loads(workbench("--max-tokens", "3", "run", "Hello!", "--json").stdout)
    assert result["completion_tokens"] <= 3


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["run", "hi", "--temperature", "hot"], "'hot' is not a number"),
        (["run", "hi", "--top-p", "1.5"], "top_p takes 0 to 1"),
        (["run", "hi", "--temprature", "1"], "No such option"),
        (["--fps", "0"], "0 is not in the range 1<=x<=120"),
        (["--color", "blue"], "'blue' is not one of"),
        (["run", ""], "the prompt is empty"),
        (["run", "  \n"], "the prompt is empty"),
        (["run"], "the prompt is empty"),
        (["walk"], "No such command 'walk'"),
    ],
)
def test_wrong_usage_is_2_and_a_sentence(arguments: list[str], complaint: str) -> None:
    answer = workbench(*arguments)
    assert answer.returncode == 2
    assert complaint in answer.stderr
    assert "Traceback" not in answer.stderr
    assert answer.stdout == ""


def test_empty_stdin_is_an_empty_prompt() -> None:
    assert workbench("run", "-", text="").returncode == 2


def test_a_bad_model_is_1_and_a_sentence(tmp_path: Path) -> None:
    text_file = tmp_path / "letter.gguf"
    text_file.write_text("Dear reader")
    for model, complaint in (
        (tmp_path / "nowhere.gguf", "there is no file"),
        (text_file, "is not a GGUF file"),
    ):
        for extra in ([], ["--json"]):
            answer = workbench("run", "hi", "--model", str(model), *extra)
            assert answer.returncode == 1
            assert complaint in answer.stderr
            assert "Traceback" not in answer.stderr
            assert answer.stdout == ""


def test_a_death_of_the_engine_is_1_and_a_sentence(slow_model: Path) -> None:
    with subprocess.Popen(
        [*WORKBENCH, "run", "hi", "--model", str(slow_model), "--temperature", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        assert run.stdout.read(1)
        [engine] = children(run.pid)
        os.kill(engine, signal.SIGKILL)
        assert run.wait(timeout=60) == 1
        message = run.stderr.read().decode()
    assert "SIGKILL" in message
    assert "Traceback" not in message


def test_ctrl_c_ends_run_and_its_engine(slow_model: Path) -> None:
    with subprocess.Popen(
        [*WORKBENCH, "run", "hi", "--model", str(slow_model), "--temperature", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Shells start background jobs, and so perhaps these tests, with SIGINT ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        assert run.stdout.read(1)
        [engine] = children(run.pid)
        run.send_signal(signal.SIGINT)
        assert run.wait(timeout=60) == 130
        assert b"Traceback" not in run.stderr.read()
    wait_until_blocking(lambda: not Path(f"/proc/{engine}").exists(), "the engine to be gone")


def test_a_reader_that_goes_away_ends_run_quietly(slow_model: Path) -> None:
    with subprocess.Popen(
        [*WORKBENCH, "run", "hi", "--model", str(slow_model), "--temperature", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        assert run.stdout.read(1)
        run.stdout.close()
        assert run.wait(timeout=60) == 141
        assert b"Traceback" not in run.stderr.read()


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_run_never_imports_textual() -> None:
    script = (
        "import sys\n"
        "from workbench.cli import workbench\n"
        "try:\n"
        "    workbench(['run', 'Hello!', '--max-tokens', '3'], prog_name='workbench')\n"
        "except SystemExit as end:\n"
        "    assert not end.code, end.code\n"
        "loaded = {name.partition('.')[0] for name in sys.modules} & {'textual', 'llama_cpp'}\n"
        "assert not loaded, loaded\n"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.strip()


def test_the_app_without_a_terminal_says_what_to_do() -> None:
    answer = workbench(text="")
    assert answer.returncode == 1
    assert "workbench run" in answer.stderr


def test_nothing_a_model_writes_reaches_the_terminal_as_a_command(tmp_path: Path) -> None:
    # Random weights draw every token there is, control characters among them.
    wild = random_model(tmp_path / "wild.gguf", layers=1, width=64, heads=2, forward=64)
    hot = ["--temperature", "5", "--top-k", "0", "--top-p", "1", "--min-p", "0"]
    text = ""
    for seed in range(4):
        answer = subprocess.run(
            [*WORKBENCH, "run", "hi", "--model", str(wild), "--seed", str(seed), *hot],
            capture_output=True,
            check=True,
        )
        text += answer.stdout.decode()
    assert len(text) > 500
    assert all(char in "\n\t" or (char >= " " and not "\x7f" <= char <= "\x9f") for char in text)


def test_empty_variables_are_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("XDG_CACHE_HOME", "HF_HOME", "HF_HUB_CACHE", "HF_ENDPOINT"):
        monkeypatch.setenv(name, "")
    asked = """if True:
        import sys
        from workbench.__main__ import main
        sys.argv[1:] = ["--version"]
        try:
            main()
        finally:
            from huggingface_hub import constants
            print(constants.HF_HUB_CACHE, constants.ENDPOINT)
    """
    told = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True
    ).stdout.split()
    assert Path(told[-2]).is_absolute()
    assert told[-1].startswith("https://")


def test_a_flag_comes_before_the_models_own_preset_also_with_a_default() -> None:
    presets.save_of_model(paths.presets(), "pocket", {"n_ctx": 256, "ignore_eos": True})
    arguments = ["run", "Tell me a story.", "--max-tokens", "300", "--temperature", "0"]
    assert "context is full" in workbench(*arguments).stderr
    assert workbench(*arguments, "--n-ctx", "auto").stderr == ""


def test_what_is_not_utf_8_is_put_right_or_refused() -> None:
    prompt = ["run", "Hello!", "--max-tokens", "2"]
    answer = workbench(*prompt, "--system", os.fsdecode(b"Br\xe9f"))
    assert (answer.returncode, answer.stderr) == (0, "")
    answer = workbench(*prompt, "--lora", os.fsdecode(b"caf\xe9.gguf"))
    assert answer.returncode == 2
    assert "lora takes text in UTF-8" in answer.stderr


def test_a_presets_words_reach_the_terminal_without_commands() -> None:
    file = paths.presets() / "evil.toml"
    file.parent.mkdir(parents=True)
    file.write_text('"\\u001b]52;c;ZXZpbA==" = 1\n')
    # On a terminal nothing else takes them out.
    command = [*WORKBENCH, "run", "hi", "--preset", "evil"]
    with running(command, columns=400) as terminal:
        assert terminal.process.wait(timeout=60) == 2
        terminal.wait_for("there is no parameter")
        assert b"\x1b]52" not in terminal.output


def test_ctrl_c_is_130_whichever_command_it_was(config_folder: Path, tmp_path: Path) -> None:
    (config_folder / "config.toml").write_text(f"model_folders = [{json.dumps(str(tmp_path))}]")
    shutil.copy(MODEL_FILE, tmp_path / "mine.gguf")
    # These tests may have been started with SIGINT ignored.
    heard = (
        "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "runpy.run_module('workbench', run_name='__main__')"
    )
    with running([sys.executable, "-c", heard, "models", "rm", "mine"]) as terminal:
        terminal.wait_for("Remove this")
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.process.wait(timeout=60) == 130
    assert (tmp_path / "mine.gguf").exists()
