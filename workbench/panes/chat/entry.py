"""A block of the transcript: who says it, and its lines at the present width."""

from __future__ import annotations

from typing import Final, Literal

from textual.content import Content

Kind = Literal["user", "assistant", "thoughts", "note", "error"]

_TAB: Final = 4


class Entry:
    """Text that may still grow.

    Only the open end is laid out again when text arrives: the last paragraph of plain text,
    the last block of an answer's Markdown.
    """

    def __init__(self, kind: Kind, title: str, text: str) -> None:
        self.kind = kind
        self.title = title
        self.remark = ""
        self.text = text
        # The end of the text, from the beginning of its last block.
        self._open = text
        self._closed: list[Content] = []
        self._width = 0
        self._growing = True
        self.lines: list[Content] = []

    def append(self, text: str) -> None:
        """Add text at the end."""
        self.text += text
        self._open += text
        self._lay_out()

    def fit(self, width: int) -> None:
        """Lay out for ``width`` columns."""
        if width != self._width:
            self._width = width
            self._lay_out_anew()

    def close(self) -> None:
        """No more will come: what the whole text decides can be decided."""
        if self._growing:
            self._growing = False
            self._lay_out_anew()

    @property
    def height(self) -> int:
        """Rows: title, text, a blank one. A note has no title."""
        return len(self.lines) + (2 if self.title else 1)

    def _lay_out_anew(self) -> None:
        self._open = self.text
        self._closed = []
        self._lay_out()

    def _lay_out(self) -> None:
        if not self._width:
            return
        if self.kind == "assistant":
            self._lay_out_markdown()
        else:
            *closed, self._open = self._open.split("\n")
            for paragraph in closed:
                self._closed += _plain(paragraph, self._width)
            self.lines = self._closed + _plain(self._open, self._width)

    def _lay_out_markdown(self) -> None:
        # Here: parser and lexers take a tenth of the time in which the app starts.
        from workbench.panes.chat import markdown

        blocks = markdown.parse(self._open)
        if not blocks:
            self.lines = self._closed or [Content()]
            return
        *closed, last = blocks
        for block in closed:
            self._closed += self._apart(block.lines(self._width))
        self._open = "\n".join(self._open.split("\n")[last.first :])
        lines = last.lines(self._width, is_open=self._growing)
        self.lines = self._closed + self._apart(lines)

    def _apart(self, lines: list[Content]) -> list[Content]:
        """A block's lines, after a blank one if there is something before it."""
        return [Content(), *lines] if self._closed else lines


def _plain(paragraph: str, width: int) -> list[Content]:
    if not paragraph:
        return [Content()]
    return [line.rstrip() for line in Content(paragraph.expandtabs(_TAB)).wrap(width)]
