"""The command palette: every action of the app, whatever has the focus."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Any

from textual.app import App
from textual.binding import Binding
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.dom import DOMNode

from workbench.screens.keymap import CHAINS, bindings, keys_of


class Actions(Provider):
    """Offers the bindings of ours: those of the app, of the screen and of its panes."""

    async def discover(self) -> Hits:
        """What the footer offers, too."""
        for node, binding in self._found():
            if binding.show:
                yield DiscoveryHit(
                    binding.tooltip, self._run(node, binding), help=self._help(binding)
                )

    async def search(self, query: str) -> Hits:
        """Actions by what they do, or by their id."""
        matcher = self.matcher(query)
        for node, binding in self._found():
            by_words = matcher.match(binding.tooltip)
            score = max(by_words, matcher.match(binding.id or ""))
            if score > 0:
                yield Hit(
                    score,
                    matcher.highlight(binding.tooltip) if by_words > 0 else binding.tooltip,
                    self._run(node, binding),
                    help=self._help(binding),
                )

    def _found(self) -> Iterator[tuple[DOMNode, Binding]]:
        ours = {cls for chain in CHAINS for cls in chain}
        for node in (self.app, self.screen, *self.screen.query("*")):
            if node is self.app or type(node) in ours:
                for binding in bindings(type(node)):
                    if binding.id and _enabled(node, binding):
                        yield node, binding

    def _run(self, node: DOMNode, binding: Binding) -> Callable[[], Coroutine[Any, Any, bool]]:
        return partial(self.app.run_action, binding.action, node)

    def _help(self, binding: Binding) -> str:
        app: App[Any] = self.app
        keys = keys_of(binding.id or "", app._keymap, type(app))
        return ", ".join(
            app.get_key_display(binding.with_key(key, key_display=None)) for key in keys.split(",")
        )


def _enabled(node: DOMNode, binding: Binding) -> bool:
    action = binding.action.partition("(")[0]
    return node.check_action(action, ()) is True
