"""Text from the tokens of real vocabularies: one BPE, one SPM."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from workbench.engine.llama.model import Model
from workbench.engine.text import TextFilter
from workbench.engine.thinking import Section, opened_by

Loading = Callable[[str], Model]

BOTH = pytest.mark.parametrize("vocabulary", ["qwen2", "llama-spm"])
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def streamed(
    model: Model, tokens: Sequence[int], *, stop: Sequence[str] = (), opened: Section | None = None
) -> tuple[list[str], list[str]]:
    """Thoughts and text of an answer, as they come with each of its tokens."""
    text_filter = TextFilter(stop, opened=opened)
    taken = []
    for token in tokens:
        piece, control, _ = model.cached_piece(token)
        text_filter.feed(piece, control=control)
        taken.append(text_filter.take())
    text_filter.finish()
    taken.append(text_filter.take())
    return [thought for thought, _ in taken], [text for _, text in taken]


def written(model: Model, text: str, **how: object) -> tuple[str, str]:
    """Thoughts and text of an answer that consists of the tokens of ``text``."""
    thoughts, answer = streamed(model, model.tokenize(text), **how)  # type: ignore[arg-type]
    return "".join(thoughts), "".join(answer).removeprefix(" ")


@BOTH
def test_characters_that_are_split_over_tokens_come_whole(
    loading: Loading, vocabulary: str
) -> None:
    model = loading(vocabulary)
    text = "🦊 und 👩‍👩‍👧: ça, Ωμέγα, 漢字 und ﷽!"
    tokens = model.tokenize(text)
    halves = [token for token in tokens if not _is_text(model.cached_piece(token).text)]
    assert len(halves) > 5
    _, pieces = streamed(model, tokens)
    assert "".join(pieces).removeprefix(" ") == text
    assert not any(REPLACEMENT in piece for piece in pieces)


def _is_text(piece: bytes) -> bool:
    try:
        piece.decode()
    except UnicodeDecodeError:
        return False
    return True


def test_tokens_may_be_of_any_length(loading: Loading) -> None:
    model = loading("qwen2")
    longest = max(range(model.n_vocab), key=lambda token: len(model.cached_piece(token).text))
    text = model.cached_piece(longest)[0].decode()
    assert len(text) == 128
    assert model.tokenize(text) == [longest]
    [dashes] = model.tokenize("-" * 64)
    _, pieces = streamed(model, [dashes, longest, dashes])
    assert pieces[:3] == ["-" * 64, text, "-" * 64]


@BOTH
def test_bytes_that_are_no_text_are_marked_and_harmless(loading: Loading, vocabulary: str) -> None:
    model = loading(vocabulary)
    of_byte = {model.cached_piece(token).text: token for token in range(model.n_vocab)}
    bad, escape, bell = (of_byte[bytes([byte])] for byte in (0xFF, 0x1B, 0x07))
    [dot] = model.tokenize("hello.")[-1:]
    _, pieces = streamed(model, [dot, bad, dot, escape, bell, bad, bad])
    assert "".join(pieces) == f".{REPLACEMENT}.{REPLACEMENT * 2}"


@BOTH
def test_a_stop_string_is_found_across_tokens(loading: Loading, vocabulary: str) -> None:
    model = loading(vocabulary)
    text = "It goes on and on, until the end of the world, and on."
    assert written(model, text, stop=["nd of the wor"]) == ("", "It goes on and on, until the e")
    assert written(model, text, stop=["nd of the moon"]) == ("", text)


@BOTH
def test_thoughts_are_found_however_their_marks_are_tokenized(
    loading: Loading, vocabulary: str
) -> None:
    model = loading(vocabulary)
    text = "<think>\nSeven, 七, is prime.\n</think>\n\nYes, it is."
    assert written(model, text) == ("Seven, 七, is prime.", "Yes, it is.")
    opened = opened_by("<|im_start|>assistant\n<think>\n")
    thoughts, answer = written(model, text.removeprefix("<think>\n"), opened=opened)
    assert (thoughts.strip(), answer) == ("Seven, 七, is prime.", "Yes, it is.")


def test_control_tokens_are_not_shown(loading: Loading) -> None:
    model = loading("qwen2")
    tokens = model.tokenize("Yes.<|im_end|>\n<|im_start|>user")
    assert sum(model.is_control(token) for token in tokens) == 2
    assert "".join(streamed(model, tokens)[1]) == "Yes.\nuser"
