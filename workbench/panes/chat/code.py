"""Code between a bar and its end, in few and quiet colours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from time import thread_time
from typing import Any, Final

from markdown_it.token import Token as Block
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import Token
from pygments.util import ClassNotFound
from textual.content import Content, Span

from workbench.panes.chat.line import TAB, Line, folded

_BAR: Final = Content.styled("│ ", "$foreground-muted")
# Of the processor, so that a busy machine takes no colours away.
_MOST_SECONDS: Final = 0.5


# Names and signs keep the colour of the text: every change of colour costs up to forty bytes on
# the way to a terminal, and a page of many colours is no easier to read.
_STYLES: Final[Mapping[Any, str]] = {
    Token.Comment: "italic $foreground-muted",
    Token.Generic.Heading: "bold",
    Token.Generic.Subheading: "bold",
    Token.Generic.Inserted: "$success",
    Token.Generic.Deleted: "$error",
    Token.Keyword: "bold $primary",
    Token.Literal.String: "$success",
    Token.Literal.Number: "$accent",
    Token.Name.Tag: "$primary",
    Token.Name.Decorator: "$primary",
    Token.Operator.Word: "bold $primary",
}


def language_of(info: str) -> str:
    """The language that a fence names, or nothing."""
    words = info.split()
    return words[0] if words else ""


def code_lines(token: Block, width: int, *, is_open: bool) -> Iterator[Line]:
    """A fence's rows; too long lines are folded, none is reflowed."""
    language = language_of(token.info)
    source = token.content.removesuffix("\n")
    yield from heading(language, width)
    if is_open:
        # Line by line while it grows; only the whole is coloured beyond doubt.
        for line in source.split("\n"):
            yield from rows_of(language, line, width)
    else:
        for content in coloured(language, source).split("\n", allow_blank=True):
            yield from _barred(content, width)


def heading(language: str, width: int) -> Iterator[Line]:
    """The row above the code that names its language, if there is one."""
    if language:
        name = Content.styled(language, "$foreground-muted")
        row = (_BAR + name).truncate(width, ellipsis=True)
        yield Line(row, skip=len(row))


def coloured(language: str, source: str) -> Content:
    """Source in the colours of its language, if it is known.

    Some texts are made to keep a lexer busy for minutes: what takes long stays plain.
    """
    lexer = _lexer(language) if language else None
    if lexer is None:
        return Content(source)
    text, spans = "", []
    until = thread_time() + _MOST_SECONDS
    for kind, piece in lexer.get_tokens(source):
        if thread_time() > until:
            return Content(source)
        if style := _style(kind):
            spans.append(Span(len(text), len(text) + len(piece), style))
        text += piece
    # The lexer wants every line to end.
    return Content(text, spans).right_crop(1)


@lru_cache(maxsize=64)
def _lexer(language: str) -> Lexer | None:
    try:
        return get_lexer_by_name(language, stripnl=False, ensurenl=True, tabsize=TAB)
    except ClassNotFound:
        return None


@cache
def _style(kind: Any) -> str:
    while kind is not None:
        if kind in _STYLES:
            return _STYLES[kind]
        kind = kind.parent
    return ""


@lru_cache(maxsize=4096)
def rows_of(language: str, line: str, width: int) -> tuple[Line, ...]:
    """A line of code, in colours as far as they can be told of a line alone."""
    return tuple(_barred(coloured(language, line), width))


def _barred(line: Content, width: int) -> Iterator[Line]:
    for row in folded(line.expand_tabs(TAB), width - 2):
        yield row.behind(_BAR, is_text=False)
