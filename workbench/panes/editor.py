"""Fields for people who type ahead."""

from __future__ import annotations

from textual import events
from textual.widget import Widget
from textual.widgets import TextArea


async def runs_own_binding(widget: Widget, event: events.Key) -> bool:
    """Run what ``widget`` itself has bound to a key, at once; returns whether it has.

    Textual inserts characters at once, but sends keys that have a binding, such as Home, round
    by the app: what is typed or pasted behind them would overtake them. That is what a slow
    line makes of fast typing.
    """
    # The screen knows them as the person's own key map has them.
    chain = widget.screen._binding_chain
    own = next((found for node, found in chain if node is widget), None)
    for binding in own.key_to_bindings.get(event.key, ()) if own else ():
        if await widget.app.run_action(binding.action, widget):
            event.stop()
            event.prevent_default()
            return True
    return False


class Editor(TextArea):
    """Takes all keys in the order in which they were pressed."""

    async def _on_key(self, event: events.Key) -> None:
        if not await runs_own_binding(self, event):
            await super()._on_key(event)
