"""What apps keep of their conversations, as it lies in the store."""

from __future__ import annotations

from workbench.sessions.conversation import Message
from workbench.sessions.listing import Summary
from workbench.sessions.session import Session
from workbench.sessions.store import Store
from workbench.settings import paths


def kept() -> list[Summary]:
    """All conversations of this home, the newest first."""
    if not paths.sessions().exists():
        return []
    with Store(paths.sessions()) as store:
        return store.summaries()


def cut_off() -> list[Summary]:
    """Those whose app is gone without having left them."""
    if not paths.sessions().exists():
        return []
    with Store(paths.sessions()) as store:
        return store.cut_off()


def kept_session() -> Session:
    """The conversation that was written to last; an empty one if there is none."""
    found = kept()
    if not found:
        return Session()
    with Store(paths.sessions()) as store:
        return store.open(max(found, key=lambda each: each.updated).id)


def kept_messages() -> list[Message]:
    """Its messages."""
    return kept_session().conversation.messages


def kept_answer() -> Message:
    """Its last message if that is an answer; an empty one otherwise."""
    messages = kept_messages()
    if messages and messages[-1].role == "assistant":
        return messages[-1]
    return Message(id=0, parent=None, role="assistant")
