from __future__ import annotations

from workbench.sessions.conversation import Conversation


def test_the_path_runs_from_the_root_to_the_leaf() -> None:
    conversation = Conversation()
    conversation.add("system", "be brief")
    question = conversation.add("user", "why?")
    answer = conversation.add("assistant", "because", model="pocket")
    assert [message.text for message in conversation.path()] == ["be brief", "why?", "because"]
    assert answer.parent == question.id


def test_a_withdrawn_message_is_off_the_path_but_not_lost() -> None:
    conversation = Conversation()
    first = conversation.add("user", "one")
    second = conversation.add("user", "two")
    conversation.withdraw(second)
    assert conversation.path() == [first]
    third = conversation.add("user", "three")
    assert third.parent == first.id
    assert third.id not in (first.id, second.id)
