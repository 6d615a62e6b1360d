"""Conversations for people to read: Markdown and plain text.

Only the path to the present leaf is written; the JSON has every version.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from workbench.sessions.conversation import Message, to_the_minute
from workbench.sessions.documents import Document

# What somebody reads as a whole should be one.
_UNFINISHED: Final = {"cancelled", "context", "cut off", "died", "failed", "length"}
_NAMES: Final = {"system": "System", "user": "You", "assistant": "Model"}


def as_markdown(document: Document) -> str:
    """A heading for each message; what a model thought is folded."""
    parts = [f"# {_escaped(document.title)}"]
    if document.created:
        parts.append(f"*{to_the_minute(document.created)}*")
    if document.system:
        parts += ["## System", document.system]
    for message in document.path():
        parts.append(f"## {_escaped(_name(message))}")
        if message.thoughts:
            parts.append(
                f"<details>\n<summary>Thoughts</summary>\n\n{message.thoughts.strip()}\n\n</details>"
            )
        parts.append(message.text.strip("\n"))
        if said := ", ".join(_figures(message)):
            parts.append(f"*{_escaped(said)}*")
    return "\n\n".join(parts) + "\n"


def as_text(document: Document) -> str:
    """A line with a name before each message."""
    parts = [document.title]
    if document.system:
        parts.append(f"System:\n{document.system}")
    for message in document.path():
        if message.thoughts:
            parts.append(f"{_name(message)}, thinking:\n{message.thoughts.strip()}")
        parts.append(f"{_name(message)}:\n{message.text.strip(chr(10))}")
        if message.finish in _UNFINISHED:
            parts.append(f"({message.finish})")
    return "\n\n".join(parts) + "\n"


def _name(message: Message) -> str:
    return message.model or _NAMES[message.role]


def _figures(message: Message) -> Iterator[str]:
    if message.n_tokens:
        yield f"{message.n_tokens} tokens"
    if message.tps:
        yield f"{message.tps:.1f} tokens/s"
    if message.seed is not None:
        yield f"seed {message.seed}"
    if message.finish not in ("", "stop"):
        yield message.finish


def _escaped(text: str) -> str:
    """Words that are no Markdown."""
    return "".join(f"\\{each}" if each in "\\`*_[]<>#" else each for each in text)
