"""Markdown as styled lines of text, for a terminal of a given width.

What a model writes is mostly Markdown. It is parsed by markdown-it-py; what is no Markdown
stays as it was written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.texmath import texmath_plugin
from textual.content import Content

from workbench.panes.chat.code import code_lines
from workbench.panes.chat.line import BLANK, Line, folded, wrapped
from workbench.untrusted import without_controls

_MUTED: Final = "$foreground-muted"
_HEADINGS: Final = {"h1": "bold underline $primary", "h2": "bold $primary"}
_QUOTE: Final = Content.styled("▌ ", _MUTED)
_BULLETS: Final = ("• ", "◦ ", "▪ ")
# Columns below which nothing is laid out.
LEAST: Final = 8

_OPENS: Final = {
    "strong_open": "bold",
    "em_open": "italic",
    "s_open": "strike",
    "link_open": "underline $accent",
}
_LITERAL: Final = {"code_inline": "$secondary", "math": "$secondary"}


class Block:
    """A top-level block of a text: a paragraph, a list, a fence, a table and so on."""

    def __init__(self, tokens: Sequence[Token], first: int) -> None:
        self._tokens = tokens
        self.first = first
        """The line of the text with which the block begins."""

    def lines(self, width: int, *, is_open: bool = False) -> list[Line]:
        """The block in ``width`` columns; of an open one the end is still to come."""
        width = max(LEAST, width)
        lines: list[Line] = []
        for line in _blocks(self._tokens, width, is_open=is_open):
            if line.content.cell_length <= width:
                lines.append(line)
                continue
            # Lists in lists in lists leave no room for words at last.
            first, *rest = folded(line.content, width)
            lines += [line._replace(content=first.content), *rest]
        return lines


def parse(text: str) -> list[Block]:
    """The top-level blocks of ``text``."""
    blocks: list[Block] = []
    begun: list[Token] = []
    depth = 0
    for token in _parser().parse(text):
        begun.append(token)
        depth += token.nesting
        if depth == 0:
            blocks.append(Block(begun, begun[0].map[0] if begun[0].map else 0))
            begun = []
    return blocks


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    # Only to leave them as they are: a formula's stars and underscores mean something else.
    return parser.use(dollarmath_plugin, allow_space=False, allow_digits=False).use(
        texmath_plugin, delimiters="brackets"
    )


def _blocks(tokens: Sequence[Token], width: int, *, is_open: bool = False) -> Iterator[Line]:
    """The lines of blocks that follow each other, a blank one between them."""
    at = 0
    tight = False
    while at < len(tokens):
        end = _end(tokens, at)
        inner = tokens[at + 1 : end]
        # In a tight list nothing stands apart.
        if at and not (tight or tokens[at].hidden):
            yield BLANK
        tight = tokens[at].hidden
        yield from _block(tokens[at], inner, width, is_open=is_open and end + 1 == len(tokens))
        at = end + 1


def _block(token: Token, inner: Sequence[Token], width: int, *, is_open: bool) -> Iterable[Line]:
    match token.type:
        case "paragraph_open":
            return wrapped(_inline(inner), width)
        case "heading_open":
            style = _HEADINGS.get(token.tag, "bold")
            return wrapped(_inline(inner).stylize(style), width)
        case "bullet_list_open" | "ordered_list_open":
            return _list(token, inner, width, is_open=is_open)
        case "blockquote_open":
            quoted = _blocks(inner, max(LEAST, width - 2), is_open=is_open)
            return [line.behind(_QUOTE, is_text=False) for line in quoted]
        case "fence" | "code_block":
            return code_lines(token, width, is_open=is_open)
        case "table_open":
            return _table(inner, width)
        case "hr":
            return [Line(Content.styled("─" * width, _MUTED))]
    # Formulas, HTML, and what there may be some day: as it was written.
    if token.type.startswith("math_block"):
        opening, closing = ("\\[", "\\]") if token.markup == "\\[" else ("$$", "$$")
        formula = f"{opening}{token.content}{closing}"
        return wrapped(Content.styled(formula, _LITERAL["math"]), width)
    return wrapped(Content(token.content.rstrip("\n")), width)


def _end(tokens: Sequence[Token], at: int) -> int:
    """Where the block that begins at ``at`` ends."""
    depth = 0
    for end in range(at, len(tokens)):
        depth += tokens[end].nesting
        if depth == 0:
            return end
    return len(tokens) - 1


def _inline(tokens: Sequence[Token]) -> Content:
    """The text of a paragraph, a heading or a table's cell."""
    pieces: list[Content] = []
    styles: list[str] = []
    links: list[str] = []
    for token in tokens[0].children or () if tokens else ():
        if token.type in _OPENS:
            styles.append(_OPENS[token.type])
            if token.type == "link_open":
                links.append(str(token.attrGet("href") or ""))
        elif token.nesting < 0:
            styles.pop()
            target = links.pop() if token.type == "link_close" else ""
            if target and pieces and target != pieces[-1].plain:
                pieces.append(Content.styled(f" ({target})", _MUTED))
        else:
            pieces.append(_styled(*_leaf(token), *styles))
    return Content("").join(pieces)


def _leaf(token: Token) -> tuple[str, str]:
    """The text of an inline token, and its own style."""
    match token.type:
        # A model's line ends mean something: verses, addresses, steps.
        case "softbreak" | "hardbreak":
            return "\n", ""
        case "image":
            return f"[image: {token.content or token.attrGet('src')}]", _MUTED
        case "math_inline":
            opening, closing = ("\\(", "\\)") if token.markup == "\\(" else ("$", "$")
            return f"{opening}{token.content}{closing}", _LITERAL["math"]
    # Of an address in angle brackets the parser shows what its %1B stands for.
    return without_controls(token.content), _LITERAL.get(token.type, "")


def _styled(text: str, *styles: str) -> Content:
    content = Content(text)
    for style in filter(None, styles):
        content = content.stylize(style)
    return content


def _list(token: Token, inner: Sequence[Token], width: int, *, is_open: bool) -> Iterator[Line]:
    number = int(token.attrs.get("start", 1)) if token.type == "ordered_list_open" else None
    bullet = _BULLETS[min(token.level // 2, len(_BULLETS) - 1)]
    items = []
    at = 0
    while at < len(inner):
        end = _end(inner, at)
        items.append(inner[at + 1 : end])
        at = end + 1
    last = len(items) - 1
    room = 2 if number is None else len(str(number + last)) + 2
    loose = any(not part.hidden for item in items for part in item[:1] if part.type != "fence")
    for index, item in enumerate(items):
        if index and loose and item and item[0].type == "paragraph_open":
            yield BLANK
        mark = bullet if number is None else f"{number + index}.".rjust(room - 1) + " "
        lines = list(_blocks(item, max(LEAST, width - room), is_open=is_open and index == last))
        for row, line in enumerate(lines or [BLANK]):
            indent = Content.styled(mark, _MUTED) if row == 0 else Content(" " * room)
            yield line.behind(indent, is_text=row == 0)


def _table(inner: Sequence[Token], width: int) -> Iterator[Line]:
    rows: list[list[Content]] = []
    rights: list[bool] = []
    for at, token in enumerate(inner):
        if token.type == "tr_open":
            rows.append([])
        elif token.type in ("th_open", "td_open"):
            rows[-1].append(_inline(inner[at + 1 : at + 2]))
            if len(rows) == 1:
                rights.append("right" in str(token.attrGet("style") or ""))
    columns = zip(*rows, strict=True)
    widths = _widths([max(cell.cell_length for cell in column) for column in columns], width)
    for number, row in enumerate(rows):
        cells = [wrapped(cell, room) for cell, room in zip(row, widths, strict=True)]
        for line in range(max(map(len, cells))):
            parts = [
                _padded(cell[line] if line < len(cell) else BLANK, room, right=right)
                for cell, room, right in zip(cells, widths, rights, strict=True)
            ]
            content = Content("  ").join(parts)
            yield Line(content.stylize("bold") if number == 0 else content)
        if number == 0:
            yield Line(Content.styled("  ".join("─" * room for room in widths), _MUTED))


def _padded(cell: Line, width: int, *, right: bool) -> Content:
    gap = max(0, width - cell.content.cell_length)
    return cell.content.pad_left(gap) if right else cell.content.pad_right(gap)


def _widths(natural: list[int], width: int) -> list[int]:
    """Columns that fit together: the widest give way first."""
    widths = list(natural)
    room = width - 2 * (len(widths) - 1)
    while sum(widths) > room and max(widths) > 3:
        widths[widths.index(max(widths))] -= 1
    return widths


def codes(text: str) -> list[str]:
    """The pieces of code in ``text``, in their order, as they can be run or saved."""
    kinds = ("fence", "code_block")
    return [token.content for token in _parser().parse(text) if token.type in kinds]
