from __future__ import annotations

import os
import subprocess
import sys

import pytest

from workbench.terminal.line import Line, choose, prepare

SSH = {"SSH_CONNECTION": "10.0.0.1 4711 10.0.0.2 22"}


def test_a_local_line_is_quick() -> None:
    assert choose({}) == Line(remote=False, fps=120, reports_a_second=10)


@pytest.mark.parametrize("name", ["SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"])
def test_ssh_is_seen_and_spared(name: str) -> None:
    assert choose({name: "something"}) == Line(remote=True, fps=30, reports_a_second=10)
    assert not choose({name: ""}).remote


def test_what_a_person_chose_comes_first() -> None:
    line = choose(SSH, fps=60, color="16", mouse=False)
    assert line == Line(remote=True, fps=60, reports_a_second=10, color="16", mouse=False)
    assert choose({**SSH, "TEXTUAL_FPS": "45"}).fps == 45
    assert choose({**SSH, "TEXTUAL_FPS": "45"}, fps=50).fps == 50
    assert choose({"TEXTUAL_FPS": "fast"}).fps == 120


def test_no_report_comes_that_is_not_drawn() -> None:
    assert choose({}, fps=5).reports_a_second == 5


@pytest.mark.parametrize(
    ("color", "before", "after"),
    [
        ("auto", {}, {}),
        ("auto", {"NO_COLOR": "1"}, {"NO_COLOR": "1"}),
        ("none", {}, {"NO_COLOR": "1"}),
        ("16", {"NO_COLOR": "1"}, {"TEXTUAL_COLOR_SYSTEM": "standard"}),
        ("256", {}, {"TEXTUAL_COLOR_SYSTEM": "256"}),
        ("truecolor", {}, {"TEXTUAL_COLOR_SYSTEM": "truecolor"}),
    ],
)
def test_textual_is_told_of_the_colours(
    color: str, before: dict[str, str], after: dict[str, str]
) -> None:
    environment = dict(before)
    prepare(choose(environment, color=color), environment)  # type: ignore[arg-type]
    others = {"TEXTUAL_FPS": "120", "TEXTUAL_ANIMATIONS": "none", "TEXTUAL_SMOOTH_SCROLL": "0"}
    assert environment == {**others, **after}


def test_textual_takes_what_it_is_told() -> None:
    environment = {**os.environ, **SSH}
    prepare(choose(environment, color="16"), environment)
    script = (
        "from textual import constants as c\n"
        "from textual.app import App\n"
        "print(c.MAX_FPS, c.TEXTUAL_ANIMATIONS, c.SMOOTH_SCROLL, App().console.color_system)"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == ["30", "none", "False", "standard"]
