from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.engine.text import TextFilter
from workbench.untrusted import without_controls


def streamed(data: bytes, sizes: list[int]) -> str:
    text_filter = TextFilter()
    out = []
    for size in sizes:
        piece, data = data[:size], data[size:]
        out.append(text_filter.feed(piece))
    out += [text_filter.feed(data), text_filter.finish()]
    return "".join(out)


@given(st.text(), st.lists(st.integers(0, 5)))
def test_text_cut_anywhere_arrives_whole(text: str, sizes: list[int]) -> None:
    text = text.encode("utf-8", "replace").decode()
    assert streamed(text.encode(), sizes) == without_controls(text)


@given(st.binary(), st.lists(st.integers(0, 5)))
def test_no_bytes_reach_the_terminal_as_a_command(data: bytes, sizes: list[int]) -> None:
    text = streamed(data, sizes)
    assert all(char in "\n\t" or (char >= " " and not "\x7f" <= char <= "\x9f") for char in text)


def test_half_a_character_is_held_back_and_shown_in_the_end() -> None:
    text_filter = TextFilter()
    assert text_filter.feed("🦊".encode()[:2]) == ""
    assert text_filter.feed("🦊".encode()[2:]) == "🦊"
    text_filter.feed(b"\xf0\x9f")
    assert text_filter.finish() == "\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize("attack", ["\x1b[2J", "\x1b]52;c;eA==\x07", "\x9b31m", "a\rb", "\x08"])
def test_escape_sequences_lose_their_teeth(attack: str) -> None:
    assert not set(without_controls(attack)) & set("\x1b\x07\x9b\r\x08")
