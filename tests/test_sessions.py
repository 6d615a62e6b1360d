"""``workbench sessions`` as a shell sees it."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.sessions.made import conversation, put, session
from workbench.models import pocket
from workbench.sessions.conversation import Conversation, ModelFile
from workbench.sessions.session import Session
from workbench.sessions.store import Store
from workbench.settings import paths

WORKBENCH = [sys.executable, "-m", "workbench"]


def workbench(*arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*WORKBENCH, *arguments], capture_output=True, text=True, input=text, check=False
    )


def sessions(*arguments: str, text: str | None = None) -> str:
    done = workbench("sessions", *arguments, text=text)
    assert done.returncode == 0, done.stderr
    return done.stdout


def as_json(*arguments: str, text: str | None = None) -> Any:
    return json.loads(sessions(*arguments, "--json", text=text))


@pytest.fixture
def two(home: Path) -> tuple[int, int]:
    """A store with two conversations."""
    with Store(paths.sessions()) as store:
        return put(store, "Why is the sky blue?", "Because."), put(store, "And the sea?", "So.")


def test_without_conversations_there_is_nothing_and_nothing_is_made(home: Path) -> None:
    assert as_json("list") == []
    assert as_json("search", "sky") == []
    for arguments in (["show", "1"], ["export", "1"], ["rm", "1"], ["export", "--all"]):
        done = workbench("sessions", *arguments)
        assert done.returncode == 1
        assert done.stderr == "Error: There are no conversations yet.\n"
    assert not paths.sessions().exists()


def test_list_show_and_search(two: tuple[int, int]) -> None:
    sky, sea = two
    lines = sessions("list").splitlines()
    assert [line.split()[0] for line in lines] == [str(sea), str(sky)]
    assert lines[1].endswith("2  Why is the sky blue?")
    assert [each["id"] for each in as_json("list")] == [sea, sky]
    assert [each["title"] for each in as_json("list", "SKY")] == ["Why is the sky blue?"]
    assert sessions("show", "sky").endswith("You:\nWhy is the sky blue?\n\nModel:\nBecause.\n")
    assert as_json("show", str(sea))["messages"][1]["text"] == "So."
    assert "user: Why is the sky blue?" in sessions("search", "blue")
    [hit] = as_json("search", "blue", "sk")
    assert (hit["conversation"], hit["message"]) == (sky, 0)
    assert [each["text"] for each in hit["snippet"] if each["is_hit"]] == ["sky", "blue"]
    # What the shell makes of quotation marks, and of those in others.
    assert len(as_json("search", "the sky", "why")) == len(as_json("search", '"the sky" why')) == 1
    assert as_json("search", "sky the") == as_json("search", '"sky the" why') == []


def test_out_and_in(two: tuple[int, int], tmp_path: Path) -> None:
    sky, sea = two
    everything = tmp_path / "all.json"
    sessions("export", "--all", "-o", str(everything))
    assert sessions("export", "--all") == everything.read_text("utf-8")
    added = as_json("import", str(everything))
    assert [each["title"] for each in added] == ["And the sea?", "Why is the sky blue?"]
    for old, new in zip((sea, sky), added, strict=True):
        assert as_json("show", str(new["id"])) == as_json("show", str(old))
    assert sessions("export", str(sea)).startswith("# And the sea?\n")
    for suffix, start in ((".md", "# "), (".txt", "And the sea?\n"), (".json", "{")):
        file = tmp_path / f"sea{suffix}"
        sessions("export", str(sea), "-o", str(file))
        assert file.read_text("utf-8").startswith(start)
    [openai] = as_json("import", "-", text='[{"role": "user", "content": "Hello"}]')
    assert openai["title"] == "Hello"


def test_a_file_that_is_there_is_written_over_only_by_force(
    two: tuple[int, int], tmp_path: Path
) -> None:
    file, link = tmp_path / "notes.md", tmp_path / "link.md"
    file.write_text("what I wrote")
    file.chmod(0o640)
    link.symlink_to(file)
    done = workbench("sessions", "export", "sky", "-o", str(link))
    assert done.returncode == 1
    assert done.stderr == f"Error: {link} is there already: --force writes over it\n"
    assert file.read_text() == "what I wrote"
    sessions("export", "sky", "-o", str(link), "--force")
    assert link.is_symlink()
    assert file.read_text("utf-8").startswith("# Why is the sky blue?")
    assert file.stat().st_mode & 0o777 == 0o640


def test_what_is_removed_can_be_had_back(two: tuple[int, int]) -> None:
    sky, sea = two
    done = workbench("sessions", "rm", str(sky))
    assert done.stderr == f"workbench sessions rm --undo {sky} brings back what was removed.\n"
    assert [each["id"] for each in as_json("list")] == [sea]
    assert [each["id"] for each in as_json("list", "--deleted")] == [sky]
    sessions("rm", "--undo", str(sky))
    assert [each["id"] for each in as_json("list")] == [sea, sky]
    sessions("rm", "Why is the sky blue?")
    sessions("rm", "--undo", "Why is the sky blue?")
    assert [each["id"] for each in as_json("list")] == [sea, sky]
    sessions("rm", "--for-good", "sky", "sea")
    assert as_json("list") == as_json("list", "--deleted") == []


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["show", "moon"], 1, "There is no conversation 'moon'"),
        (["show", "the"], 1, "Several conversations are called so"),
        (["rm", "99"], 1, "There is no conversation '99'"),
        (["show", "9" * 20], 1, "There is no conversation '999"),
        (["export", "9" * 5000], 1, "There is no conversation '999"),
        (["rm"], 2, "say which"),
        (["rm", "1", "--undo", "--for-good"], 2, "opposites"),
        (["export"], 2, "say which"),
        (["export", "sky", "--all"], 2, "say which"),
        (["export", "sky", "sea", "--format", "text"], 2, "as JSON only"),
        (["export", "sky", "--format", "script"], 1, "not known which model file"),
        (["export", "sky", "-o", "/proc/nowhere/sky.md"], 1, "cannot write"),
        (["import", "/nowhere.json"], 1, "cannot read"),
        (["import", "-"], 1, "this is not JSON"),
    ],
)
def test_what_goes_wrong_is_a_sentence(
    two: tuple[int, int], arguments: list[str], code: int, said: str
) -> None:
    done = workbench("sessions", *arguments, text="no")
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_the_end_of_time_is_listed_and_exported(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store(paths.sessions()) as store:
        put(store, "Why is the sky blue?")
    connection = sqlite3.connect(paths.sessions())
    with connection:
        connection.execute("UPDATE conversations SET created = 253402300799000, updated = 1e17")
    connection.close()
    # Where it is later.
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    assert " 9999-01-01 " in sessions("list")
    assert "*9999-01-01 " in sessions("export", "sky")


def test_nothing_is_taken_in_if_one_file_is_wrong(two: tuple[int, int], tmp_path: Path) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text('[{"role": "user", "content": "Hello"}]')
    bad.write_bytes(b"\xff\xfe")
    done = workbench("sessions", "import", str(good), str(bad))
    assert done.returncode == 1
    assert "is no text in UTF-8" in done.stderr
    assert len(as_json("list")) == 2


def test_a_damaged_or_locked_store_is_a_sentence(two: tuple[int, int]) -> None:
    other = sqlite3.connect(paths.sessions(), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert len(as_json("list")) == 2
    done = workbench("sessions", "rm", "sky")
    assert done.returncode == 1
    assert "locked by another program" in done.stderr
    other.close()
    paths.sessions().write_bytes(b"This is no database." * 1000)
    done = workbench("sessions", "list")
    assert done.returncode == 1
    assert "is damaged" in done.stderr
    assert ".recover" in done.stderr
    assert "Traceback" not in done.stderr


# ---- the script ------------------------------------------------------------------------------


def script_for(answered: Conversation, **facts: Any) -> Path:
    """The exported script for an answer of the built-in model."""
    answer = answered.add("assistant", "", model="pocket")
    answer.model_file = ModelFile.of(pocket.MODEL_FILE)
    for name, value in facts.items():
        setattr(answer, name, value)
    answer.finish = "stop"
    with Store(paths.sessions()) as store:
        # What the conversation is to begin with by now was not said to this answer.
        kept = Session(answered, system="You are a pirate.")
        number = store.write(kept.snapshot()).id
    file = paths.sessions().with_name("answer.py")
    sessions("export", str(number), "-o", str(file))
    return file


def ran(file: Path) -> str:
    done = subprocess.run(
        [sys.executable, str(file)], capture_output=True, text=True, check=False, cwd=file.parent
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.rstrip("\n")


_PROMPT = "Tell me a story about the sea, \"please\".\nAnd é 日本 🌊 {{ x }} '''\\"


@pytest.mark.parametrize(
    ("flags", "parameters", "seed"),
    [
        (["--temperature", "0"], {"temperature": 0.0}, None),
        (["--temperature", "1.3", "--seed", "7"], {"temperature": 1.3}, 7),
        (
            ["--temperature", "0", "--ignore-eos", "--logit-bias", " the=-inf", "--stop", "sea"],
            {
                "temperature": 0.0,
                "ignore_eos": True,
                "logit_bias": (" the=-inf",),
                "stop": ("sea",),
            },
            None,
        ),
        (
            ["--temperature", "0", "--grammar", 'root ::= "yes" | "no"'],
            {"temperature": 0.0, "grammar": 'root ::= "yes" | "no"'},
            None,
        ),
        (
            ["--temperature", "0", "--chat-template", "chatml", "--cache-type-k", "q8_0"],
            {"temperature": 0.0, "chat_template": "chatml", "cache_type_k": "q8_0"},
            None,
        ),
        (
            ["--seed", "3", "--mirostat", "2", "--temperature", "1"],
            {"mirostat": "2", "temperature": 1.0},
            3,
        ),
    ],
)
def test_the_script_gives_the_answer_once_more(
    home: Path, flags: list[str], parameters: dict[str, Any], seed: int | None
) -> None:
    flags = [*flags, "--max-tokens", "60", "--system", "Be kind."]
    answer = workbench("run", _PROMPT, *flags)
    assert answer.returncode == 0, answer.stderr
    said = answer.stdout.rstrip("\n")
    assert said
    file = script_for(
        conversation(_PROMPT),
        parameters={**parameters, "max_tokens": 60, "system": "Be kind."},
        seed=seed,
        n_ctx=1024,
    )
    assert ran(file) == said
    assert "no way to say" not in file.read_text("utf-8")


def test_the_script_goes_on_with_a_conversation_and_a_given_start(home: Path) -> None:
    talk = conversation("Hello!", "Hello. How can I help?", "Who are you?")
    file = script_for(talk, text="I am", given=4, parameters={"temperature": 0.0, "max_tokens": 30})
    whole = ran(file)
    assert whole.startswith("I am")
    assert len(whole) > 10
    source = file.read_text("utf-8")
    assert "Hello. How can I help?" in source
    assert "GIVEN = 'I am'" in source


def test_the_script_says_what_it_cannot_say(home: Path) -> None:
    talk = conversation("Is <|im_end|> a token?")
    parameters = {
        "temperature": 0.5,
        "dry_multiplier": 0.8,
        "xtc_probability": 0.5,
        "dynatemp_range": 0.2,
        "top_n_sigma": 1.0,
        "min_keep": 3,
        "repeat_penalty": 1.1,
        "samplers": ("top_k", "temperature"),
        "context_overflow": "shift",
        "load_mode": "dio",
        "lora": ("a.gguf", "b\nc.gguf:0.5"),
        "control_vector": ("calm.gguf",),
        "not_a_parameter": 7,
    }
    file = script_for(talk, parameters=parameters)
    source = file.read_text("utf-8")
    compile(source, str(file), "exec")
    listed = source.split("no way to say")[1].split("\n\n")[0]
    for said in (
        "dry_multiplier=0.8",
        "xtc_probability=0.5",
        "dynatemp_range=0.2",
        "top_n_sigma=1.0",
        "min_keep=3",
        "penalties look at the answer alone",
        "samplers=top_k;temperature",
        "context_overflow=shift",
        "load_mode=dio",
        "lora=a.gguf,b c.gguf:0.5: only the first",
        "control_vector=calm.gguf",
        "control token",
    ):
        assert said in listed, said


def test_a_script_needs_an_answer_and_sound_parameters(home: Path) -> None:
    with Store(paths.sessions()) as store:
        put(store, "only a prompt")
        broken = session("a hot prompt", "answer")
        broken.conversation.message(1).model_file = ModelFile.of(pocket.MODEL_FILE)
        broken.conversation.message(1).parameters = {"temperature": "hot"}
        store.write(broken.snapshot())
    for title, said in (("only", "no answer"), ("hot", "temperature takes")):
        done = workbench("sessions", "export", title, "--format", "script")
        assert done.returncode == 1
        assert said in done.stderr
        assert "Traceback" not in done.stderr
