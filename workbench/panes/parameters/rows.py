"""The rows of the parameter pane, and the keys that work on them."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from workbench.panes.listing import Listing


class ParameterList(Listing):
    """The parameters, by group."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "j,down",
            "cursor_down",
            "Down",
            show=False,
            id="parameters.down",
            tooltip="Next parameter",
        ),
        Binding(
            "k,up", "cursor_up", "Up", show=False, id="parameters.up", tooltip="Previous parameter"
        ),
        Binding(
            "h,left", "step(-1)", "Less", show=False, id="parameters.less", tooltip="One step less"
        ),
        Binding(
            "l,right", "step(1)", "More", show=False, id="parameters.more", tooltip="One step more"
        ),
        Binding(
            "enter", "select", "Edit", show=False, id="parameters.edit", tooltip="Type a value"
        ),
        Binding(
            "backspace,delete",
            "reset",
            "Default",
            show=False,
            id="parameters.reset",
            tooltip="Reset the parameter to its default",
        ),
        Binding(
            "slash", "find", "Find", show=False, id="parameters.find", tooltip="Find a parameter"
        ),
        Binding(
            "p",
            "presets",
            "Presets",
            show=False,
            id="parameters.presets",
            tooltip="Save the parameters under a name, or take saved ones",
        ),
    ]

    class Stepped(Message):
        """The parameter under the cursor should move by ``steps`` steps."""

        def __init__(self, steps: int) -> None:
            super().__init__()
            self.steps = steps

    class Reset(Message):
        """The parameter under the cursor should go back to its default."""

    class FindWanted(Message):
        """The person wants to go to a parameter by its name."""

    class FindTyped(Message):
        """A key that was pressed before the field for the name was there; Enter is empty."""

        def __init__(self, character: str) -> None:
            super().__init__()
            self.character = character

    class PresetsWanted(Message):
        """The person wants to save or to take a preset."""

    def __init__(self) -> None:
        super().__init__(markup=False, compact=True)
        self._finding = False

    def on_focus(self) -> None:
        """Whatever was looked for has been found."""
        self._finding = False

    async def _on_key(self, event: events.Key) -> None:
        # Over a slow line a name comes in one piece with its slash, all of it to this list:
        # taken for keys of its own, the p of "temperature" would open the presets.
        if self._finding and (event.key == "enter" or event.character):
            event.stop()
            event.prevent_default()
            self.post_message(self.FindTyped("" if event.key == "enter" else event.character or ""))
        elif event.key == "slash":
            event.stop()
            event.prevent_default()
            self.action_find()
        else:
            await super()._on_key(event)

    def scroll_to_highlight(self, top: bool = False) -> None:
        """Show the row; with the first one the heading above it."""
        super().scroll_to_highlight(top)
        if self.highlighted == 1:
            self.scroll_home(animate=False)

    def on_resize(self) -> None:
        """The explanation below takes the room it needs: the row it explains stays in sight."""
        self.call_after_refresh(self.scroll_to_highlight)

    def action_find(self) -> None:
        """Ask for a name to go to."""
        self._finding = True
        self.post_message(self.FindWanted())

    def action_presets(self) -> None:
        """Ask for the presets."""
        self.post_message(self.PresetsWanted())

    def action_step(self, steps: int) -> None:
        """Ask for a step."""
        self.post_message(self.Stepped(steps))

    def action_reset(self) -> None:
        """Ask for the default."""
        self.post_message(self.Reset())
