"""Where two answers differ, and where they part."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workbench.engine.protocol import Token
from workbench.panes.lanes.difference import difference, parting


def cut(text: str, spans: list[tuple[int, int]]) -> list[str]:
    return [text[start:end] for start, end in spans]


def test_words_that_only_one_has_are_found() -> None:
    left, right = "The red fox sleeps.", "The fox sleeps well, it seems."
    found = difference(left, right)
    assert cut(left, found.left) == ["red"]
    assert cut(right, found.right) == ["well, it seems"]
    assert 0.5 < found.same < 1


@given(st.text("ab \n.", max_size=30), st.text("ab \n.", max_size=30))
def test_what_is_not_marked_is_the_same_words(left: str, right: str) -> None:
    found = difference(left, right)
    rests = []
    for text, spans in ((left, found.left), (right, found.right)):
        for start, end in reversed(spans):
            assert start < end
            text = text[:start] + " " + text[end:]
        rests.append("".join(text.split()))
    assert rests[0] == rests[1]
    assert difference(left, left).left == []


def tokens(*pieces: str) -> list[Token]:
    return [Token(sum(piece.encode()), piece.encode()) for piece in pieces]


def test_answers_part_at_a_token_though_its_letters_begin_alike() -> None:
    left = tokens("Once", " upon", " the", " hill")
    right = tokens("Once", " upon", " there", " was")
    found = parting(left, right, ("Once upon the hill", "Once upon there was"))
    assert found is not None
    assert (found.token, found.at) == (3, len("Once upon"))
    assert (found.left, found.right) == (" the", " there")


def test_the_same_answer_does_not_part_and_a_longer_one_does_at_its_end() -> None:
    left = tokens("Once", " upon")
    assert parting(left, left, ("Once upon", "Once upon")) is None
    found = parting(left, left[:1], ("Once upon", "Once"))
    assert found is not None
    assert (found.token, found.at, found.left, found.right) == (2, 4, " upon", "")
