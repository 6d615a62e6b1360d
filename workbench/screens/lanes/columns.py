"""Lanes side by side: which there are, which one keys are meant for, and what is set in it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar, Final, NamedTuple

from textual import events, getters
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from workbench.panes.chat.prompt import Prompt
from workbench.panes.key_line import KeyLine
from workbench.panes.lines import Lines
from workbench.panes.parameters.pane import ParameterPane
from workbench.parameters.chosen import Chosen
from workbench.parameters.kinds import Text, Value
from workbench.parameters.lanes import LETTERS, MODEL, MOST_LANES, differing
from workbench.parameters.table import BY_KEY
from workbench.screens import words
from workbench.screens.lanes.keys import KEYS
from workbench.screens.lanes.lane import Lane
from workbench.screens.setting import SettingScreen
from workbench.sessions.conversation import Conversation

# A lane that is narrower cannot be read.
_LEAST_WIDTH: Final = 26
# What the parameter pane takes.
_PANE_WIDTH: Final = 34


class Kept(NamedTuple):
    """The lane that a person went on with: where its path ends, and what it sets."""

    leaf: int | None
    chosen: Chosen
    model: Path


class ColumnsScreen(SettingScreen[Kept | None]):
    """Gives back the lane to go on with; None if none is."""

    BINDINGS: ClassVar[list[BindingType]] = KEYS

    prompt = getters.query_one(Prompt)
    columns = getters.query_one("#lanes", Horizontal)
    others = getters.query_one("#others", Static)
    status = getters.query_one("#lanes-status", Lines)

    def __init__(
        self,
        *,
        model: Path,
        conversation: Conversation,
        common: Chosen,
        draft: Callable[[], str],
    ) -> None:
        """``common`` is what is set for all lanes at first, in ``model``.

        ``draft`` gives what has been written and not sent, once there is a prompt for it.
        """
        super().__init__()
        self._model = model
        self._conversation = conversation
        self._common = common
        self._draft = draft
        # Between them no key does anything: what it is for is not there.
        self.is_there = False
        # Lanes come and go one change after the other, however quickly keys come.
        self._changing = asyncio.Lock()
        self.lanes: list[Lane] = []
        self._foremost = 0
        self._summary_due = False
        # Whether all lanes scroll when one does.
        self.linked = False
        # The place of the leftmost lane in sight, where there is no room for all.
        self._leftmost = 0

    def compose(self) -> ComposeResult:
        yield Lines(id="lanes-status")
        yield Static(id="others", markup=False)
        with Horizontal(id="lanes-body"):
            with Horizontal(id="lanes"):
                for lane in self.lanes:
                    yield lane.column
            yield ParameterPane(self.foremost.chosen)
        yield Prompt()
        yield KeyLine()

    def on_mount(self) -> None:
        self._begin()
        self.is_there = True
        self.prompt.completions = completed
        self.prompt.write(self._draft())
        self.prompt.focus()

    async def on_unmount(self) -> None:
        self.is_there = False

    def on_key(self, event: events.Key) -> None:
        """What was typed on the way here, when there was no prompt yet, is for it."""
        if not (self.is_there and self.prompt.has_focus):
            return
        if event.is_printable and event.character:
            self.prompt.insert(event.character)
        elif event.key == "enter":
            self.prompt.action_send()

    def _begin(self) -> None:
        """Show what has been said, in lanes that have just been mounted."""
        for lane in self.lanes:
            self._begin_in(lane)
        self.show_lanes()

    def _begin_in(self, lane: Lane) -> None:
        lane.column.transcript.show_path(lane.exchange.conversation)
        self.watch(lane.column.transcript, "scroll_y", lambda: self._scrolled(lane), init=False)

    async def replace_lanes(self, lanes: Sequence[Lane]) -> None:
        """Put these lanes in the place of those there are."""
        async with self._changing:
            former = [lane.column for lane in self.lanes]
            await self.columns.mount(*(lane.column for lane in lanes))
            self.lanes = list(lanes)
            self._foremost = 0
            self.parameters.use(self.foremost.chosen)
            self._begin()
            for column in former:
                await column.remove()

    @property
    def unsent(self) -> str:
        """What has been written and not sent."""
        return self.prompt.unsent

    # ---- what is shown -----------------------------------------------------------------------

    @property
    def foremost(self) -> Lane:
        """The lane that keys are meant for."""
        return self.lanes[self._foremost]

    @property
    def answering(self) -> bool:
        """Whether a lane is at work."""
        return any(lane.answering for lane in self.lanes)

    def refuses(self) -> bool:
        """Whether a lane is at work; says so."""
        if self.answering:
            self.notify("The lanes are at work: Esc stops them.", severity="warning", timeout=3)
        return self.answering

    @property
    def hidden(self) -> bool:
        """Whether it is kept quiet which lane sets what."""
        return False

    def on_resize(self) -> None:
        """As many side by side as there is room for."""
        self.show_lanes()

    def apart(self) -> list[dict[str, Value]]:
        """What each lane sets that is not the same in all."""
        defaults = [lane.chosen.defaults for lane in self.lanes]
        return differing([lane.named for lane in self.lanes], defaults)

    def show_lanes(self) -> None:
        """Show what differs, and which lane is the foremost."""
        pane = self.parameters.display = self.has_class("-settings")
        room = self.app.size.width - (_PANE_WIDTH if pane else 0)
        in_sight = self._in_sight(room)
        self.set_class(len(in_sight) < len(self.lanes), "-some")
        self.set_class(room < _LEAST_WIDTH + _PANE_WIDTH, "-pane-alone")
        for place, (lane, apart) in enumerate(zip(self.lanes, self.apart(), strict=True)):
            lane.column.set_class(lane is self.foremost, "-foremost")
            lane.column.display = place in in_sight
            lane.column.see(place in in_sight)
            # Where all set the same that may still not be what the chat does.
            lane.column.differs(apart or self.own(lane))
        # As high as the longest needs, so that all transcripts begin in one row.
        rows = max(lane.column.head_rows for lane in self.lanes)
        for lane in self.lanes:
            lane.column.head.styles.height = rows + 2
        if pane:
            self.parameters.border_title = f"Parameters of {self.foremost.letter}"
        self.summarise()

    def _in_sight(self, room: int) -> range:
        """The places of the lanes that are shown: as many as can be read, the foremost among them.

        They stay where they are as long as the foremost is one of them.
        """
        count = min(len(self.lanes), max(1, room // _LEAST_WIDTH))
        first = min(self._leftmost, self._foremost, len(self.lanes) - count)
        self._leftmost = max(first, self._foremost - count + 1)
        return range(self._leftmost, self._leftmost + count)

    def summarise_soon(self) -> None:
        """Say how far all lanes are, once for all that has been heard of them."""
        if not self._summary_due:
            self._summary_due = True
            self.call_later(self.summarise)

    def summarise(self) -> None:
        """Say how far all lanes are, where not all are in sight."""
        self._summary_due = False
        if not self.has_class("-some"):
            return
        parts = [
            Content.styled(
                f"{lane.letter} {lane.column.short_status}".strip(),
                "bold $primary" if lane is self.foremost else "",
            )
            for lane in self.lanes
        ]
        self.others.update(Content("   ").join(parts), layout=False)

    # ---- which lane --------------------------------------------------------------------------

    def choose(self, lane: Lane) -> None:
        """Let keys be meant for this lane."""
        if lane is not self.foremost:
            self._foremost = self.lanes.index(lane)
            self.parameters.use(lane.chosen)
            self.show_lanes()

    def action_next(self, step: int = 1) -> None:
        """Go to the next lane, or to the one before."""
        in_pane = self.parameters.has_focus_within
        self.choose(self.lanes[(self._foremost + step) % len(self.lanes)])
        if not (self.prompt.has_focus or in_pane):
            self.action_read()

    def action_read(self) -> None:
        """Give the foremost lane's transcript the keys."""
        self.focus_at_once(self.foremost.column.transcript)

    def action_page(self, direction: int) -> None:
        """Scroll the foremost lane's transcript by a page, wherever the focus is."""
        self.foremost.column.action_page(direction)

    def lane_with_focus(self) -> Lane | None:
        """The lane that is read."""
        return next((lane for lane in self.lanes if lane.column.has_focus_within), None)

    def on_descendant_focus(self) -> None:
        """Keys are meant for the lane that is read."""
        lane = self.lane_with_focus()
        if lane is not None:
            self.choose(lane)

    async def action_add(self) -> None:
        """A lane more, with what the foremost sets and has said."""
        async with self._changing:
            free = sorted(set(range(MOST_LANES)) - {lane.number for lane in self.lanes})
            if not free:
                self.notify(f"There is room for {MOST_LANES} lanes.", timeout=3)
                return
            like = self.foremost
            letters = {lane.letter for lane in self.lanes}
            lane = like.like(free[0], next(each for each in LETTERS if each not in letters))
            await self.columns.mount(lane.column, after=like.column)
            self.lanes.insert(self._foremost + 1, lane)
            self._begin_in(lane)
            self.choose(lane)

    async def action_close(self) -> None:
        """Close the foremost lane."""
        async with self._changing:
            if self.foremost.answering or len(self.lanes) == 1:
                self.notify("It is at work, or the last one.", severity="warning", timeout=3)
                return
            lane = self.lanes.pop(self._foremost)
            self._foremost = min(self._foremost, len(self.lanes) - 1)
            self.parameters.use(self.foremost.chosen)
            self.show_lanes()
            if lane.column.has_focus_within:
                self.action_read()
            await lane.column.remove()

    # ---- what a lane sets --------------------------------------------------------------------

    @property
    def set_for(self) -> str:
        """The stem of the foremost lane's model file."""
        return self.foremost.model.stem

    def action_settings(self) -> None:
        """Go to the parameters of the foremost lane, or hide them."""
        if self.parameters.has_focus_within:
            self.remove_class("-settings")
            self.show_lanes()
            self.prompt.focus()
            return
        self.add_class("-settings")
        self.show_lanes()
        self.focus_at_once(self.parameters.rows)

    def own(self, lane: Lane) -> dict[str, Value]:
        """What a lane sets otherwise than all did at first, as far as it fits into a line."""
        common, chosen = self._common, lane.chosen
        own = {
            key: chosen.value(parameter)
            for key, parameter in BY_KEY.items()
            if chosen.value(parameter) != common.value(parameter)
            and not isinstance(parameter, Text)
        }
        return own if lane.model == self._model else {MODEL: str(lane.model), **own}

    # ---- scrolling ---------------------------------------------------------------------------

    def action_together(self) -> None:
        """Scroll all lanes together, or each by itself again."""
        self.linked = not self.linked
        how = "All lanes scroll together now." if self.linked else "Each lane scrolls by itself."
        self.notify(how, timeout=3)
        self._scrolled(self.foremost)
        self.summarise()

    def _scrolled(self, lane: Lane) -> None:
        moved = lane.column.transcript
        if self.linked and (lane is self.foremost or moved.mouse_hover):
            for other in self.lanes:
                if other is not lane:
                    other.column.transcript.scroll_as(moved)


def completed(text: str, asked: bool) -> Sequence[str]:  # noqa: ARG001
    """What a word that is being typed may become: nothing of it is on the disk."""
    return words.completions(text, known=words.IN_LANES)
