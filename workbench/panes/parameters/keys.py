"""The keys that work on the rows of the parameter pane."""

from __future__ import annotations

from typing import Final

from textual.binding import Binding, BindingType


def _key(keys: str, action: str, name: str, tooltip: str) -> Binding:
    description = name.replace("_", " ").capitalize()
    return Binding(keys, action, description, show=False, id=f"parameters.{name}", tooltip=tooltip)


KEYS: Final[list[BindingType]] = [
    _key("j,down", "down", "down", "Next row"),
    _key("k,up", "up", "up", "Previous row"),
    _key("g,home", "first", "first", "First row"),
    _key("G,end", "last", "last", "Last row"),
    _key("pagedown", "page(1)", "page_down", "A page of rows down"),
    _key("pageup", "page(-1)", "page_up", "A page of rows up"),
    _key("h,left", "step(-1)", "less", "One step less; fold the group"),
    _key("l,right", "step(1)", "more", "One step more; unfold the group"),
    _key("H,shift+left", "step(-10)", "much_less", "Ten steps less"),
    _key("L,shift+right", "step(10)", "much_more", "Ten steps more"),
    _key("enter", "choose", "edit", "Type a value; fold or unfold a group"),
    _key("space", "next", "next", "Next choice, on or off; fold or unfold a group"),
    _key("z", "fold", "fold", "Fold or unfold the group"),
    _key("Z", "fold_all", "fold_all", "Fold or unfold all groups"),
    _key("slash", "filter", "filter", "List only what a few letters or words describe"),
    _key("m", "changed_only", "changed_only", "List only what differs from the default"),
    _key("escape", "show_all", "show_all", "List all parameters again"),
    _key("backspace,delete", "reset", "reset", "Reset the parameter to its default"),
    _key("R", "reset_all", "reset_all", "Reset all parameters to their defaults"),
    _key("u,ctrl+z", "undo", "undo", "Take the last change of a parameter back"),
    _key("p", "presets", "presets", "Save the parameters under a name, or take saved ones"),
]
