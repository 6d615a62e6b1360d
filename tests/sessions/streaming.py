"""A process that keeps a stream until it is killed: ``python -m tests.sessions.streaming FILE``.

It says on standard output what is certain: a line for everything the journal reported as
written, ``ANSWERS CHARACTERS``: how many answers were complete, and how many characters of the
next one were there.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from workbench.sessions.journal import Journal
from workbench.sessions.session import Session

LENGTH = 3000


def text_of(number: int) -> str:
    """What the answer ``number`` says, all of it."""
    words = (f"answer{number}word{at}" for at in range(LENGTH))
    return " ".join(words)[:LENGTH]


def say(line: str) -> None:
    """In one piece, or not at all."""
    os.write(1, f"{line}\n".encode())


def main(file: Path) -> None:
    """Stream until killed."""
    session = Session()
    # What the snapshots given to the journal held, the last one last.
    given: list[tuple[int, int]] = []
    journal = Journal(
        file,
        on_trouble=lambda trouble: say(f"trouble {trouble}"),
        on_written=lambda _: say("{} {}".format(*given[-1])),
        seconds=0.0,
    )
    number = 0
    while True:
        session.conversation.add("user", f"prompt {number}")
        answer = session.conversation.add("assistant", model="pocket")
        whole = text_of(number)
        for at in range(0, LENGTH, 60):
            answer.text += whole[at : at + 60]
            given[:] = [(number, len(answer.text))]
            # Each is written before the next comes: a kill finds the journal at work.
            journal.keep_now(session)
        answer.finish = "stop"
        number += 1
        given[:] = [(number, 0)]
        journal.keep_now(session)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
