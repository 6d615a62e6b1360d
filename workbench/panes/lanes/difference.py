"""Where two answers differ: word by word, and the first token at which they part."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Final, NamedTuple

from workbench.engine.protocol import Token

# A word with the white space before it: what is added or left out reads as one piece.
_WORD: Final = re.compile(r"\s*(?:\w+|[^\w\s])|\s+")
# What two token streams spell after they part is compared no further.
_LOOKED_AHEAD: Final = 64

Span = tuple[int, int]


class Difference(NamedTuple):
    """The characters of each text that the other does not have, and how much they share.

    ``same`` is the share of words that are the same, 0 to 1, as difflib counts: twice the
    common words by the words of both.
    """

    left: list[Span]
    right: list[Span]
    same: float


class Parting(NamedTuple):
    """Where two answers part: at which token, counted from 1, and at which character.

    ``left`` and ``right`` are the tokens they go on with; empty where an answer has ended.
    """

    token: int
    at: int
    left: str
    right: str


def difference(left: str, right: str) -> Difference:
    """Compare two texts by words. Takes time that grows with the product of their lengths."""
    texts = (left, right)
    spans = [[found.span() for found in _WORD.finditer(text)] for text in texts]
    words = [
        [text[start:end].strip() for start, end in each]
        for text, each in zip(texts, spans, strict=True)
    ]
    matcher = SequenceMatcher(None, words[0], words[1], autojunk=False)
    only: tuple[list[Span], list[Span]] = ([], [])
    for tag, *ends in matcher.get_opcodes():
        if tag == "equal":
            continue
        for side, (first, last) in enumerate((ends[:2], ends[2:])):
            if first < last:
                start, end = spans[side][first][0], spans[side][last - 1][1]
                # The space before it belongs to neither.
                changed = texts[side][start:end]
                start = end - len(changed.lstrip())
                if start < end:
                    only[side].append((start, end))
    return Difference(*only, matcher.ratio())


def parting(
    left: Sequence[Token], right: Sequence[Token], texts: tuple[str, str]
) -> Parting | None:
    """Where two answers of one model part, by their tokens; None if they do not.

    ``texts`` are the answers as they are shown. Tokens that differ may begin with the same
    letters: the place is that of the token.
    """
    same = 0
    for one, other in zip(left, right, strict=False):
        if one.id != other.id:
            break
        same += 1
    if same == len(left) == len(right):
        return None
    rest = [_spelled(tokens[same : same + _LOOKED_AHEAD]) for tokens in (left, right)]
    at = _alike(*texts) - _alike(rest[0], rest[1])
    return Parting(
        same + 1, max(0, at), *(_spelled(each[same : same + 1]) for each in (left, right))
    )


def _alike(left: str, right: str) -> int:
    """How many characters at the beginning are the same."""
    pairs = enumerate(zip(left, right, strict=False))
    return next((at for at, (one, other) in pairs if one != other), min(len(left), len(right)))


def _spelled(tokens: Sequence[Token]) -> str:
    return b"".join(token.piece for token in tokens).decode("utf-8", "ignore")
