"""Text that is pasted, told from keys: it never acts as such, whatever it holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from workbench.untrusted import without_controls

_BEGIN: Final = "\x1b[200~"
_END: Final = "\x1b[201~"


class Pastes:
    """Takes bracketed pastes out of what a terminal sends.

    Textual's parser looks for keys in them as well: of a coloured log parts would be typed, an
    Enter among them would send, and the rest would reach the screen as commands.
    """

    def __init__(self) -> None:
        self._pasted: str | None = None

    def feed(self, text: str) -> Iterator[tuple[str, str]]:
        """Keys, and a paste that has ended behind them; either may be empty."""
        while text:
            if self._pasted is None:
                keys, begin, text = text.partition(_BEGIN)
                if begin:
                    self._pasted = ""
                    # To the parser an Escape may begin a longer key: an end without a
                    # beginning is none, and says that it does not.
                    keys += _END
                yield keys, ""
                continue
            # The end may come in two pieces.
            pasted, end, rest = (self._pasted + text).partition(_END)
            if not end:
                self._pasted = pasted
                return
            self._pasted, text = None, rest
            yield "", without_controls(pasted.replace("\r\n", "\n").replace("\r", "\n"))
