from __future__ import annotations

from time import perf_counter

import pytest

from workbench.screens.find.cards import readable


@pytest.mark.parametrize(
    ("card", "words"),
    [
        ('<p align="center"><img src="https://x/y.png" width="200" alt="A llama"></p>', "A llama"),
        ("<div>\n    <img src=x alt='Its logo'/>\n</div>", "Its logo"),
        ("<img src=x>text", "text"),
        ("a<br>b", "a b"),
        ("<h2 id=x>Usage</h2>", "## Usage"),
        ("<!-- no\nword -->seen", "seen"),
        ("seen <!-- never closed", "seen"),
        ("<style>p { color: red }</style>seen", "seen"),
        ("**bold** <span style='x'>and</span> more", "**bold** and more"),
        # What is no HTML stays.
        ("<think> a < b > c <s> <|im_start|>", "<think> a < b > c <s> <|im_start|>"),
        ("<https://a.b/c>", "<https://a.b/c>"),
        ("`<p>` in code", "`<p>` in code"),
        ("```html\n<p>x</p>\n```\n<p>y</p>", "```html\n<p>x</p>\n```\n y"),
        ("~~~\n<p>\nnever closed", "~~~\n<p>\nnever closed"),
    ],
)
def test_tags_go_and_words_stay(card: str, words: str) -> None:
    assert readable(card).strip() == words


@pytest.mark.parametrize("piece", ["<!--", "<p ", "<style>", "```\n", "`", "  <p", "<img alt="])
def test_no_card_takes_long(piece: str) -> None:
    begun = perf_counter()
    readable(piece * (1 << 16))
    # Linear ones take a hundredth of it.
    assert perf_counter() - begun < 5
