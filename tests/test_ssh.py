"""The app over a real SSH connection that drops."""

from __future__ import annotations

import getpass
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.kept import cut_off, kept_answer, kept_messages
from tests.terminal import Terminal, running
from tests.waiting import wait_until_blocking

SBIN = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
SSHD = shutil.which("sshd", path=SBIN)
SSH = shutil.which("ssh")
KEYGEN = shutil.which("ssh-keygen")

pytestmark = pytest.mark.skipif(
    not (SSHD and SSH and KEYGEN), reason="OpenSSH's sshd, ssh and ssh-keygen are not all here"
)


@dataclass
class Server:
    """An sshd of the test's own, and how to log in."""

    process: psutil.Process
    login: list[str]

    def sessions(self) -> list[psutil.Process]:
        """The processes that hold connections."""
        return self.process.children()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    assert SSHD
    assert SSH
    assert KEYGEN
    folder = tmp_path / "ssh"
    folder.mkdir(mode=0o700)
    for key in ("host", "user"):
        subprocess.run(
            [KEYGEN, "-q", "-t", "ed25519", "-N", "", "-f", str(folder / key)], check=True
        )
    if os.geteuid() == 0:
        # Where sshd locks itself up before anybody has logged in.
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "config").write_text(
        f"Port {port}\n"
        "ListenAddress 127.0.0.1\n"
        f"HostKey {folder}/host\n"
        f"AuthorizedKeysFile {folder}/user.pub\n"
        f"PidFile {folder}/pid\n"
        "StrictModes no\n"
        "UsePAM no\n"
        "PasswordAuthentication no\n"
        "PermitRootLogin prohibit-password\n"
    )
    login = [
        SSH, "-tt", "-F", "none", "-i", f"{folder}/user", "-p", str(port),
        "-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={folder}/known",
        "-o", "LogLevel=ERROR", "-o", "IdentitiesOnly=yes",
        f"{getpass.getuser()}@127.0.0.1",
    ]  # fmt: skip
    log = folder / "log"
    command = [SSHD, "-D", "-e", "-f", str(folder / "config")]
    with log.open("w") as said, subprocess.Popen(command, stderr=said) as sshd:
        wait_until_blocking(
            lambda: "Server listening" in log.read_text() or sshd.poll() is not None, "the server"
        )
        assert sshd.poll() is None, log.read_text()
        yield Server(psutil.Process(sshd.pid), login)
        for child in psutil.Process(sshd.pid).children(recursive=True):
            child.kill()
        sshd.kill()


def remote_app(server: Server, *arguments: str) -> list[str]:
    """Log in and run the app in this test's home."""
    kept = [f"{name}={os.environ[name]}" for name in os.environ if name.startswith(("XDG_", "HF_"))]
    app = [sys.executable, "-m", "workbench", *arguments]
    command = ["env", f"HOME={os.environ['HOME']}", *kept, *app]
    return [*server.login, f"cd {shlex.quote(str(Path.cwd()))} && {shlex.join(command)}"]


def apps(server: Server) -> list[psutil.Process]:
    """The app and its engine."""
    return [
        process
        for process in server.process.children(recursive=True)
        if process.name().startswith("python") or "workbench" in " ".join(process.cmdline())
    ]


def ask(terminal: Terminal, server: Server) -> tuple[list[psutil.Process], str]:
    """Ask, and wait for a part of the answer; returns what runs, and the part that was kept."""
    terminal.wait_for("Chat with")
    terminal.type("Tell me a story\r")
    wait_until_blocking(lambda: terminal.text and kept_answer().text, "a part of the answer")
    return apps(server), kept_answer().text


def resume(server: Server, part: str) -> None:
    """Log in again and find the conversation there."""
    assert kept_answer().text.startswith(part)
    with running(remote_app(server)) as terminal:
        terminal.wait_for("interrupted")
        terminal.wait_for("Tell me a story")
        terminal.type("\x11")
        assert terminal.wait_for_exit() == 0
        assert b"\x1b[?1049l" in terminal.output
    assert cut_off() == []


def test_a_dropped_connection(server: Server, slow_model: Path) -> None:
    arguments = ["--model", str(slow_model), "--ignore-eos"]
    with running(remote_app(server, *arguments)) as terminal:
        running_there, part = ask(terminal, server)
        # The app saw what line it is on: the engine reports ten times a second.
        assert any(
            process.cmdline()[-2:] == ["workbench.engine.host", "10"] for process in running_there
        )
        terminal.process.kill()
        wait_until_blocking(
            lambda: not any(process.is_running() for process in running_there),
            "the app and its engine to be gone",
        )
    resume(server, part)


def test_a_killed_session(server: Server, slow_model: Path) -> None:
    with running(remote_app(server, "--model", str(slow_model), "--ignore-eos")) as terminal:
        running_there, part = ask(terminal, server)
        for session in server.sessions():
            session.send_signal(signal.SIGKILL)
        wait_until_blocking(
            lambda: not any(process.is_running() for process in running_there),
            "the app and its engine to be gone",
        )
    resume(server, part)


def test_a_stalled_connection(server: Server, fast_model: Path) -> None:
    arguments = ["--model", str(fast_model), "--ignore-eos", "--max-tokens", "2000"]
    with running(remote_app(server, *arguments)) as terminal:
        terminal.wait_for("Chat with")
        terminal.type("Tell me a story\r")
        wait_until_blocking(lambda: terminal.text and kept_messages(), "the prompt to be kept")
        stopped = [
            each
            for each in server.process.children(recursive=True)
            if each.name().startswith("sshd")
        ]
        for session in stopped:
            session.suspend()
        wait_until_blocking(lambda: kept_answer().finish == "length", "the answer's end")
        for session in stopped:
            session.resume()
        terminal.wait_for("2000 tok")
        terminal.type("\x11")
        assert terminal.wait_for_exit() == 0
