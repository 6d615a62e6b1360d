"""The keys of the lanes' screen."""

from __future__ import annotations

from typing import Final

from textual.binding import Binding, BindingType

from workbench.screens.jump import JUMP


def _key(keys: str, action: str, name: str, tooltip: str, *, show: bool = True) -> Binding:
    # At once: the prompt has other ideas of some of them.
    return Binding(
        keys, action, name, id=f"lanes.{action}", tooltip=tooltip, show=show, priority=True
    )


def _letter(key: str, action: str, name: str, tooltip: str) -> Binding:
    """Where something is typed it is a letter like others."""
    return Binding(key, action, name, id=f"lanes.{action}", tooltip=tooltip, show=False)


KEYS: Final[list[BindingType]] = [
    Binding(
        "escape",
        "stop",
        "Stop",
        id="lanes.stop",
        tooltip="Stop the answers of all lanes, and keep what they wrote",
    ),
    Binding(
        "escape",
        "back",
        "Back",
        id="lanes.back",
        tooltip="Go back to the prompt, and from there to the chat as it was",
    ),
    _key("f2", "keep", "Keep", "Go on with this lane in the chat: its answers, its parameters"),
    _key("f2", "vote", "Vote", "Say which answer is best; then the lanes are named"),
    _key("f3", "settings", "Set", "Parameters of this lane: go there, or hide them"),
    _key("f4", "differences", "Diff", "Show where this lane and another differ"),
    _key("f6", "add", "Add", "Add a lane, like this one"),
    _key("f7", "next", "Next", "Go to the next lane"),
    Binding(
        "shift+f7,f19",
        "next(-1)",
        "Lane before",
        show=False,
        priority=True,
        id="lanes.before",
        tooltip="Go to the lane before",
    ),
    _key("f9,ctrl+up", "read", "Read", "Read this lane: copy, find, answer again"),
    _key("f12", "blind", "Blind", "Judge blindly: lanes are shuffled and named after the vote"),
    _key(
        "ctrl+t",
        "type",
        "Type settings",
        "Type what this lane sets: temperature=1.2,min_p=0.1, or model=NAME",
        show=False,
    ),
    _key("ctrl+s", "sweep", "Sweep", "Line lanes up over a range of a parameter", show=False),
    Binding(
        "pageup",
        "page(-1)",
        "Page up",
        show=False,
        priority=True,
        id="lanes.page_up",
        tooltip="Scroll this lane up a page",
    ),
    Binding(
        "pagedown",
        "page(1)",
        "Page down",
        show=False,
        priority=True,
        id="lanes.page_down",
        tooltip="Scroll this lane down a page",
    ),
    JUMP,
    _letter("x", "stop_one", "Stop this lane", "Stop this lane alone"),
    _letter("X", "close", "Close this lane", "Close this lane"),
    _letter("s", "together", "Scroll together", "Scroll all lanes together, or each by itself"),
    _letter("S", "seeds", "Seeds", "Let all lanes draw by the same chance, or each by its own"),
    _letter("V", "votes", "Votes", "Show how settings fared in all votes"),
]
