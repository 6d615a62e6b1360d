"""A line of the transcript: what is shown, and what of it is the text when it is copied."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from textual.content import Content

TAB: Final = 4


class Line(NamedTuple):
    """One row of a text that was laid out.

    The first ``skip`` characters are decoration: indents of wrapped lines, the bar beside
    code. ``join`` is what parts the line from the one above in the text as it was written:
    nothing or a blank where it is only too long for the screen.
    """

    content: Content
    skip: int = 0
    join: Literal["\n", " ", ""] = "\n"

    @property
    def plain(self) -> str:
        """The row's characters, decoration included."""
        return self.content.plain

    @property
    def length(self) -> int:
        """Characters of the text as it was written, what parts it from the line above included."""
        return len(self.plain) - self.skip + len(self.join)

    def behind(self, mark: Content, *, is_text: bool) -> Line:
        """The line with ``mark`` before it, itself text or more decoration."""
        return self._replace(
            content=mark + self.content, skip=0 if is_text else len(mark) + self.skip
        )


BLANK: Final = Line(Content())


def wrapped(content: Content, width: int) -> list[Line]:
    """A paragraph in ``width`` columns, broken between words."""
    if not content.plain:
        return [BLANK]
    content = content.expand_tabs(TAB)
    text, at = content.plain, 0
    lines: list[Line] = []
    for part in content.wrap(width):
        part = part.rstrip()
        join: Literal["\n", " ", ""] = "\n"
        if lines and text[at : at + 1] != "\n":
            join = " " if text[at : at + 1].isspace() else ""
        at = text.find(part.plain, at) + len(part)
        lines.append(Line(part, join=join))
    return lines


def folded(content: Content, width: int) -> list[Line]:
    """The same, broken wherever the width ends: code, and what has no blanks."""
    if content.cell_length <= width:
        return [Line(content)]
    first, *rest = content.fold(width)
    return [Line(first), *(Line(part, join="") for part in rest)]


def text_of(lines: Sequence[Line], start: int = 0, end: int | None = None) -> str:
    """The text of ``lines``, from a column of the first to one of the last."""
    parts: list[str] = []
    last = len(lines) - 1
    for index, line in enumerate(lines):
        first = max(line.skip, start) if index == 0 else line.skip
        stop = end if index == last and end is not None else len(line.plain)
        if index:
            parts.append(line.join)
        parts.append(line.plain[first : max(first, stop)])
    return "".join(parts)
