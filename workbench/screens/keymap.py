"""Every key of ours by its id, and what a person has made of them in ``config.toml``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Final

from textual.app import App
from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import Keys, _character_to_key

from workbench.panes.browser.models import ModelFilter, ModelList
from workbench.panes.chat.conversation import ConversationReader
from workbench.panes.chat.pane import ChatPane
from workbench.panes.chat.prompt import Prompt
from workbench.panes.chat.search import SearchBar
from workbench.panes.parameters.field import FilterField, ValueField
from workbench.panes.parameters.rows import ParameterList
from workbench.panes.sessions.rows import ConversationList
from workbench.panes.sheet import Sheet
from workbench.screens.find.lists import DownloadList, ResultList, SearchField, VariantList
from workbench.screens.find.screen import FindScreen
from workbench.screens.help import HelpScreen
from workbench.screens.jump import JumpScreen
from workbench.screens.lanes.differences import DifferencesScreen
from workbench.screens.lanes.screen import LanesScreen
from workbench.screens.lanes.typed import LaneScreen
from workbench.screens.lanes.votes import VoteScreen, VotesScreen
from workbench.screens.metadata import MetadataScreen
from workbench.screens.presets import PresetScreen
from workbench.screens.removing import RemovalScreen
from workbench.screens.sessions.screen import SessionsScreen
from workbench.screens.systems import SystemScreen
from workbench.screens.text import TextScreen
from workbench.screens.themes import ThemeList, ThemeScreen
from workbench.screens.workbench import WorkbenchScreen

Node = type[DOMNode]

CHAINS: Final[tuple[tuple[Node, ...], ...]] = (
    (WorkbenchScreen, ChatPane, ConversationReader),
    (WorkbenchScreen, ChatPane, Prompt),
    (WorkbenchScreen, ChatPane, SearchBar),
    (WorkbenchScreen, ModelList),
    (WorkbenchScreen, ModelFilter),
    (WorkbenchScreen, ParameterList),
    (WorkbenchScreen, FilterField),
    (WorkbenchScreen, ValueField),
    (LanesScreen, ConversationReader),
    (LanesScreen, Prompt),
    (LanesScreen, SearchBar),
    (LanesScreen, ParameterList),
    (LanesScreen, FilterField),
    (LanesScreen, ValueField),
    (LaneScreen,),
    (VoteScreen,),
    (VotesScreen,),
    (DifferencesScreen,),
    (HelpScreen,),
    (JumpScreen,),
    (PresetScreen,),
    (ThemeScreen, ThemeList),
    (SessionsScreen, ConversationList),
    (SessionsScreen, SearchBar),
    (SystemScreen,),
    (TextScreen,),
    (FindScreen, SearchField),
    (FindScreen, ResultList),
    (FindScreen, VariantList),
    (FindScreen, DownloadList),
    (FindScreen, Sheet),
    (MetadataScreen, Sheet),
    (MetadataScreen, SearchBar),
    (RemovalScreen,),
)
"""What is asked in turn for a key, from the outside in; the app comes before each."""

_MODIFIERS: Final = ("ctrl+", "alt+", "shift+", "super+", "hyper+", "meta+")
_SIGNS: Final = {_character_to_key(chr(code)) for code in range(ord("!"), ord("~") + 1)}
_NAMES: Final = {key.value for key in Keys} | {"enter", "tab", "backspace"} | _SIGNS


def bindings(node: Node) -> list[Binding]:
    """The bindings that a class declares; ours all declare their own."""
    return list(Binding.make_bindings(node.BINDINGS))


def declared(app: type[App[None]]) -> dict[str, list[Binding]]:
    """All bindings that can be changed, by their id; one id may have several."""
    found: dict[str, list[Binding]] = {}
    for node in dict.fromkeys((app, *(node for chain in CHAINS for node in chain))):
        for binding in bindings(node):
            if binding.id:
                found.setdefault(binding.id, []).append(binding)
    return found


def checked(wanted: Mapping[str, str], app: type[App[None]]) -> tuple[dict[str, str], list[str]]:
    """The part of ``wanted`` that can be had, and a sentence on each thing that is wrong."""
    known = declared(app)
    good: dict[str, str] = {}
    complaints: list[str] = []
    for id_, keys in wanted.items():
        if id_ not in known:
            [*near] = get_close_matches(id_, known, 1)
            hint = f"; did you mean {near[0]}?" if near else "; `workbench keys` lists them."
            complaints.append(f"there is no key for '{id_}'{hint}")
            continue
        wrong = [key for key in _keys(keys) if not _exists(key)]
        if wrong or not keys.strip():
            complaints.append(f"{id_}: there is no key '{', '.join(wrong)}'.")
            continue
        good[id_] = ",".join(_keys(keys))
    complaints += _clashes(good, app)
    return good, complaints


def keys_of(binding_id: str, keymap: Mapping[str, str], app: type[App[None]]) -> str:
    """The keys that an action has now, parted by commas."""
    if binding_id in keymap:
        return keymap[binding_id]
    # Where a screen and a screen above it declare the same, it is one.
    return ",".join(dict.fromkeys(_keys(",".join(each.key for each in declared(app)[binding_id]))))


def as_toml(keymap: Mapping[str, str], app: type[App[None]]) -> str:
    """The whole map as ``config.toml`` takes it."""
    rows = [
        (f'{id_} = "{keys_of(id_, keymap, app)}"', found[0].tooltip)
        for id_, found in declared(app).items()
    ]
    width = max(len(row) for row, _ in rows)
    return "\n".join(["[keys]", *(f"{row.ljust(width)}  # {words}" for row, words in rows), ""])


def _clashes(keymap: Mapping[str, str], app: type[App[None]]) -> Iterable[str]:
    """Keys that the person gave to two actions that can be wanted in the same place."""
    said: set[frozenset[str]] = set()
    for chain in CHAINS:
        owners: dict[str, list[str]] = {}
        for node in (app, *chain):
            for binding in bindings(node):
                if not binding.id:
                    continue
                for key in _keys(keymap.get(binding.id, binding.key)):
                    owners.setdefault(key, []).append(binding.id)
        for key, ids in owners.items():
            both = frozenset(ids)
            if len(both) > 1 and both & set(keymap) and both not in said:
                said.add(both)
                yield f"{key} is both {' and '.join(sorted(both))}: one of them hides the other."


def _keys(keys: str) -> list[str]:
    """Key names in Textual's long form: ``/`` is ``slash``."""
    names = [key.strip() for key in keys.split(",") if key.strip()]
    return [_character_to_key(name) if len(name) == 1 else name for name in names]


def _exists(key: str) -> bool:
    for modifier in _MODIFIERS:
        key = key.removeprefix(modifier)
    return len(key) == 1 or key in _NAMES
