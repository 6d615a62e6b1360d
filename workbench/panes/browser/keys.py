"""The keys that work on the list of models."""

from __future__ import annotations

from typing import Final, Literal

from textual.binding import Binding, BindingType

Wish = Literal["favourite", "metadata", "verify", "remove", "copy"]
"""What a person may want done with the model under the cursor, beside loading it."""


def _quiet(keys: str, action: str, name: str, tooltip: str) -> Binding:
    description = name.replace("_", " ").capitalize()
    return Binding(keys, action, description, show=False, id=f"browser.{name}", tooltip=tooltip)


KEYS: Final[list[BindingType]] = [
    _quiet("j,down", "cursor_down", "down", "Next model"),
    _quiet("k,up", "cursor_up", "up", "Previous model"),
    _quiet("g,home", "first", "first", "First model"),
    _quiet("G,end", "last", "last", "Last model"),
    Binding("enter", "select", "Load", show=False, id="browser.load", tooltip="Load the model"),
    _quiet("slash", "filter", "filter", "List only models that a few words describe"),
    _quiet("escape", "show_all", "show_all", "List all models again"),
    _quiet("f", "wish('favourite')", "favourite", "Keep the model in front, or no longer"),
    _quiet("i", "wish('metadata')", "metadata", "All that the model's file says of itself"),
    _quiet("v", "wish('verify')", "verify", "Hold the file against its checksum; again: stop"),
    _quiet("delete", "wish('remove')", "remove", "Remove the model from the disk, after asking"),
    _quiet("u", "undo", "undo", "Take the last removal back"),
    _quiet("s", "find", "find", "Find models on the Hugging Face Hub"),
    _quiet("y", "wish('copy')", "copy_path", "Copy the path of the model's file"),
]
