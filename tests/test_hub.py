"""``workbench models search``, ``info`` and ``get`` as a shell sees them."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from huggingface_hub import hf_hub_download

from tests import hub as loopback
from tests.gguf_files import random_model
from tests.hub import Fault, Hub
from tests.terminal import running
from tests.waiting import wait_until_blocking
from workbench.models.download.order import Orders
from workbench.models.hub.repository import RemoteFile
from workbench.settings import paths

REPO = "owner/Tiny-GGUF"
CONTENT = b"GGUF" + random.Random(4).randbytes(6_000_000)
MODELS = [sys.executable, "-m", "workbench", "models"]


@pytest.fixture
def hub() -> Iterator[Hub]:
    files = {
        f"{REPO}/Tiny-Q4_K_M.gguf": CONTENT,
        f"{REPO}/Tiny-Q8_0.gguf": CONTENT[::-1],
        f"{REPO}/README.md": b"---\nlicense: mit\n---\n# Tiny\nIt is \x1b[31mtiny.",
        "owner/Other-GGUF/other.gguf": b"GGUF",
    }
    with loopback.running(files) as served:
        served.described[REPO] = {
            "gguf": {"total": 1_100_000_000, "architecture": "llama", "context_length": 4096},
            "downloads": 1234,
            "tags": ["license:mit"],
        }
        yield served


def environment(hub: Hub) -> dict[str, str]:
    return {**os.environ, "HF_ENDPOINT": hub.endpoint}


def models(hub: Hub, *arguments: str, columns: int = 80) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*MODELS, *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
        env={**environment(hub), "COLUMNS": str(columns)},
    )


def test_search_prints_a_row_for_each(hub: Hub) -> None:
    answer = models(hub, "search", "GGUF", "--sort", "downloads")
    assert answer.returncode == 0
    title, first, second = answer.stdout.splitlines()
    assert title.split() == [
        "repository", "size", "architecture", "context", "downloads", "likes",
    ]  # fmt: skip
    assert first.split() == [REPO, "1.1B", "llama", "4,096", "1,234", "0"]
    assert second.split() == ["owner/Other-GGUF", "0", "0"]


def test_a_wide_terminal_has_room_for_dates(hub: Hub) -> None:
    hub.described[REPO]["lastModified"] = "2026-09-30T12:00:00.000Z"
    for columns, dates in ((119, []), (120, ["2026-09-30"])):
        answer = models(hub, "search", "GGUF", "--sort", "downloads", columns=columns)
        title, first, _ = answer.stdout.splitlines()
        assert first.split()[6:] == dates
        assert title.split()[6:] == (["updated"] if dates else [])


def test_search_as_json_follows_the_pages_up_to_the_limit(hub: Hub) -> None:
    hub.page_size = 1
    found = json.loads(models(hub, "search", "--json").stdout)
    assert [each["repo"] for each in found] == ["owner/Other-GGUF", REPO]
    assert found[1]["n_parameters"] == 1_100_000_000
    assert len(json.loads(models(hub, "search", "--json", "--limit", "1").stdout)) == 1
    pasted = f"{hub.endpoint}/{REPO}/tree/main"
    [named] = json.loads(models(hub, "search", pasted, "--json").stdout)
    assert named["repo"] == REPO


def test_pages_without_an_end_are_not_followed(hub: Hub) -> None:
    hub.page_size = 1
    for number in range(40):
        hub.described[f"owner/Other-{number:02}"] = {"gguf": {"total": 1_000_000_000}}
    answer = models(hub, "search", "Other", "--size", "30B-")
    assert (answer.returncode, answer.stdout) == (0, "")
    assert len(hub.asked) < 15


def test_nothing_found_is_no_error(hub: Hub) -> None:
    answer = models(hub, "search", "something else")
    assert (answer.returncode, answer.stdout) == (0, "")
    assert answer.stderr == "Nothing was found.\n"


@pytest.mark.parametrize("size", ["7B", "x-8B", "-", "8B-x"])
def test_sizes_that_are_none_are_wrong_usage(hub: Hub, size: str) -> None:
    answer = models(hub, "search", "--size", size)
    assert answer.returncode == 2
    assert "give 1B-8B, -4B or 30B-" in answer.stderr


def test_a_range_that_holds_nothing_is_wrong_usage(hub: Hub) -> None:
    answer = models(hub, "search", "--size", "8B-1B")
    assert answer.returncode == 2
    assert "the smaller one first" in answer.stderr


def test_a_repository_without_models_is_no_error(hub: Hub) -> None:
    hub.commits[hub.head]["owner/Words/README.md"] = b"# Words"
    answer = models(hub, "info", "owner/Words")
    assert answer.returncode == 0
    assert answer.stderr == "It has no GGUF file.\n"
    assert json.loads(models(hub, "info", "owner/Words", "--json").stdout)["variants"] == []
    # But there is nothing to be had.
    wanted = models(hub, "get", "owner/Words", "--yes")
    assert (wanted.returncode, wanted.stdout) == (1, "")
    assert "has no GGUF file" in wanted.stderr


def test_info_shows_the_variants_and_the_card(hub: Hub) -> None:
    answer = models(hub, "info", REPO, "--card")
    assert answer.returncode == 0
    assert "  Q4_K_M  6.0 MB    Tiny-Q4_K_M.gguf" in answer.stdout
    assert "licence       mit" in answer.stdout
    assert answer.stdout.endswith("# Tiny\nIt is [31mtiny.\n")
    found = json.loads(models(hub, "info", REPO, "--json").stdout)
    assert [each["quantisation"] for each in found["variants"]] == ["Q4_K_M", "Q8_0"]
    assert found["variants"][0]["files"][0]["sha256"] == loopback.etag_of(CONTENT)
    assert "card" not in found


def test_get_prints_where_it_is(hub: Hub) -> None:
    answer = models(hub, "get", REPO, "--yes")
    assert answer.returncode == 0
    path = Path(answer.stdout.strip())
    assert path.read_bytes() == CONTENT
    assert answer.stderr == ""
    assert hf_hub_download(REPO, path.name, local_files_only=True) == str(path)
    # Once it is there, nothing is asked and nothing fetched.
    n_sent = hub.n_sent
    again = json.loads(models(hub, "get", f"{REPO}:q4_k_m", "--json").stdout)
    assert again == {
        "repo": REPO,
        "name": "Tiny-Q4_K_M",
        "quantisation": "Q4_K_M",
        "size": len(CONTENT),
        "path": str(path),
    }
    assert hub.n_sent - n_sent < 10_000
    # Nor after a commit that leaves it as it is.
    hub.change(f"{REPO}/README.md", b"# New")
    later = models(hub, "get", REPO)
    assert later.returncode == 0
    assert Path(later.stdout.strip()).resolve() == path.resolve()
    assert hub.head in later.stdout


def test_get_again_looks_for_a_newer_version(hub: Hub) -> None:
    first = models(hub, "get", REPO, "--yes")
    hub.change(f"{REPO}/Tiny-Q4_K_M.gguf", CONTENT + b"!")
    again = models(hub, "get", REPO, "--yes")
    assert "Tiny-Q4_K_M is here in an older version: the Hub has a newer one." in again.stderr
    assert Path(again.stdout.strip()).read_bytes() == CONTENT + b"!"
    assert Path(first.stdout.strip()).read_bytes() == CONTENT


def test_get_asks_nobody_who_is_not_there(hub: Hub) -> None:
    answer = models(hub, "get", f"{REPO}/Tiny-Q8_0.gguf")
    assert answer.returncode == 1
    assert "6.0 MB, and there is nobody to ask: --yes" in answer.stderr
    assert hub.ranges() == []


def test_what_a_server_writes_is_no_command(hub: Hub) -> None:
    hub.faults += [Fault("commands", path="Tiny-Q4", times=float("inf"))]
    with subprocess.Popen(
        [*MODELS, "get", REPO, "--yes"], stderr=subprocess.PIPE, env=environment(hub)
    ) as get:
        assert get.stderr is not None
        said = get.stderr.readline()
        get.kill()
    assert b"The connection was lost (]0;evil" in said
    assert said.decode().rstrip("\n").isprintable()


def test_an_endpoint_that_is_none_is_said(hub: Hub) -> None:
    hub.endpoint = "http://127.0.0.1:port"
    answer = models(hub, "info", REPO)
    assert answer.returncode == 1
    assert "set HF_ENDPOINT" in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize(
    ("reference", "code", "complaint"),
    [
        ("nonsense", 2, "names nothing on the Hub"),
        ("../..", 2, "names nothing on the Hub"),
        ("http://[x/y", 2, "names nothing on the Hub"),
        ("owner/nothing", 1, "There is no repository owner/nothing"),
        (f"{REPO}:Q2_K", 1, "Q4_K_M, Q8_0"),
        (f"{REPO}/nothing.gguf", 1, "Say which of"),
    ],
)
def test_what_cannot_be_had_is_said(hub: Hub, reference: str, code: int, complaint: str) -> None:
    answer = models(hub, "get", reference, "--yes")
    assert answer.returncode == code
    assert complaint in answer.stderr
    assert "Traceback" not in answer.stderr
    assert answer.stdout == ""


def test_gated_says_the_page_and_leaves_nothing_behind(hub: Hub, home: Path) -> None:
    hub.gated.add(REPO)
    answer = models(hub, "get", REPO, "--yes")
    assert answer.returncode == 1
    assert f"accept its conditions on {hub.endpoint}/{REPO}" in answer.stderr
    assert not list(home.rglob("*.json"))


def test_gated_is_said_before_anything_is_asked(hub: Hub) -> None:
    hub.gated.add(REPO)
    for code, said in (said_on_a_terminal(hub, "models", "get", REPO), unasked(hub)):
        assert code == 1
        assert f"accept its conditions on {hub.endpoint}/{REPO}, then log in" in said
        assert "Fetch" not in said
        assert "nobody to ask" not in said
    assert hub.ranges() == []


def unasked(hub: Hub) -> tuple[int, str]:
    answer = models(hub, "get", REPO)
    return answer.returncode, answer.stderr


def _at_a_terminal(side: int) -> None:
    os.login_tty(side)
    # Whoever runs the tests in the background has it ignored.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def said_on_a_terminal(hub: Hub, *arguments: str, answer: bytes = b"n\n") -> tuple[int, str]:
    """The exit code of a command whose question is answered so, and all that it says."""
    main, side = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "workbench", *arguments],
        stdin=side,
        stdout=side,
        stderr=side,
        env=environment(hub),
        # Its controlling terminal, so that Ctrl+C reaches it.
        preexec_fn=partial(_at_a_terminal, side),
    ) as process:
        os.close(side)
        seen = b""
        while True:
            try:
                seen += os.read(main, 1000)
            except OSError:
                # The other side is closed.
                break
            if seen.endswith(b"[y/N]: "):
                os.write(main, answer)
                break
        code = process.wait(timeout=60)
    os.close(main)
    return code, " ".join(seen.decode().split())


def test_a_question_stands_below_what_the_file_takes(hub: Hub, tmp_path: Path) -> None:
    model = random_model(tmp_path / "x.gguf", layers=1, width=64, heads=2, forward=64)
    hub.commits[hub.head] = {f"{REPO}/Tiny-Q4_K_M.gguf": model.read_bytes()}
    code, said = said_on_a_terminal(hub, "--n-ctx", "512", "models", "get", REPO)
    assert code == 1
    told = models(hub, "fit", REPO, "--n-ctx", "512").stdout.splitlines()
    before, _, _ = said.partition("Fetch Tiny-Q4_K_M")
    # What is free, in the table's last column, may have changed.
    for part in (" ".join(told[2].split()[:-2]), told[3], "It fits."):
        assert part in before
    # The same where a model is to be run.
    _, said = said_on_a_terminal(hub, "run", "hi", "--model", REPO, "--n-ctx", "512")
    before, _, _ = said.partition("Fetch Tiny-Q4_K_M")
    assert told[3] in before


def test_what_is_not_known_exactly_is_estimated(hub: Hub) -> None:
    hub.described[REPO]["gguf"]["total"] = 10_000_000
    # Of a header that does not come, and of one that is none.
    hub.faults += [Fault("status", path="Tiny-Q4_K_M.gguf", times=float("inf"))]
    code, said = said_on_a_terminal(hub, "models", "get", REPO)
    assert code == 1
    before, _, _ = said.partition("Fetch Tiny-Q4_K_M")
    assert "There are no exact figures: " in before
    assert "Estimated: weights" in before
    assert "host 6.0 MB" in before
    assert "It fits." in before
    hub.faults.clear()
    code, said = said_on_a_terminal(hub, "models", "get", REPO)
    assert "It cannot be loaded: its GGUF version is" in said
    assert "Fetch Tiny-Q4_K_M" in said


def test_who_asks_nothing_waits_for_no_fit(hub: Hub) -> None:
    assert models(hub, "get", REPO, "--yes").returncode == 0
    assert not paths.headers().exists()


def test_rate_limits_and_the_network_are_said(hub: Hub) -> None:
    hub.faults += [Fault("status", code=429, headers={"Retry-After": "42"})]
    answer = models(hub, "search", "x")
    assert answer.returncode == 1
    assert "wait 42 seconds" in answer.stderr
    hub.endpoint = "http://127.0.0.1:1"
    answer = models(hub, "info", REPO)
    assert answer.returncode == 1
    assert "cannot be reached" in answer.stderr


def test_the_token_is_nowhere_to_be_seen(hub: Hub, home: Path) -> None:
    hub.gated.add(REPO)
    answer = subprocess.run(
        [*MODELS, "get", REPO, "--yes"],
        capture_output=True,
        text=True,
        check=False,
        env={**environment(hub), "HF_TOKEN": loopback.TOKEN},
    )
    assert answer.returncode == 0
    assert any("authorization" in asked.headers for asked in hub.asked)
    assert loopback.TOKEN not in answer.stdout + answer.stderr
    for file in home.rglob("*"):
        assert not file.is_file() or loopback.TOKEN.encode() not in file.read_bytes()


def test_a_token_that_can_be_none_is_said_and_not_shown(hub: Hub) -> None:
    answer = subprocess.run(
        [*MODELS, "info", REPO],
        capture_output=True,
        text=True,
        check=False,
        env={**environment(hub), "HF_TOKEN": "hf_geheim\u00df"},
    )
    assert answer.returncode == 1
    assert "log in again" in answer.stderr
    assert "geheim" not in answer.stderr


def limited(home: Path, rate: float) -> None:
    file = home / "config" / "workbench" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text(f"max_rate = {rate}\ndownload_parts = 2\n")


def test_ctrl_c_ends_the_wait_for_the_hub(hub: Hub) -> None:
    hub.faults += [Fault("late", seconds=60.0)]
    with subprocess.Popen(
        [*MODELS, "search", "x"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(hub),
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as search:
        wait_until_blocking(lambda: hub.asked, "the question")
        search.send_signal(signal.SIGINT)
        assert search.communicate(timeout=30) == (b"", b"")
        assert search.returncode == 130


def test_ctrl_c_at_a_question_is_a_stop(hub: Hub) -> None:
    code, said = said_on_a_terminal(hub, "models", "get", REPO, answer=b"\x03")
    assert code == 130
    assert "Aborted" not in said


def test_ctrl_c_pauses_and_the_same_command_goes_on(hub: Hub, home: Path) -> None:
    limited(home, 2.0)
    with subprocess.Popen(
        [*MODELS, "get", REPO, "--yes"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(hub),
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as get:
        assert get.stderr is not None
        wait_until_blocking(lambda: hub.n_sent > 1_000_000, "some bytes")
        get.send_signal(signal.SIGINT)
        assert get.wait(timeout=60) == 130
        message = get.stderr.read()
    assert message == b"Paused: the same command goes on where it was.\n"
    hub.asked.clear()
    assert models(hub, "get", REPO, "--yes").returncode == 0
    assert min(first for first, _ in hub.ranges()) > 0


def test_two_at_once_fetch_it_once(hub: Hub, home: Path) -> None:
    limited(home, 2.0)
    command = [*MODELS, "get", REPO, "--yes"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": environment(hub)}
    with subprocess.Popen(command, **pipes) as one:  # type: ignore[call-overload]
        wait_until_blocking(hub.ranges, "the first to begin")
        with subprocess.Popen(command, **pipes) as other:  # type: ignore[call-overload]
            said, notes = other.communicate(timeout=60)
            assert other.returncode == 0
        path, _ = one.communicate(timeout=60)
    assert said == path
    assert notes == b"Another Workbench fetches it.\n"
    assert sum(last + 1 - first for first, last in hub.ranges()) == len(CONTENT)


def test_who_only_waits_for_another_stops_nothing(hub: Hub, home: Path) -> None:
    limited(home, 2.0)
    command = [*MODELS, "get", REPO, "--yes"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": environment(hub)}
    with subprocess.Popen(command, **pipes) as one:  # type: ignore[call-overload]
        wait_until_blocking(hub.ranges, "the first to begin")
        with subprocess.Popen(command, **pipes) as other:  # type: ignore[call-overload]
            assert other.stderr.readline() == b"Another Workbench fetches it.\n"
            other.send_signal(signal.SIGINT)
            assert other.wait(20) == 130
            assert b"goes on with it" in other.stderr.read()
        assert one.wait(60) == 0


def test_what_was_wanted_before_waits_on_for_whoever_wanted_it(hub: Hub) -> None:
    hub.faults += [Fault("reset", times=float("inf"), path=".gguf")]
    queue = Orders(paths.downloads())
    digest = hashlib.sha256(CONTENT).hexdigest()
    file = RemoteFile("Tiny-Q4_K_M.gguf", len(CONTENT), digest)
    wanted = queue.add(REPO, "Tiny-Q4_K_M", [file], "main")
    assert models(hub, "get", f"{REPO}:Q4_K_M", "--yes").returncode == 1
    assert queue.get(wanted.id) == wanted
    # One that nobody else wanted, and of which nothing came, is forgotten.
    assert models(hub, "get", f"{REPO}:Q8_0", "--yes").returncode == 1
    assert queue.all() == [wanted]


def test_a_terminal_is_asked_and_sees_a_bar(hub: Hub, home: Path) -> None:
    limited(home, 4.0)
    main, side = pty.openpty()
    with subprocess.Popen(
        [*MODELS, "get", REPO],
        stdin=side,
        stdout=subprocess.PIPE,
        stderr=side,
        env=environment(hub),
        start_new_session=True,
    ) as get:
        os.close(side)
        seen = b""
        while b"[y/N]" not in seen:
            seen += os.read(main, 1000)
        assert b"Fetch Tiny-Q4_K_M of owner/Tiny-GGUF, 6.0 MB?" in seen
        os.write(main, b"y\n")
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                if not (more := os.read(main, 1000)):
                    break
            except OSError:
                # The other side is closed.
                break
            seen += more
        assert get.wait(timeout=60) == 0
        assert get.stdout is not None
        assert Path(get.stdout.read().decode().strip()).read_bytes() == CONTENT
    os.close(main)
    assert b" of 6.0 MB  " in seen
    assert b"MB/s" in seen
    assert b"[####" in seen


def test_a_model_of_the_hub_is_named_like_any_other(hub: Hub, tmp_path: Path) -> None:
    model = random_model(tmp_path / "x.gguf", layers=1, width=64, heads=2, forward=64)
    hub.commits[hub.head] = {f"{REPO}/Tiny-Q4_K_M.gguf": model.read_bytes()}
    command = [sys.executable, "-m", "workbench", "run", "hi", "--max-tokens", "2", "--json"]

    def run(*more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *more],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
            env=environment(hub),
        )

    unasked = run("--model", f"{REPO}:Q4_K_M")
    assert (unasked.returncode, unasked.stdout) == (1, "")
    assert "--yes fetches it" in unasked.stderr
    first = run("--model", f"{REPO}:Q4_K_M", "--yes")
    assert first.returncode == 0, first.stderr
    assert json.loads(first.stdout)["model"] == "Tiny-Q4_K_M"
    # From then on nobody is asked, not even the Hub.
    hub.asked.clear()
    for name in (f"{REPO}:q4_k_m", REPO, f"{REPO}/Tiny-Q4_K_M.gguf"):
        assert json.loads(run("--model", name).stdout)["model"] == "Tiny-Q4_K_M"
    assert not hub.asked
    missing = run("--model", f"{REPO}:Q2_K")
    assert missing.returncode == 1
    assert f"{REPO}:Q4_K_M" in missing.stderr
    nowhere = run("--model", "nowhere/x.gguf")
    assert "Traceback" not in nowhere.stderr
    assert nowhere.returncode == 1


def test_the_app_asks_before_it_fetches(hub: Hub, tmp_path: Path) -> None:
    model = random_model(tmp_path / "x.gguf", layers=1, width=64, heads=2, forward=64)
    hub.commits[hub.head] = {f"{REPO}/Tiny-Q4_K_M.gguf": model.read_bytes()}
    app = [sys.executable, "-m", "workbench", "--model", f"{REPO}:Q4_K_M"]
    with running(app, environment={"HF_ENDPOINT": hub.endpoint}) as terminal:
        terminal.wait_for("Fetch Tiny-Q4_K_M of owner/Tiny-GGUF")
        terminal.type("n\n")
        assert terminal.wait_for_exit() == 1
    with running(app, environment={"HF_ENDPOINT": hub.endpoint}) as terminal:
        terminal.wait_for("[y/N]")
        terminal.type("y\n")
        terminal.wait_for("Chat with Tiny-Q4_K_M")
        terminal.type("\x11")
        assert terminal.wait_for_exit() == 0
