"""Text from outside: what models write, what files are called, what libraries complain of."""

from __future__ import annotations

import os.path
import re
from pathlib import Path
from typing import Final

# Everything a terminal could take for a command: C0 but tab and newline, DEL, C1.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# What Python makes of file names that are not UTF-8; no terminal or pipe can take them.
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")


def without_controls(text: str) -> str:
    """``text`` without the control characters that a terminal acts on, and valid Unicode."""
    return without_surrogates(_CONTROL.sub("", text))


def without_surrogates(text: str) -> str:
    """``text`` as valid Unicode: what a shell passes need not be."""
    return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)


def named_file(name: str) -> Path:
    """The file that a person names; ``~`` is a home, of whoever there is one."""
    # Path's own way ends in an error where there is nobody of that name.
    return Path(os.path.expanduser(name))  # noqa: PTH111


def is_there(file: Path) -> bool:
    """Whether there is such a file or folder, whatever its name is: Path refuses long ones."""
    return os.path.exists(file)  # noqa: PTH110


def same_file(one: Path, other: Path) -> bool:
    """Whether both are one file, by whatever ways they are named."""
    try:
        return one.samefile(other)
    except OSError:
        return one == other


def is_file(file: Path) -> bool:
    """The same of a file; of one that cannot be looked at ``Path`` raises."""
    return os.path.isfile(file)  # noqa: PTH113
