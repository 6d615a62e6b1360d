from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.engine.text import TextFilter
from workbench.engine.thinking import SECTIONS, Section, opened_by
from workbench.untrusted import without_controls

FORBIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")

Piece = bytes | str
"""A token's bytes, or the name of a control token."""


def streamed(
    pieces: list[Piece], stop: tuple[str, ...] = (), opened: Section | None = None
) -> tuple[str, str]:
    """Thoughts and text of an answer that comes in ``pieces``."""
    text_filter = TextFilter(stop, opened=opened)
    taken = []
    for piece in pieces:
        if text_filter.stopped:
            break
        if isinstance(piece, str):
            text_filter.feed(piece.encode(), control=True)
        else:
            text_filter.feed(piece)
        taken.append(text_filter.take())
    text_filter.finish()
    taken.append(text_filter.take())
    return "".join(thought for thought, _ in taken), "".join(text for _, text in taken)


def cut(data: bytes, sizes: list[int]) -> list[Piece]:
    pieces: list[Piece] = []
    for size in sizes:
        pieces.append(data[:size])
        data = data[size:]
    return [*pieces, data]


sizes = st.lists(st.integers(1, 5))


@given(st.text(), sizes)
def test_text_cut_anywhere_arrives_whole(text: str, sizes: list[int]) -> None:
    assert streamed(cut(text.encode("utf-8", "replace"), sizes)) == ("", without_controls(text))


@given(st.binary(), sizes)
def test_no_bytes_reach_the_terminal_as_a_command(data: bytes, sizes: list[int]) -> None:
    thoughts, text = streamed(cut(data, sizes))
    assert not FORBIDDEN.search(thoughts + text)
    assert streamed(cut(data, sizes)) == streamed([data])


def test_half_a_character_is_held_back_and_shown_in_the_end() -> None:
    text_filter = TextFilter()
    text_filter.feed("x🦊".encode()[:3])
    assert text_filter.take() == ("", "x")
    text_filter.feed("🦊".encode()[2:])
    assert text_filter.take() == ("", "🦊")
    text_filter.feed(b"\xf0\x9f")
    text_filter.finish()
    assert text_filter.take() == ("", "\N{REPLACEMENT CHARACTER}")


def test_a_colour_sequence_loses_its_escape() -> None:
    assert streamed([b"\x1b[31mred\x9b0m\r\n"]) == ("", "[31mred\N{REPLACEMENT CHARACTER}0m\n")


@pytest.mark.parametrize("attack", ["\x1b[2J", "\x1b]52;c;eA==\x07", "\x9b31m", "a\rb", "\x08"])
def test_escape_sequences_lose_their_teeth(attack: str) -> None:
    assert not set(without_controls(attack)) & set("\x1b\x07\x9b\r\x08")


# ---- stop strings ----------------------------------------------------------------------------


@given(st.text("ab", min_size=1, max_size=4), st.text("ab", max_size=12), sizes)
def test_an_answer_ends_before_the_first_stop_string(
    stop: str, text: str, sizes: list[int]
) -> None:
    assert streamed(cut(text.encode(), sizes), (stop,)) == ("", text.split(stop)[0])


def test_the_earliest_of_several_stop_strings_counts() -> None:
    assert streamed([b"one tw", b"o three"], ("three", "two")) == ("", "one ")


def test_what_could_begin_a_stop_string_is_held_back_until_it_is_certain() -> None:
    text_filter = TextFilter(("END",))
    text_filter.feed(b"the E")
    assert text_filter.take() == ("", "the ")
    text_filter.feed(b"ND")
    assert text_filter.stopped
    text_filter = TextFilter(("END",))
    text_filter.feed(b"the E")
    text_filter.finish()
    assert text_filter.take() == ("", "the E")


# ---- thinking sections -------------------------------------------------------------------------


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.opens)
@given(sizes)
def test_thoughts_are_told_from_the_answer(section: Section, sizes: list[int]) -> None:
    answer = f"{section.opens}\nhm, so\n{section.closes}\n\nYes.\nNo."
    assert streamed(cut(answer.encode(), sizes)) == ("hm, so", "Yes.\nNo.")


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.opens)
def test_a_section_may_be_opened_by_the_prompt(section: Section) -> None:
    assert opened_by(f"<user>hello<assistant>{section.opens}\n") == section
    assert streamed([b"hm\n", section.closes.encode(), b"\nYes"], opened=section) == ("hm", "Yes")


def test_a_prompt_without_an_open_section_opens_none() -> None:
    assert opened_by("<think></think>") is None
    assert opened_by("") is None


def test_marks_that_are_control_tokens_are_seen_and_never_shown() -> None:
    harmony: list[Piece] = [
        "<|channel|>", b"analysis", "<|message|>", b"hm, ", b"so", "<|end|>", "<|start|>",
        b"assistant", "<|channel|>", b"final", "<|message|>", b"Yes", "<|odd|>", b".",
    ]  # fmt: skip
    assert streamed(harmony) == ("hm, so", "Yes.")
    assert streamed(harmony[8:]) == ("", "Yes.")
    wide: list[Piece] = [b"So", "<\uff5ctool\u2581calls\u2581begin\uff5c>", b"!"]
    assert streamed(wide) == ("", "So!")


def test_a_tag_in_the_middle_of_an_answer_is_text() -> None:
    assert streamed([b"The tag <think> opens", b" it."]) == ("", "The tag <think> opens it.")


def test_thoughts_that_never_end_stay_thoughts() -> None:
    assert streamed([b"<think>hm", b", well </th"]) == ("hm, well </th", "")


def test_stop_strings_do_not_end_thoughts() -> None:
    assert streamed([b"<think>a END b</think>c END d"], ("END",)) == ("a END b", "c ")
