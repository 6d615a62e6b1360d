from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from workbench.sessions.conversation import Conversation
from workbench.sessions.rescue import CutOff, Rescue


@pytest.fixture
def kept_folder(tmp_path: Path) -> Path:
    """The folder of all processes, not yet made."""
    return tmp_path / "cut-off"


def conversation(*texts: str) -> Conversation:
    made = Conversation()
    for number, text in enumerate(texts):
        made.add("assistant" if number % 2 else "user", text)
    return made


def left_behind(folder: Path, kept: Conversation, *, draft: str = "", age: float = 0) -> Path:
    """A file as a process leaves it that is no more."""
    rescue = Rescue(folder)
    assert rescue.keep(rescue.snapshot(kept, draft))
    # Process ids end long before that.
    file = rescue.file.rename(folder / f"{2**30 + len(list(folder.iterdir()))}-1.json")
    os.utime(file, (file.stat().st_mtime - age,) * 2)
    return file


def found(folder: Path) -> CutOff:
    cut_off = Rescue(folder).cut_off()
    assert cut_off is not None
    return cut_off


def texts(cut_off: CutOff) -> list[str]:
    return [message.text for message in cut_off.conversation.path()]


def test_nothing_is_found_where_nothing_was(kept_folder: Path) -> None:
    assert Rescue(kept_folder / "nowhere").cut_off() is None


def test_what_a_running_app_keeps_is_its_own(kept_folder: Path) -> None:
    rescue = Rescue(kept_folder)
    rescue.keep(rescue.snapshot(conversation("hello", "hi")))
    assert rescue.file.stat().st_mode & 0o777 == 0o600
    assert Rescue(kept_folder).cut_off() is None


def test_a_killed_process_leaves_its_conversation(kept_folder: Path) -> None:
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from workbench.sessions.conversation import Conversation\n"
        "from workbench.sessions.rescue import Rescue\n"
        "rescue, kept = Rescue(Path(sys.argv[1])), Conversation()\n"
        "kept.add('user', 'hello'); kept.add('assistant', 'half an ans')\n"
        "rescue.keep(rescue.snapshot(kept, 'next'))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(kept_folder)], check=False)
    cut_off = found(kept_folder)
    assert texts(cut_off) == ["hello", "half an ans"]
    assert cut_off.conversation.path()[-1].finish == "cut off"
    assert cut_off.draft == "next"
    assert cut_off.others == 0


def test_the_tree_survives_with_what_is_off_its_path(kept_folder: Path) -> None:
    kept = conversation("one", "two", "three")
    kept.go_to(kept.path()[-1].parent)
    left_behind(kept_folder, kept)
    cut_off = found(kept_folder)
    assert texts(cut_off) == ["one", "two"]
    assert len(cut_off.conversation.messages) == 3


def test_the_newest_is_found_first_and_can_be_taken_once(kept_folder: Path) -> None:
    left_behind(kept_folder, conversation("older"), age=60)
    left_behind(kept_folder, conversation("newer"))
    cut_off = found(kept_folder)
    assert texts(cut_off) == ["newer"]
    assert cut_off.others == 1
    rescue = Rescue(kept_folder)
    assert rescue.take(cut_off)
    assert rescue.file.exists()
    assert not Rescue(kept_folder).take(cut_off)
    assert texts(found(kept_folder)) == ["older"]


def test_what_was_to_be_written_before_the_taking_does_not_undo_it(kept_folder: Path) -> None:
    left_behind(kept_folder, conversation("hello"))
    rescue = Rescue(kept_folder)
    empty = rescue.snapshot(Conversation())
    assert rescue.take(found(kept_folder))
    assert rescue.keep(empty)


def test_nothing_older_takes_the_place_of_newer(kept_folder: Path) -> None:
    rescue = Rescue(kept_folder)
    kept = conversation("one")
    older = rescue.snapshot(kept)
    kept.add("assistant", "two")
    newer = rescue.snapshot(kept)
    rescue.keep(newer)
    written = rescue.file.read_bytes()
    rescue.keep(older)
    assert rescue.file.read_bytes() == written
    rescue.forget()
    assert not rescue.keep(newer)


def test_without_any_text_there_is_no_file(kept_folder: Path) -> None:
    rescue = Rescue(kept_folder)
    assert rescue.keep(rescue.snapshot(Conversation(), "a draft"))
    assert not rescue.keep(rescue.snapshot(Conversation(), " \n"))
    assert list(kept_folder.iterdir()) == []


def test_few_are_kept_and_the_oldest_go(kept_folder: Path) -> None:
    for age in range(12):
        left_behind(kept_folder, conversation(str(age)), age=age * 60)
    assert found(kept_folder).others == 9
    assert len(list(kept_folder.iterdir())) == 10


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"{",
        b"[]",
        b'{"number": 1, "leaf": 3, "messages": []}',
        b'{"number": 1, "leaf": 0, "messages": [{"id": 0, "parent": 0, "role": "user"}]}',
        b'{"number": 1, "leaf": 0, "messages": [{"id": 7, "parent": null, "role": "user"}]}',
    ],
)
def test_a_damaged_file_is_passed_over_and_left_alone(kept_folder: Path, damaged: bytes) -> None:
    left_behind(kept_folder, conversation("hello"), age=60)
    file = kept_folder / "7-1.json"
    file.write_bytes(damaged)
    assert texts(found(kept_folder)) == ["hello"]
    assert file.read_bytes() == damaged


def test_a_file_cannot_command_the_terminal(kept_folder: Path) -> None:
    left_behind(kept_folder, conversation("hello", "red \x1b[31malert"), draft="\x1b]52;c;x\x07")
    cut_off = found(kept_folder)
    assert texts(cut_off)[-1] == "red [31malert"
    assert "\x1b" not in cut_off.draft


def test_a_signal_that_comes_while_the_same_thread_writes_is_no_deadlock(kept_folder: Path) -> None:
    rescue = Rescue(kept_folder)
    with rescue._lock:
        assert rescue.keep(rescue.snapshot(conversation("hello")))
    held, go = threading.Event(), threading.Event()

    def hold() -> None:
        with rescue._lock:
            held.set()
            go.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    with pytest.raises(TimeoutError):
        rescue.keep(rescue.snapshot(conversation("hello")))
    go.set()
    thread.join()
