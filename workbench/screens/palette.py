"""The command palette: every action of the app, whatever has the focus."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Any, Final

from textual.app import App
from textual.binding import Binding
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.dom import DOMNode

from workbench.screens.keymap import CHAINS, bindings, keys_of

# Columns of a row; a narrower screen has less.
_WIDTH: Final = 72


class Actions(Provider):
    """Offers the bindings of ours: those of the app, of the screen and of its panes."""

    async def discover(self) -> Hits:
        """What the footer offers, too."""
        for node, binding in self._found():
            if binding.show:
                words = Content(binding.tooltip)
                yield DiscoveryHit(
                    self._row(words, binding), self._run(node, binding), binding.tooltip
                )

    async def search(self, query: str) -> Hits:
        """Actions by what they do, or by their id."""
        matcher = self.matcher(query)
        for node, binding in self._found():
            by_words = matcher.match(binding.tooltip)
            score = max(by_words, matcher.match(binding.id or ""))
            if score > 0:
                words = Content(binding.tooltip)
                if by_words > 0:
                    words = matcher.highlight(binding.tooltip)
                yield Hit(
                    score, self._row(words, binding), self._run(node, binding), binding.tooltip
                )

    def _found(self) -> Iterator[tuple[DOMNode, Binding]]:
        ours = {cls for chain in CHAINS for cls in chain}
        focused = [self.screen.focused] if self.screen.focused else []
        found: set[tuple[type[DOMNode], str]] = set()
        for node in (self.app, self.screen, *focused, *self.screen.query("*")):
            if node is not self.app and type(node) not in ours:
                continue
            # A binding with several keys comes once for each.
            by_id = {binding.id: binding for binding in bindings(type(node))}
            for binding in by_id.values():
                what = type(node), binding.id or ""
                # Of several alike, as lanes have, it is the one with the focus, or else the first.
                if what in found or not binding.id:
                    continue
                if node.check_action(binding.action.partition("(")[0], ()):
                    found.add(what)
                    yield node, binding

    def _run(self, node: DOMNode, binding: Binding) -> Callable[[], Coroutine[Any, Any, bool]]:
        return partial(self.app.run_action, binding.action, node)

    def _row(self, words: Content, binding: Binding) -> Content:
        """What it does at the left, its keys at the right."""
        app: App[Any] = self.app
        keys = ", ".join(
            app.get_key_display(binding.with_key(key, key_display=None))
            for key in keys_of(binding.id or "", app._keymap, type(app)).split(",")
        )
        width = max(20, min(_WIDTH, app.size.width - 14) - len(keys))
        words = words.truncate(width, ellipsis=True).pad_right(max(0, width - words.cell_length))
        return Content.assemble(words, "  ", (keys, "$foreground-muted"))
