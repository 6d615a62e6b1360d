"""A process that writes is killed, again and again, at moments it cannot choose."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from tests.sessions.made import assert_sound
from tests.sessions.streaming import text_of
from workbench.sessions.store import Store

_KILLS = 50
_COMMAND = [sys.executable, "-m", "tests.sessions.streaming"]


def killed(file: Path, after: float) -> tuple[int, int]:
    """Let a process write, kill it so many seconds after its first word, return its last one."""
    with subprocess.Popen([*_COMMAND, str(file)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        time.sleep(after)
        process.send_signal(signal.SIGKILL)
        said += process.stdout.read()
    lines = said.decode().splitlines()
    assert not [line for line in lines if line.startswith("trouble")]
    n_answers, n_characters = lines[-1].split()
    return int(n_answers), int(n_characters)


def test_nothing_that_was_written_is_lost_by_a_kill(tmp_path: Path) -> None:
    file = tmp_path / "sessions.sqlite"
    chance = random.Random(1)
    in_the_middle = 0
    for kill in range(1, _KILLS + 1):
        n_answers, n_characters = killed(file, chance.uniform(0, 0.25))
        with Store(file) as store:
            newest, *_ = store.cut_off()
            assert len(store.summaries()) == kill
            messages = store.open(newest.id).conversation.messages
        answers = [message for message in messages if message.role == "assistant"]
        complete = [message for message in answers if message.finish == "stop"]
        assert len(complete) in (n_answers, n_answers + 1)
        for number, message in enumerate(complete):
            assert message.text == text_of(number)
        # What came after the last report may be there or not; what is there is right.
        for message in answers[len(complete) :]:
            assert message.finish == "cut off"
            assert text_of(len(complete)).startswith(message.text)
            if len(complete) == n_answers:
                assert len(message.text) >= n_characters
                in_the_middle += 1
        assert len(answers) - len(complete) <= 1
        assert_sound(file)
    assert in_the_middle > _KILLS / 2


def test_two_processes_that_write_at_once_do_each_other_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "sessions.sqlite"
    with ExitStack() as opened:
        processes = [
            opened.enter_context(
                subprocess.Popen([*_COMMAND, str(file)], stdout=subprocess.PIPE, text=True)
            )
            for _ in range(2)
        ]
        reached = []
        for process in processes:
            assert process.stdout is not None
            # Each has completed some answers beside the other.
            for line in process.stdout:
                assert not line.startswith("trouble"), line
                if int(line.split()[0]) >= 3:
                    break
        for process in processes:
            assert process.stdout is not None
            process.kill()
            reached.append(process.stdout.read().splitlines()[-1:])
    with Store(file) as store:
        found = [store.open(each.id).conversation.messages for each in store.summaries()]
    assert len(found) == 2
    for messages in found:
        complete = [each.text for each in messages if each.finish == "stop"]
        assert len(complete) >= 3
        assert complete == [text_of(number) for number in range(len(complete))]
    assert not [lines for lines in reached if lines and lines[0].startswith("trouble")]
    assert_sound(file)
