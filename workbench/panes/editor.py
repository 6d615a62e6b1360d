"""A text area for people who type ahead."""

from __future__ import annotations

from textual import events
from textual.widgets import TextArea


class Editor(TextArea):
    """Takes all keys in the order in which they were pressed.

    Textual inserts characters at once, but sends keys that have a binding, such as Home, round
    by the app: what is typed or pasted behind them would overtake them. That is what a slow
    line makes of fast typing.
    """

    async def _on_key(self, event: events.Key) -> None:
        # The screen knows them as the person's own key map has them.
        own = next((found for node, found in self.screen._binding_chain if node is self), None)
        for binding in own.key_to_bindings.get(event.key, ()) if own else ():
            if await self.app.run_action(binding.action, self):
                event.stop()
                event.prevent_default()
                return
        await super()._on_key(event)
