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
        for binding in self._bindings.key_to_bindings.get(event.key, ()):
            if await self.app.run_action(binding.action, self):
                event.stop()
                event.prevent_default()
                return
        await super()._on_key(event)
