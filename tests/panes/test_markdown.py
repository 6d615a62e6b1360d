"""Markdown as a terminal shows it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from workbench.panes.chat.entry import Entry
from workbench.panes.chat.markdown import parse

SAMPLE = """# Title

Some **bold** and `code`
in two lines, see [here](https://a.example).

- one
- two
  - nested

3. third
4. fourth

> quoted

```python
x = "a" + 'b'  # sum
```

| name | n |
|:-----|--:|
| a | 1 |
| bb | 22 |
"""


def shown(text: str, width: int = 40) -> list[str]:
    entry = Entry("assistant", "m", text)
    entry.fit(width)
    entry.close()
    return [line.plain for line in entry.lines]


def styles(text: str, word: str) -> set[str]:
    """The styles of ``word`` in ``text``."""
    for block in parse(text):
        for line in block.lines(80):
            at = line.plain.find(word)
            if at >= 0:
                return {
                    str(span.style) for span in line.content.spans if span.start <= at < span.end
                }
    raise AssertionError(f"there is no {word}")


def test_every_kind_of_block_has_its_shape() -> None:
    assert shown(SAMPLE) == [
        "Title",
        "",
        "Some bold and code",
        "in two lines, see here",
        "(https://a.example).",
        "",
        "• one",
        "• two",
        "  ◦ nested",
        "",
        "3. third",
        "4. fourth",
        "",
        "▌ quoted",
        "",
        "│ python",
        "│ x = \"a\" + 'b'  # sum",
        "",
        "name   n",
        "────  ──",
        "a      1",
        "bb    22",
    ]


@pytest.mark.parametrize(
    ("text", "word", "style"),
    [
        ("a **b** c", "b", "bold"),
        ("a *b* c", "b", "italic"),
        ("a ~~b~~ c", "b", "strike"),
        ("a `b` c", "b", "$secondary"),
        ("# b", "b", "bold underline $primary"),
        ("[b](http://c)", "b", "underline $accent"),
    ],
)
def test_emphasis_is_a_style_of_its_words_alone(text: str, word: str, style: str) -> None:
    assert style in styles(text, word)
    assert not styles(f"plain {text}", "plain") or text.startswith("#")


def test_code_is_coloured_and_folded_but_never_reflowed() -> None:
    text = "```python\ndef f():\n    return '" + "x" * 60 + "'\n\n\nf()\n```"
    assert styles(text, "def")
    lines = shown(text, 30)
    assert "│ def f():" in lines
    assert max(map(len, lines)) == 30
    assert "".join(lines).count("x") == 60
    assert lines.count("│ ") == 2


@pytest.mark.parametrize(
    "formula", ["$a_1*b_2*c$", r"\(a*b*c\)", "$$\na_1*b_2*c\n$$", "\\[\na*b*c\n\\]"]
)
def test_formulas_are_left_as_they_are_written(formula: str) -> None:
    assert shown(formula) == formula.split("\n")


def test_prices_are_no_formulas() -> None:
    assert shown("It costs $5 or $6, *maybe*.") == ["It costs $5 or $6, maybe."]


def test_what_is_no_markdown_is_left_as_it_is() -> None:
    for text in ("<b>x</b>", "a < b", "[ ] task", "2 * 3 * 4", "snake_case_name", "**open"):
        assert shown(text) == [text]


def test_tables_give_way_to_the_width() -> None:
    wide = "| a | b |\n|---|---|\n| " + "long " * 20 + "| " + "text " * 20 + "|"
    lines = shown(wide, 40)
    assert max(map(len, lines)) <= 40
    assert "".join(lines).count("long") == 20


@given(
    st.lists(
        st.one_of(
            st.sampled_from(
                ["\n", "\n\n", "```", "- ", "1. ", "> ", "**", "*", "`", "|", "|-|", "# ", "    "]
            ),
            st.sampled_from(["word", "漢字", "🦊", "$x$", "[a](b)", "&#27;[31m", "\\", "<b>"]),
            st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=3),
        ),
        max_size=25,
    ),
    st.integers(10, 60),
)
@example(["- ", "a", "\n\n", "    ", "- ", "b"], 12)
@example(["```", "&#27;[31m"], 10)
@example(["- ", "- ", "- ", "- ", "1. "], 10)
@settings(max_examples=500, deadline=None)
def test_in_pieces_as_in_one_and_never_too_wide(pieces: list[str], width: int) -> None:
    text = "".join(pieces)
    entry = Entry("assistant", "m", "")
    entry.fit(width)
    for piece in pieces:
        entry.append(piece)
        assert all(line.content.cell_length <= max(width, 8) for line in entry.lines)
    entry.close()
    lines = [line.plain for line in entry.lines]
    assert lines == shown(text, width)
    # Not even those that HTML's entities stand for.
    assert not any(unicodedata.category(character) == "Cc" for character in "".join(lines))


def test_an_address_cannot_command_the_terminal() -> None:
    for address in ("https://a.b/%1B]52;c;ZXZpbA==%1B%5C", "https://a.b/%C2%9B2J", "%1B@a.b"):
        text = " ".join(shown(f"See <{address}>.", 80))
        assert not any(unicodedata.category(each) == "Cc" for each in text), text


def test_a_list_begins_with_its_own_number() -> None:
    assert shown("0. zero\n1. one") == ["0. zero", "1. one"]
    assert shown("1. one\n1. two") == ["1. one", "2. two"]
