"""The keys at the foot: in order, whole, and as many as have room."""

from __future__ import annotations

from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.pilot import Pilot
from textual.widgets._footer import FooterKey

from tests.waiting import wait_until
from workbench.panes.key_line import KeyLine


class _Keys(App[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "noop", "Stop"),
        Binding("f12", "noop('find')", "Find"),
        Binding("f2", "noop('models')", "Models"),
        Binding("ctrl+n", "noop('new')", "New"),
        Binding("f1", "help", "Help"),
    ]

    def compose(self) -> ComposeResult:
        yield KeyLine()


async def _until(pilot: Pilot[None], keys: list[str]) -> None:
    app = pilot.app

    def they_stand() -> bool:
        line = [key for key in app.query(FooterKey) if key.key != "ctrl+q"]
        whole = all(key.region.width == len(key.render().plain) for key in line)
        inside = all(key.region.right <= app.size.width for key in line)
        return [key.key for key in line] == keys and whole and inside

    await wait_until(they_stand, f"{keys} at {app.size}")


async def test_function_keys_stand_in_order_and_none_is_cut() -> None:
    async with _Keys().run_test(size=(80, 5)) as pilot:
        await _until(pilot, ["escape", "f1", "f2", "f12", "ctrl+n"])
        # " esc Stop " and " f1 Help " and no more.
        await pilot.resize_terminal(22, 5)
        await _until(pilot, ["escape", "f1"])
        # The help has room sooner than anything.
        await pilot.resize_terminal(12, 5)
        await _until(pilot, ["f1"])
        await pilot.resize_terminal(80, 5)
        await _until(pilot, ["escape", "f1", "f2", "f12", "ctrl+n"])
