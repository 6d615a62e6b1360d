"""Text from outside: what models write, what files are called, what libraries complain of."""

from __future__ import annotations

import re
from typing import Final

# Everything a terminal could take for a command: C0 but tab and newline, DEL, C1.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def without_controls(text: str) -> str:
    """``text`` without the control characters that a terminal acts on."""
    return _CONTROL.sub("", text)
