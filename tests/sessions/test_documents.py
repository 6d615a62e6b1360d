from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sessions.made import conversation, put
from workbench.sessions.conversation import Message, ModelFile
from workbench.sessions.documents import Document, DocumentError, as_json, from_json
from workbench.sessions.reading import as_markdown, as_text
from workbench.sessions.store import Store
from workbench.untrusted import without_controls

# Hypothesis runs a test many times within one fixture.
_FOLDER = tempfile.TemporaryDirectory(prefix="workbench-documents-")
# Whatever can be there: what a terminal acts on never gets so far.
_TEXT = st.text().map(without_controls)
_COUNT = st.integers(0, 2**63 - 1)
_FIGURE = st.floats(0, 1e12)
# Times are kept to the millisecond.
_MOMENT = st.integers(0, 253_370_764_800_000).map(lambda each: each / 1000)
_VALUE = (
    st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXT
    | st.lists(_TEXT).map(tuple)
)
_FILE = st.builds(ModelFile, path=_TEXT, size=_COUNT, mtime_ns=_COUNT, sha256=_TEXT)


@st.composite
def _messages(draw: st.DrawFn) -> list[Message]:
    made = []
    for number in range(draw(st.integers(0, 6))):
        parent = draw(st.none() | st.integers(0, number - 1)) if number else None
        role: Any = draw(st.sampled_from(["system", "user", "assistant"]))
        message = Message(id=number, parent=parent, role=role, text=draw(_TEXT), at=draw(_MOMENT))
        if role == "assistant":
            message.finish = draw(_TEXT.filter(bool))
            message.thoughts, message.model = draw(_TEXT), draw(_TEXT)
            message.model_file = draw(st.none() | _FILE)
            message.parameters = draw(st.dictionaries(_TEXT, _VALUE, max_size=3))
            message.seed = draw(st.none() | _COUNT)
            for name in ("n_tokens", "n_prompt", "n_cached", "n_ctx", "given", "given_thoughts"):
                setattr(message, name, draw(_COUNT))
            for name in ("tps", "prompt_ms", "ttft_ms", "decode_ms"):
                setattr(message, name, draw(_FIGURE))
        made.append(message)
    return made


@st.composite
def _documents(draw: st.DrawFn) -> Document:
    messages = draw(_messages())
    return Document(
        title=draw(_TEXT),
        created=draw(_MOMENT),
        updated=draw(_MOMENT),
        pinned=draw(st.booleans()),
        system=draw(_TEXT),
        draft=draw(_TEXT),
        leaf=draw(st.none() | st.integers(0, len(messages) - 1)) if messages else None,
        messages=messages,
    )


@given(st.lists(_documents(), min_size=1, max_size=3))
def test_json_loses_nothing(documents: list[Document]) -> None:
    text = as_json(documents)
    assert from_json(text) == (documents, [])
    # And it is JSON as everybody reads it.
    json.loads(text)


@settings(deadline=None, max_examples=50)
@given(_documents())
def test_nothing_is_lost_by_way_of_the_store(document: Document) -> None:
    with Store(Path(_FOLDER.name) / "any.sqlite") as store:
        came_back = store.document(store.add(document))
    # A title is a line of some length; without one there is the first prompt.
    assert came_back.title
    for each in (came_back, document):
        each.title = ""
    # Where a time is not known it is now.
    if not document.created:
        came_back.created = 0
    if not document.updated:
        came_back.updated = 0
    assert came_back == document


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("7", "no conversation in it"),
        ("{}", "no conversation in it"),
        ("[]", ""),
        ('{"messages": []}', "not a message"),
        ('[{"role": "user"}, 7]', "message 2 has no role"),
        ('[{"role": "user", "content": ""}]', "not a message"),
        ('{"format": "other", "messages": []}', "no conversation of Workbench's"),
        ('{"format": "workbench-conversation", "version": 2}', "newer Workbench"),
        ('{"format": "workbench-conversation", "messages": 7}', "Expected `array`"),
        (
            '{"format": "workbench-conversation", "messages": [{"id": 1, "parent": null, '
            '"role": "user"}]}',
            "no place in the tree",
        ),
        (
            '{"format": "workbench-conversation", "leaf": 3, "messages": []}',
            "there is no message 3",
        ),
        (
            '{"format": "workbench-conversation", "messages": [{"id": 0, "parent": 0, '
            '"role": "user"}]}',
            "no place in the tree",
        ),
        (
            '{"format": "workbench-conversation", "messages": [{"id": 0, "parent": null, '
            '"role": "robot"}]}',
            "Invalid enum value 'robot'",
        ),
        (
            '{"format": "workbench-conversation", "messages": [{"id": 0, "parent": null, '
            '"role": "user", "at": 1e999}]}',
            "no number that can be kept",
        ),
        (
            '{"format": "workbench-conversation", "messages": [{"id": 0, "parent": null, '
            '"role": "user", "at": NaN}]}',
            "no number that can be kept",
        ),
        (
            '{"format": "workbench-conversation", "messages": [{"id": 0, "parent": null, '
            '"role": "user", "seed": 9223372036854775808}]}',
            "Expected `int` <= 9223372036854775807",
        ),
        (f'{{"format": "workbench-conversation", "messages": [{"1" * 5000}]}}', "no number"),
        ("[" * 100_000, "nested deeper"),
    ],
)
def test_what_is_no_conversation_is_said(written: str, said: str) -> None:
    if not said:
        assert from_json(written) == ([], [])
        return
    with pytest.raises(DocumentError, match=said):
        from_json(written)


def test_openai_lists_are_conversations() -> None:
    messages = [
        {"role": "developer", "content": "Be brief."},
        {"role": "system", "content": "Be kind."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "Why"}, {"type": "text", "text": "?"}],
        },
        {"role": "assistant", "content": "Because.", "reasoning_content": "let me see"},
        {"role": "system", "content": "From now on in French."},
        {"role": "user", "content": "Et \x1b[31mpourquoi?\r\n"},
    ]
    for text in (
        json.dumps(messages),
        json.dumps({"model": "gpt", "messages": messages}),
        "\ufeff" + json.dumps([{"messages": messages}]),
        json.dumps([messages]),
    ):
        [document], notes = from_json(text)
        assert notes == []
        assert document.system == "Be brief.\n\nBe kind."
        assert [(each.role, each.text) for each in document.path()] == [
            ("user", "Why\n?"),
            ("assistant", "Because."),
            ("system", "From now on in French."),
            ("user", "Et [31mpourquoi?\n"),
        ]
        assert document.path()[1].thoughts == "let me see"
        assert document.path()[1].finish == "imported"


def test_several_come_in_an_array_or_on_lines() -> None:
    one, two = ({"messages": [{"role": "user", "content": each}]} for each in ("one", "two"))
    for text in (json.dumps([one, two]), f"{json.dumps(one)}\n\n{json.dumps(two)}\n"):
        found, _ = from_json(text)
        assert [each.path()[0].text for each in found] == ["one", "two"]


def test_what_is_left_out_is_said() -> None:
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": [{"type": "image_url"}, {"type": "text", "text": "What?"}]},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]},
        {"role": "tool", "content": "42"},
        {"role": "assistant", "content": "42."},
    ]
    [document], notes = from_json(json.dumps(messages))
    assert [each.text for each in document.path()] == ["What?", "42."]
    assert notes == ["What tools said, pictures and the like were left out of 3 messages."]


def test_an_answer_without_an_end_was_cut_off() -> None:
    written = Document(messages=[Message(id=0, parent=None, role="assistant", text="Be")])
    [document], _ = from_json(as_json([written]))
    assert document.messages[0].finish == "cut off"


def read() -> Document:
    made = conversation("Why *is* it?", "Because.\n\n```python\n1\n```\n", "And?", "So.")
    answer = made.message(1)
    answer.thoughts, answer.model, answer.n_tokens, answer.tps = "Let me see.", "po_cket", 7, 42.25
    answer.seed, answer.finish = 3, "length"
    made.go_to(2)
    made.add("assistant", "Another.").finish = "stop"
    return Document(
        title="Why *is* it?", system="Be brief.", leaf=made.leaf, messages=made.messages
    )


def test_markdown_for_people() -> None:
    assert as_markdown(read()) == (
        "# Why \\*is\\* it?\n\n## System\n\nBe brief.\n\n## You\n\nWhy *is* it?\n\n"
        "## po\\_cket\n\n<details>\n<summary>Thoughts</summary>\n\nLet me see.\n\n</details>\n\n"
        "Because.\n\n```python\n1\n```\n\n*7 tokens, 42.2 tokens/s, seed 3, length*\n\n"
        "## You\n\nAnd?\n\n## Model\n\nAnother.\n"
    )


def test_plain_text_for_people() -> None:
    assert as_text(read()) == (
        "Why *is* it?\n\nSystem:\nBe brief.\n\nYou:\nWhy *is* it?\n\npo_cket, thinking:\n"
        "Let me see.\n\npo_cket:\nBecause.\n\n```python\n1\n```\n\n(length)\n\nYou:\n"
        "And?\n\nModel:\nAnother.\n"
    )


def test_what_the_store_holds_is_a_document(tmp_path: Path) -> None:
    with Store(tmp_path / "sessions.sqlite") as store:
        number = put(store, "why?", "because")
        store.pin(number)
        document = store.document(number)
        assert (document.title, document.pinned) == ("why?", True)
        [again], _ = from_json(as_json([document]))
        assert store.document(store.add(again)) == document
        assert store.summaries()[0].id == number + 1
