"""Only the lines that change are drawn."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.content import Content
from textual.strip import Strip

from workbench.panes.lines import Lines
from workbench.steady.screen import SteadyScreen


class Host(App[None]):
    """Lines alone on the screen."""

    def get_default_screen(self) -> SteadyScreen[None]:
        return SteadyScreen()

    def compose(self) -> ComposeResult:
        yield Lines()


async def test_only_lines_that_differ_are_drawn() -> None:
    host = Host()
    async with host.run_test(size=(40, 10)) as pilot:
        lines = host.query_one(Lines)
        lines.show([Content("one"), Content("two"), Content("three")])
        await pilot.pause()
        drawn: list[int] = []
        original = lines.render_line

        def render_line(y: int) -> Strip:
            drawn.append(y)
            return original(y)

        lines.render_line = render_line  # type: ignore[method-assign]
        lines.show([Content("one"), Content("TWO"), Content.styled("three", "bold"), Content("4")])
        await pilot.pause()
        assert drawn == [1, 2, 3]
        assert [original(y).text.rstrip() for y in range(5)] == ["one", "TWO", "three", "4", ""]
        drawn.clear()
        lines.show([Content("one"), Content("TWO")])
        await pilot.pause()
        assert drawn == [2, 3]
