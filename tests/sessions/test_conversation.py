from __future__ import annotations

from workbench.sessions.conversation import Conversation


def test_the_path_runs_from_the_root_to_the_leaf() -> None:
    conversation = Conversation()
    conversation.add("system", "be brief")
    question = conversation.add("user", "why?")
    answer = conversation.add("assistant", "because", model="pocket")
    assert [message.text for message in conversation.path()] == ["be brief", "why?", "because"]
    assert answer.parent == question.id


def test_a_message_left_behind_is_off_the_path_but_not_lost() -> None:
    conversation = Conversation()
    first = conversation.add("user", "one")
    second = conversation.add("user", "two")
    conversation.go_to(second.parent)
    assert conversation.path() == [first]
    third = conversation.add("user", "three")
    assert third.parent == first.id
    assert conversation.message(second.id) is second


def test_versions_are_shown_with_what_was_written_last_behind_them() -> None:
    conversation = Conversation()
    question = conversation.add("user", "why?")
    first = conversation.add("assistant", "because")
    more = conversation.add("user", "and?")
    last = conversation.add("assistant", "so")
    conversation.go_to(question.id)
    second = conversation.add("assistant", "who knows")
    assert conversation.versions(first) == conversation.versions(second) == [first, second]
    assert conversation.path() == [question, second]
    conversation.show(first)
    assert conversation.path() == [question, first, more, last]


def test_prompts_without_an_answer_are_no_versions() -> None:
    conversation = Conversation()
    failed = conversation.add("user", "why?")
    conversation.go_to(None)
    again = conversation.add("user", "why?")
    conversation.add("assistant", "because")
    assert conversation.versions(again) == [again]
    assert conversation.versions(failed) == [failed, again]


def test_paths_of_one_tree_have_versions_of_their_own() -> None:
    chat = Conversation()
    asked = chat.add("user", "Hello!")
    first, second = chat.fork(), chat.fork()
    answers = [path.add("assistant", text) for path, text in ((first, "A"), (second, "B"))]
    assert first.versions(answers[0]) == [answers[0]]
    assert second.versions(answers[1]) == [answers[1]]
    # To the chat both are answers to its prompt.
    assert chat.versions(answers[0]) == answers
    # Another answer of the first one is a version of its own.
    first.go_to(asked.id)
    again = first.add("assistant", "A again")
    assert first.versions(again) == [answers[0], again]
    # Whoever goes on from another's answer knows it.
    second.go_to(answers[0].id)
    assert second.versions(answers[0]) == answers
    assert first.fork().versions(again) == [answers[0], again]
    # What was written behind it elsewhere is not shown here.
    second.add("user", "and?")
    more = second.add("assistant", "B goes on")
    first.show(answers[0])
    assert first.leaf == answers[0].id
    second.show(answers[0])
    assert second.leaf == more.id


def test_a_prompt_without_an_answer_is_not_led_to() -> None:
    conversation = Conversation()
    question = conversation.add("user", "why?")
    first = conversation.add("assistant", "because")
    conversation.add("user", "taken back")
    conversation.go_to(first.id)
    # The engine says of every prompt that it begins, also of one that was stopped.
    conversation.add("user", "taken back, too")
    conversation.add("assistant")
    conversation.go_to(question.id)
    conversation.add("assistant", "who knows")
    conversation.show(first)
    assert conversation.path() == [question, first]


def test_what_another_path_was_answered_is_not_led_to() -> None:
    chat = Conversation()
    chat.add("user", "why?")
    first = chat.add("assistant", "because")
    one, other = chat.fork(), chat.fork()
    prompt = one.add("user", "and?")
    other.go_to(prompt.id)
    other.go_to(first.id)
    one.add("assistant", "so")
    other.show(first)
    assert other.leaf == first.id
    one.show(first)
    assert one.leaf != first.id
