"""How a conversation, and a place where words were found, look in the list."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from textual.content import Content

from workbench.sessions.conversation import local
from workbench.sessions.listing import Summary
from workbench.sessions.search import Hit
from workbench.untrusted import without_controls

PRESENT, PINNED = "●", "◆"
_SPEAKERS: Final = {"user": "You", "assistant": "Answer", "system": "System", "title": "Title"}
_WEEK: Final = timedelta(days=6)
_NARROW: Final = 44


def conversation(summary: Summary, width: int, now: float, *, present: bool) -> Content:
    """One line: marks and title at the left, how many messages and when at the right."""
    # Of one that is both the colour says that it is open.
    mark = PINNED if summary.pinned else PRESENT if present else " "
    colour = "$success" if present else "$accent"
    count = f"{summary.n_messages:>4}" if width >= _NARROW else ""
    facts = f"{count}  {when(summary.updated, now):>10}" if count else when(summary.updated, now)
    return _line((mark, colour), Content(summary.title), facts, width)


def place(hit: Hit, width: int, now: float) -> list[Content]:
    """Two lines: the conversation and who says it, and what is said there."""
    who = Content.styled(f"  {_SPEAKERS.get(hit.role, hit.role)}", "$foreground-muted")
    title = Content.assemble((without_controls(hit.title), "bold"), who)
    said = Content.assemble(
        "    ",
        *((piece.text, "bold $accent" if piece.is_hit else "") for piece in hit.snippet),
    )
    return [
        _line((" ", ""), title, when(hit.at, now), width),
        said.truncate(max(1, width - 1), ellipsis=True),
    ]


def _line(mark: tuple[str, str], title: Content, facts: str, width: int) -> Content:
    room = max(8, width - len(facts) - 6)
    title = title.truncate(room, ellipsis=True).pad_right(0)
    gap = " " * max(0, room - title.cell_length)
    return Content.assemble(" ", mark, " ", title, gap, "  ", (facts, "$foreground-muted"), " ")


def when(at: float, now: float) -> str:
    """A moment as short as it is near: ``14:05``, ``Tue 14:05``, ``12 Nov``, ``2024-11-12``."""
    if not at:
        return ""
    then, today = local(at), local(now)
    if then.date() == today.date():
        return f"{then:%H:%M}"
    if timedelta(0) < today.date() - then.date() <= _WEEK:
        return f"{then:%a %H:%M}"
    return f"{then.day} {then:%b}" if then.year == today.year else f"{then:%Y-%m-%d}"
