"""From the bytes of tokens to text that may be shown."""

from __future__ import annotations

import codecs

from workbench.untrusted import without_controls


class TextFilter:
    """Turns one answer's token bytes into text, piece by piece.

    A character may span tokens: its bytes are held back until it is whole. Bytes that never
    become one are shown as U+FFFD.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, piece: bytes) -> str:
        """The text that ``piece`` completes."""
        return without_controls(self._decoder.decode(piece))

    def finish(self) -> str:
        """What is left at the end of the answer."""
        return without_controls(self._decoder.decode(b"", final=True))
