"""Texts that the Hub gives: whatever people wrote there."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Final

from workbench.untrusted import without_controls

# They turn what stands behind them around: a name then reads as another one.
_DIRECTIONS: Final = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_FRONT_MATTER: Final = re.compile(r"\A\s*---\s*\n.*?\n---\s*(?:\n|\Z)", re.DOTALL)
_HTML_COMMENT: Final = re.compile(r"<!--.*?-->", re.DOTALL)
REPO: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
_LONGEST_PATH: Final = 1000


def line(text: object) -> str:
    """``text`` as one line that a terminal shows as it is; empty for what is no text."""
    if not isinstance(text, str):
        return ""
    return _DIRECTIONS.sub("", " ".join(without_controls(text).split()))


def card(text: str) -> str:
    """A model card's Markdown without its front matter, and without terminal commands."""
    text = without_controls(text.replace("\r\n", "\n"))
    text = _FRONT_MATTER.sub("", text, count=1)
    return _DIRECTIONS.sub("", _HTML_COMMENT.sub("", text)).strip()


def is_repo(name: str) -> bool:
    """Whether ``name`` is ``owner/name`` by the Hub's rules, and safe as a folder's name."""
    return bool(REPO.fullmatch(name)) and "--" not in name and ".." not in name


def is_path(path: str) -> bool:
    """Whether ``path`` stays inside a repository, on any system, and can be shown as it is."""
    return (
        0 < len(path) <= _LONGEST_PATH
        and line(path) == path
        and "\\" not in path
        and ":" not in path
        and not path.startswith("/")
        and all(part not in ("", ".", "..") for part in path.split("/"))
        and str(PurePosixPath(path)) == path
        and all(len(part.encode()) <= 255 for part in path.split("/"))
    )
