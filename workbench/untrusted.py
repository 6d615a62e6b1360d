"""Text from outside: what models write, what files are called, what libraries complain of."""

from __future__ import annotations

import re
from typing import Final

# Everything a terminal could take for a command: C0 but tab and newline, DEL, C1.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# What Python makes of file names that are not UTF-8; no terminal or pipe can take them.
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")


def without_controls(text: str) -> str:
    """``text`` without the control characters that a terminal acts on, and valid Unicode."""
    return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", _CONTROL.sub("", text))
