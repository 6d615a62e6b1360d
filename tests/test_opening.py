"""What the app opens with, by the command line."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.screens.test_sessions import said_before
from tests.terminal import running

APP = [sys.executable, "-m", "workbench"]


@pytest.mark.parametrize(
    ("arguments", "there"),
    [
        (["--session", "older"], "What was older"),
        (["--session", "1"], "What was older"),
        (["--continue"], "What was newer"),
        (["--new"], "Nothing said yet."),
        ([], "Nothing said yet."),
    ],
)
def test_it_opens_what_it_is_told_to(arguments: list[str], there: str) -> None:
    said_before("What was older", "Yes")
    said_before("What was newer", "No")
    with running([*APP, *arguments]) as terminal:
        terminal.wait_for("Chat with pocket")
        terminal.wait_for(there)
        terminal.type("\x11")
        assert terminal.wait_for_exit() == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--session", "nowhere"], "There are no conversations yet"),
        (["--session", "1", "--new"], "say one of --continue, --session and --new"),
    ],
)
def test_what_makes_no_sense_is_said_at_once(arguments: list[str], words: str) -> None:
    with running([*APP, *arguments]) as terminal:
        assert terminal.wait_for_exit() != 0
        assert words in terminal.output.decode()


def test_the_flags_are_told_of() -> None:
    said = subprocess.run([*APP, "--help"], capture_output=True, text=True, check=True).stdout
    assert all(flag in said for flag in ("--continue", "--session NAME", "--new"))
