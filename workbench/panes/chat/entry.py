"""A block of the transcript: who says it, and its lines at the present width."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from textual.content import Content

from workbench.panes.chat.line import BLANK, Line, wrapped

if TYPE_CHECKING:
    from workbench.panes.chat.growing import Growing

Kind = Literal["user", "assistant", "thoughts", "note", "error"]

_FOLDED: Final = "▸"
_UNFOLDED: Final = "▾"


class Entry:
    """Text that may still grow.

    It is laid out when its lines are first wanted; until then its height is an estimate. Only
    the open end is laid out again when text arrives: the last paragraph of plain text, the
    last block of an answer's Markdown.

    ``message`` is the number of the conversation's message that it shows, if any.
    """

    def __init__(self, kind: Kind, title: str, text: str, *, message: int | None = None) -> None:
        self.kind = kind
        self.text = text
        self.message = message
        self.remark = ""
        self.folded = False
        self._title = title
        # The end of the text, from the beginning of its last block.
        self._open = text
        self._closed: list[Line] = []
        # The last block, if all of it need not be laid out anew, and where its lines begin.
        self._last: Growing | None = None
        self._last_at = 0
        self._width = 0
        self._growing = True
        self._lines: list[Line] | None = None

    def retitle(self, title: str) -> None:
        """Let another name stand above it; only where there is one."""
        self._title = title

    @property
    def title(self) -> str:
        """Who says it, and whether it is folded; nothing for a note."""
        if self.kind != "thoughts":
            return self._title
        return f"{_FOLDED if self.folded else _UNFOLDED} {self._title}"

    @property
    def lines(self) -> list[Line]:
        """The text's lines, also if they are folded away; none before there is a width."""
        if not self._width:
            return []
        if self._lines is None:
            self._open = self.text
            self._closed = []
            self._last = None
            self._lines = self._laid_out()
        return self._lines

    @property
    def is_laid_out(self) -> bool:
        """Whether the height is more than an estimate."""
        return self.folded or self._lines is not None

    def lay_out(self) -> bool:
        """Find out the true height; returns whether it was an estimate."""
        if self.is_laid_out:
            return False
        return bool(self.lines)

    @property
    def height(self) -> int:
        """Rows: title, text, a blank one."""
        around = 2 if self._title else 1
        if self.folded:
            return around
        if self._lines is not None:
            return len(self._lines) + around
        width = max(1, self._width)
        return around + sum(1 + len(each) // width for each in self.text.split("\n"))

    def append(self, text: str) -> int:
        """Add text at the end; returns the number of the first line that differs."""
        self.text += text
        self._open += text
        if self._lines is None:
            return 0
        before = self._lines
        self._lines = self._laid_out()
        return _first_difference(before, self._lines)

    def append_unseen(self, text: str) -> None:
        """Add text at the end, to be laid out when lines are next wanted."""
        self.text += text
        self._lines = None

    def fit(self, width: int) -> None:
        """Lay out for ``width`` columns when the lines are next wanted."""
        if width != self._width:
            self._width = width
            self._lines = None

    def close(self) -> None:
        """No more will come: what the whole text decides can be decided."""
        if self._growing:
            self._growing = False
            self._lines = None

    def line_at(self, row: int) -> Line | None:
        """What is in a row of the entry; None is the blank one at its end."""
        if self._title:
            row -= 1
        if row < 0:
            return Line(Content(self.title))
        return self.lines[row] if not self.folded and row < len(self.lines) else None

    def _laid_out(self) -> list[Line]:
        if self.kind == "assistant":
            return self._markdown()
        *closed, self._open = self._open.split("\n")
        for paragraph in closed:
            self._closed += wrapped(Content(paragraph), self._width)
        return self._closed + wrapped(Content(self._open), self._width)

    def _markdown(self) -> list[Line]:
        # Here: parser and lexers take a tenth of the time in which the app starts.
        from workbench.panes.chat import markdown
        from workbench.panes.chat.growing import growing, may_be_words

        if self._last is not None:
            if (rows := self._last.rows(self._open)) is not None:
                self._closed += rows.complete
                return self._closed + rows.growing
            del self._closed[self._last_at :]
            self._last = None
        blocks = markdown.parse(self._open)
        if not blocks:
            return self._closed or [BLANK]
        text, at = self._open, len(self._closed)
        *closed, last = blocks
        for block in closed:
            self._closed += self._apart(block.lines(self._width))
        self._open = "\n".join(self._open.split("\n")[last.first :])
        known = growing(self._open, max(markdown.LEAST, self._width)) if self._growing else None
        if known is not None and (rows := known.rows(self._open)) is not None:
            self._last, self._last_at = known, len(self._closed)
            self._closed += self._apart([])
            self._closed += rows.complete
            return self._closed + rows.growing
        lines = self._closed + self._apart(last.lines(self._width, is_open=self._growing))
        if may_be_words(text):
            # Of the block above, which stays open until that is known.
            self._open = text
            del self._closed[at:]
        return lines

    def _apart(self, lines: list[Line]) -> list[Line]:
        """A block's lines, after a blank one if there is something before it."""
        return [BLANK, *lines] if self._closed else lines


def _first_difference(before: list[Line], after: list[Line]) -> int:
    number = 0
    for number, (old, new) in enumerate(zip(before, after, strict=False)):
        if old is not new and not old.content.is_same(new.content):
            return number
    return number if len(before) == len(after) else min(len(before), len(after))
