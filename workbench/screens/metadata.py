"""All that a model's file says of itself, on a screen of its own."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

from textual import getters, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message

from workbench.models.model_file import ModelFile
from workbench.panes.chat.search import SearchBar
from workbench.panes.key_line import KeyLine
from workbench.panes.sheet import Sheet
from workbench.screens import contents
from workbench.screens.contents import Contents
from workbench.screens.dialog import Dialog
from workbench.untrusted import without_controls


class Read(Message, bubble=False):
    """The model's files have been read, or there is a problem."""

    def __init__(self, contents: Contents | None, problem: str = "") -> None:
        super().__init__()
        self.contents = contents
        self.problem = problem


class LaidOut(Message, bubble=False):
    """What was read is laid out for so many columns."""

    def __init__(self, width: int, lines: list[Content]) -> None:
        super().__init__()
        self.width = width
        self.lines = lines


class MetadataScreen(Dialog[None]):
    """Shows it, to be scrolled through."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Close", id="metadata.close", tooltip="Find no more, or close"),
        Binding("i,q", "dismiss", "Close", show=False, id="metadata.leave", tooltip="Close"),
        Binding("slash", "find", "Find", id="metadata.find", tooltip="Find words in it"),
        Binding(
            "n", "step(1)", "Next", show=False, id="metadata.next", tooltip="Next line found"
        ),
        Binding(
            "N", "step(-1)", "Before", show=False, id="metadata.before",
            tooltip="Line found before",
        ),
    ]  # fmt: skip

    sheet = getters.query_one(Sheet)
    bar = getters.query_one(SearchBar)

    def __init__(self, model: ModelFile) -> None:
        super().__init__()
        self._model = model
        self._contents: Contents | None = None
        # For how many columns it is laid out, or will be.
        self._width = 0
        # One after the other; a hostile file keeps no other thread from its work.
        self._thread = ThreadPoolExecutor(1, "metadata")

    def compose(self) -> ComposeResult:
        with Vertical(classes="pane") as pane:
            pane.border_title = Content(without_controls(self._model.name))
            yield Sheet()
            yield SearchBar("Find in the metadata")
            yield KeyLine()

    def on_mount(self) -> None:
        # How wide the sheet will be is not known yet.
        reading = Content.styled("Reading its header ...", "$foreground-muted")
        self.sheet.show(lambda _: [reading])
        self.bar.display = False
        self.sheet.focus()
        self._read()

    def on_unmount(self) -> None:
        """What is still being read is of no use any more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    # ---- reading and laying out, in a thread -------------------------------------------------

    @work(group="read", description="read a header", exit_on_error=False)
    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(self._thread, contents.read, self._model)
        except Exception as error:
            self._give_up(error)
        else:
            self.post_message(Read(found))

    @work(group="lay out", exclusive=True, description="lay out metadata", exit_on_error=False)
    async def _lay_out(self, found: Contents, width: int) -> None:
        loop = asyncio.get_running_loop()
        try:
            lines = await loop.run_in_executor(self._thread, contents.lines_of, found, width)
        except Exception as error:
            self._give_up(error)
        else:
            self.post_message(LaidOut(width, lines))

    def _give_up(self, error: Exception) -> None:
        """Say it whatever it is, a lack of memory too: else one would wait for ever."""
        self.post_message(Read(None, str(error) or type(error).__name__))

    def on_read(self, message: Read) -> None:
        """Have it laid out, or say what is wrong."""
        if message.contents is None:
            words = without_controls(f"It cannot be read: {message.problem}.")
            self.sheet.show(Content.styled(words, "$error").wrap)
        self._contents = message.contents
        self._take_up()

    def on_resize(self) -> None:
        """Lines are as long as there is room."""
        self.call_after_refresh(self._take_up)

    def _take_up(self) -> None:
        width = max(8, self.sheet.scrollable_content_region.width)
        if self._contents is not None and width != self._width:
            self._width = width
            self._lay_out(self._contents, width)

    def on_laid_out(self, message: LaidOut) -> None:
        """Show it, unless there is other room by now."""
        if message.width == self._width:
            self.sheet.show(lambda _: message.lines, row=self.sheet.scroll_offset.y)
            if self.bar.display:
                self.sheet.find(self.bar.field.value)
                self.bar.show_count(*self.sheet.found)

    # ---- finding -----------------------------------------------------------------------------

    def action_find(self) -> None:
        """Ask for words to look for."""
        self.bar.display = True
        self.set_focus(self.bar.field)
        self.bar.field.action_select_all()

    @on(SearchBar.Typed)
    def _typed(self, event: SearchBar.Typed) -> None:
        event.stop()
        self.sheet.find(event.words)
        self.bar.show_count(*self.sheet.found)

    @on(SearchBar.Accepted)
    def _accept(self, event: SearchBar.Accepted) -> None:
        event.stop()
        self.sheet.focus()

    @on(SearchBar.Stepped)
    def _stepped(self, event: SearchBar.Stepped) -> None:
        event.stop()
        self.action_step(event.step)

    def action_step(self, step: int) -> None:
        """Go to another of the lines found."""
        self.sheet.step(step)
        self.bar.show_count(*self.sheet.found)

    def action_back(self) -> None:
        """Look for nothing any more, or leave."""
        if not self.bar.display:
            self.dismiss(None)
            return
        self.bar.field.clear()
        self.bar.display = False
        self.sheet.focus()
