"""The keys of the workbench screen."""

from __future__ import annotations

from typing import Final

from textual.binding import Binding, BindingType

from workbench.screens.jump import JUMP

KEYS: Final[list[BindingType]] = [
    Binding(
        "escape",
        "stop",
        "Stop",
        id="answer.stop",
        tooltip="Stop the answer and keep it; a while later: end an engine that hangs",
    ),
    Binding("escape", "back", "Back", show=False, id="chat.back", tooltip="Go back to the prompt"),
    Binding(
        "f2,ctrl+o",
        "pane('browser')",
        "Models",
        id="pane.browser",
        tooltip="Models: go there, or hide them",
        # At once: what is typed behind it is meant for where it leads.
        priority=True,
    ),
    Binding(
        "f3,ctrl+t",
        "pane('parameters')",
        "Parameters",
        id="pane.parameters",
        tooltip="Parameters: go there, or hide them",
        priority=True,
    ),
    Binding(
        "f4,ctrl+g",
        "pane('stats')",
        "Stats",
        id="pane.stats",
        tooltip="Show or hide the live stats",
        priority=True,
    ),
    Binding(
        "f9,ctrl+up",
        "read",
        "Read",
        id="chat.read",
        tooltip="Read the chat: copy, find, ask again",
        priority=True,
    ),
    Binding(
        "f6",
        "lanes",
        "Lanes",
        id="chat.lanes",
        tooltip="Go on in lanes: one prompt, several settings, side by side",
        priority=True,
    ),
    Binding(
        "f7",
        "sessions",
        "Chats",
        id="chat.sessions",
        tooltip="All conversations: open, find, rename, pin, delete",
        priority=True,
    ),
    Binding(
        "f12",
        "find",
        "Find",
        id="models.find",
        tooltip="Find models on the Hugging Face Hub, and see whether they fit",
        priority=True,
    ),
    Binding(
        "ctrl+y",
        "system",
        "System prompt",
        show=False,
        id="chat.system",
        tooltip="The system prompt of this conversation, and a library of them",
        priority=True,
    ),
    Binding("ctrl+n", "new_chat", "New", id="chat.new", tooltip="Begin a new conversation"),
    JUMP,
    Binding(
        "greater_than_sign",
        "widen(2)",
        "Wider",
        show=False,
        id="pane.wider",
        tooltip="Widen this column",
    ),
    Binding(
        "less_than_sign",
        "widen(-2)",
        "Narrower",
        show=False,
        id="pane.narrower",
        tooltip="Narrow this column",
    ),
    Binding(
        "ctrl+r",
        "resume",
        "Resume",
        id="chat.resume",
        tooltip="Bring back a conversation that was cut off",
    ),
]
