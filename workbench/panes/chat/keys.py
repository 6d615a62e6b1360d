"""The keys of the transcript."""

from __future__ import annotations

from typing import Final

from textual.binding import Binding, BindingType


def _quiet(keys: str, action: str, words: str, id: str, tooltip: str) -> Binding:  # noqa: A002
    return Binding(keys, action, words, show=False, id=f"transcript.{id}", tooltip=tooltip)


KEYS: Final[list[BindingType]] = [
    _quiet("j,down", "move(1)", "Down", "down", "Next message, or further down a long one"),
    _quiet("k,up", "move(-1)", "Up", "up", "Message before, or further up a long one"),
    _quiet("g,home", "start", "Start", "start", "Go to the start"),
    _quiet("G,end", "end", "End", "end", "Go to the end and follow it"),
    _quiet("ctrl+d", "half_page(1)", "Half down", "half_down", "Scroll down half a page"),
    _quiet("ctrl+u", "half_page(-1)", "Half up", "half_up", "Scroll up half a page"),
    Binding("c,y", "copy", "Copy", id="transcript.copy", tooltip="Copy the message or selection"),
    Binding(
        "b",
        "copy_code",
        "Copy code",
        id="transcript.copy_code",
        tooltip="Copy a block of code of the message; again: the next one",
    ),
    Binding(
        "e", "edit", "Edit", id="transcript.edit", tooltip="Write the prompt anew and ask again"
    ),
    Binding(
        "r", "regenerate", "Again", id="transcript.regenerate", tooltip="Have it answered again"
    ),
    _quiet("h,left", "sideways(-1)", "Version before", "left", "Show the version before this"),
    _quiet("l,right", "sideways(1)", "Next version", "right", "Show the next version"),
    _quiet("space,enter", "fold", "Fold", "fold", "Fold or unfold what a model thought"),
    _quiet("z", "fold_all", "Fold all", "fold_all", "Fold or unfold all thoughts"),
    _quiet("v", "select", "Select", "select", "Select text by keys: arrows, w W 0 $, then c"),
    _quiet("w", "word(1)", "Word", "word", "While selecting: to the next word"),
    _quiet("W", "word(-1)", "Word back", "word_back", "While selecting: to the word before"),
    _quiet("0", "edge(0)", "Line start", "line_start", "While selecting: to the line's start"),
    _quiet("dollar_sign", "edge(1)", "Line end", "line_end", "While selecting: to its end"),
    Binding("slash", "find", "Find", id="transcript.find", tooltip="Find words in the chat"),
    _quiet("n", "next_hit(1)", "Next hit", "next_hit", "Go to the next place found"),
    _quiet("N", "next_hit(-1)", "Hit before", "hit_before", "Go to the place found before"),
]
