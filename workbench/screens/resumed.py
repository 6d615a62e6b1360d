"""Conversations that are taken up again: what is said of them, and who goes on with them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from time import time

from workbench.models.model_file import ModelFile
from workbench.panes.figures import ago
from workbench.sessions.conversation import Message
from workbench.sessions.listing import Summary
from workbench.sessions.session import Session
from workbench.untrusted import is_file


def offer(found: Sequence[Summary]) -> str:
    """A word on what was found, the newest first."""
    newest, *others = found
    n_messages = newest.n_messages
    messages = f"{n_messages} message{'s' if n_messages != 1 else ''}"
    what, size = ("A conversation", messages) if n_messages else ("A prompt", "not sent")
    since = ago(max(0.0, time() - newest.updated))
    said = f"{what} was cut off ({size}, {since}): ctrl+r brings it back."
    if others:
        said += " Older ones wait: each new chat offers the next."
    return said


def last_answer(session: Session) -> Message | None:
    """The last answer of which it is known which model file wrote it."""
    path = reversed(session.conversation.path())
    return next((message for message in path if message.model_file is not None), None)


def model_of(session: Session, used: Collection[str]) -> Path | None:
    """The file of the model that wrote the last answer, if it is still there.

    ``used`` are the paths of models that were loaded here: what a conversation that comes from
    elsewhere names is anybody's file.
    """
    answer = last_answer(session)
    if answer is None or answer.model_file is None:
        return None
    file = Path(answer.model_file.path)
    return file if str(file) in used and is_file(file) else None


def other_model(
    session: Session, present: Path, used: Collection[str], models: Sequence[ModelFile]
) -> str:
    """A word on another model than the ``present`` one that wrote the conversation; or none.

    ``models`` are those that are listed, by whose names one can be asked for.
    """
    answer = last_answer(session)
    if answer is None or answer.model_file is None or answer.model_file.path == str(present):
        return ""
    file = model_of(session, used)
    name = answer.model or "Another model"
    if file is None:
        return f"{name} wrote this and is not to be found here: {present.stem} goes on with it."
    called = next((each.name for each in models if each.path == file), str(file))
    return f"{name} wrote this, {present.stem} goes on with it. /model {called} loads it."
