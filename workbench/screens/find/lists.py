"""The lists of the find screen, and its search field."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Final, Literal

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets.option_list import Option

from workbench.panes.choices import ChoicesByField
from workbench.panes.field import Field
from workbench.screens.find.keys import JUDGING

if TYPE_CHECKING:
    # What speaks to the Hub takes a fifth of the time in which the app starts.
    from workbench.models.download.report import State


def _quiet(keys: str, action: str, id: str, tooltip: str) -> Binding:  # noqa: A002
    return Binding(keys, action, tooltip, show=False, id=id, tooltip=tooltip)


_SHOWN: Final = ("fit.longer", "fit.cache")
_TYPE: Final = _quiet("slash", "type", "find.type", "Type what to look for")


class SearchField(Field):
    """What to look for on the Hub."""

    BINDINGS: ClassVar[list[BindingType]] = [
        _quiet("down", "submit", "find.found", "Go to what was found"),
    ]


class Column(Vertical):
    """A part of the screen that is not always shown, and tells how wide it is when it is."""

    class Widened(Message):
        """Rows are to be laid out anew."""

    def __init__(self, *, id: str, classes: str = "") -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._width = 0

    def on_show(self) -> None:
        """What was laid out while it was hidden had no width."""
        self.post_message(self.Widened())

    def on_resize(self) -> None:
        """There is room for more, or for less."""
        if self.content_region.width != self._width:
            self._width = self.content_region.width
            self.post_message(self.Widened())


class _Rows(ChoicesByField):
    """A list whose rows change under the cursor."""

    class TypeWanted(Message):
        """What to look for is to be typed."""

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id, markup=False, compact=True)

    def action_type(self) -> None:
        """Ask for the field."""
        self.hand_over()
        self.post_message(self.TypeWanted())

    @property
    def chosen(self) -> str:
        """The id of the row under the cursor."""
        option = self.highlighted_option
        return (option.id or "") if option else ""

    def show(self, rows: list[Option]) -> None:
        """Show these rows; the cursor stays on its own, or else where that was."""
        chosen, at = self.chosen, self.highlighted or 0
        ids = [row.id for row in rows]
        if ids == [row.id for row in self.options]:
            for row in rows:
                self.replace_option_prompt(str(row.id), row.prompt)
            return
        self.clear_options()
        self.add_options(rows)
        if rows:
            self.highlighted = ids.index(chosen) if chosen in ids else min(at, len(ids) - 1)


class ResultList(_Rows):
    """Repositories that were found."""

    BINDINGS: ClassVar[list[BindingType]] = [
        _TYPE,
        _quiet("j,down", "cursor_down", "find.down", "Next repository"),
        _quiet("k,up", "cursor_up", "find.up", "Repository before"),
        _quiet("g,home", "first", "find.first", "First repository"),
        _quiet("G,end", "last", "find.last", "Last repository that is here"),
        Binding(
            "enter,l,right", "select", "Files", id="find.files", tooltip="To the files of this one"
        ),
    ]


class VariantList(_Rows):
    """The files of a repository, by quantisation."""

    BINDINGS: ClassVar[list[BindingType]] = [
        _TYPE,
        _quiet("j,down", "cursor_down", "files.down", "Next file"),
        _quiet("k,up", "cursor_up", "files.up", "File before"),
        Binding("enter", "fetch", "Fetch", id="files.fetch", tooltip="Fetch the file"),
        Binding("enter", "load", "Load", id="files.load", tooltip="Load the file, which is here"),
        *(replace(each, show=each.id in _SHOWN) for each in JUDGING),
    ]

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._is_here = False

    def show_here(self, *, is_here: bool) -> None:
        """Whether the file under the cursor is on this machine."""
        if is_here != self._is_here:
            self._is_here = is_here
            self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """What is here is loaded, what is not is fetched."""
        return action != ("fetch" if self._is_here else "load")

    def action_fetch(self) -> None:
        """Have the file under the cursor fetched."""
        self.action_select()

    def action_load(self) -> None:
        """Have the file under the cursor loaded."""
        self.action_select()


DownloadWish = Literal["pause", "resume", "cancel", "earlier", "later"]


class DownloadList(_Rows):
    """The queue."""

    BINDINGS: ClassVar[list[BindingType]] = [
        _TYPE,
        _quiet("j,down", "cursor_down", "downloads.down", "Next download"),
        _quiet("k,up", "cursor_up", "downloads.up", "Download before"),
        Binding(
            "space",
            "wish('pause')",
            "Pause",
            id="downloads.pause",
            tooltip="Pause the download; what is there stays",
        ),
        Binding(
            "enter,space",
            "wish('resume')",
            "Go on",
            id="downloads.resume",
            tooltip="Let the download go on, or try again now",
        ),
        Binding(
            "delete",
            "wish('cancel')",
            "Cancel",
            id="downloads.cancel",
            tooltip="Cancel the download and throw away what is there; press it twice",
        ),
        Binding(
            "K,shift+up",
            "wish('earlier')",
            "Earlier",
            id="downloads.earlier",
            tooltip="Fetch it earlier",
        ),
        _quiet("J,shift+down", "wish('later')", "downloads.later", "Fetch it later"),
    ]

    class Wished(Message):
        """Something is to be done with the download under the cursor."""

        def __init__(self, wish: DownloadWish, number: str) -> None:
            super().__init__()
            self.wish = wish
            self.number = number

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._states: dict[str, State] = {}

    def show_states(self, states: dict[str, State]) -> None:
        """What can be done with a download depends on how it is."""
        if states != self._states:
            self._states = states
            self.refresh_bindings()

    def on_option_list_option_highlighted(self) -> None:
        """The key line is about the one under the cursor."""
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A download that runs cannot go on, and one that is paused not be paused."""
        state = self._states.get(self.chosen)
        match parameters if action == "wish" else ():
            case ("pause",):
                return state in ("queued", "running", "waiting")
            case ("resume",):
                return state in ("paused", "failed", "waiting")
            case ("earlier",):
                return len(self._states) > 1
        return True

    def action_wish(self, wish: DownloadWish) -> None:
        """Have something done with the download under the cursor."""
        if self.chosen:
            self.post_message(self.Wished(wish, self.chosen))
