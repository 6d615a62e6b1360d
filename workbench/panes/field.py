"""A line to type in beside a list, and the keys that come too early for it."""

from __future__ import annotations

from textual import events
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from workbench.panes.editor import runs_own_binding


class KeyCame(Message):
    """A key that was pressed for where the focus is about to be.

    Over a slow line keys come in one piece, all of them to the widget that has the focus when
    the first one does: the p of "/temp" must not open the presets.
    """

    def __init__(self, key: str, character: str) -> None:
        super().__init__()
        self.key = key
        self.character = character


def type_ahead(field: Input, event: KeyCame) -> None:
    """Let a key act that was pressed before ``field`` had the focus."""
    if event.key == "backspace":
        field.action_delete_left()
    elif event.character and event.character.isprintable():
        field.replace(event.character, *field.selection)


class ByField(Widget):
    """Stands beside a field, in which is typed what to list or to look for."""

    # The field was asked for: what is typed from then on is meant for it.
    _handing_over = False

    def hand_over(self) -> None:
        """Keys are the field's from now on; it has not got the focus yet."""
        self._handing_over = True

    def on_focus(self) -> None:
        """Whatever was to be typed has been."""
        self._handing_over = False

    async def _on_key(self, event: events.Key) -> None:
        if self._handing_over and event.key != "escape":
            self.post_message(KeyCame(event.key, event.character or ""))
            event.stop()
            event.prevent_default()
        else:
            # Here and now: keys that come in one piece must act in their order.
            await runs_own_binding(self, event)


class Field(Input):
    """A line to type in."""

    def __init__(self) -> None:
        super().__init__(compact=True, select_on_focus=False)
        self.cursor_blink = False
        self._done = False

    def on_focus(self) -> None:
        """It begins."""
        self._done = False

    def is_right(self) -> bool:
        """Whether what stands here can be accepted."""
        return True

    async def _on_key(self, event: events.Key) -> None:
        if self._done:
            self.post_message(KeyCame(event.key, event.character or ""))
        elif event.key == "enter":
            self._done = self.is_right()
            await self.action_submit()
        else:
            if not await runs_own_binding(self, event):
                await super()._on_key(event)
            return
        event.stop()
        event.prevent_default()
