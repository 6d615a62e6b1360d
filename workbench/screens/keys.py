"""The keys of the workbench screen."""

from __future__ import annotations

from typing import Final

from textual.binding import Binding, BindingType

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
        "show('browser')",
        "Models",
        id="pane.browser",
        tooltip="Go to the model browser",
    ),
    Binding(
        "f3,ctrl+t",
        "show('parameters')",
        "Parameters",
        id="pane.parameters",
        tooltip="Go to the parameters",
    ),
    Binding(
        "f4,ctrl+g",
        "show('stats')",
        "Stats",
        id="pane.stats",
        tooltip="Show the live stats, on a narrow screen",
    ),
    Binding("ctrl+n", "new_chat", "New chat", id="chat.new", tooltip="Begin a new conversation"),
    Binding(
        "ctrl+r",
        "resume",
        "Resume",
        id="chat.resume",
        tooltip="Bring back a conversation that was cut off",
    ),
]
