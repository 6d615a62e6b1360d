"""One prompt, many settings: lanes side by side, each with a transcript of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Final

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Footer, Static

from workbench.engine.client import EngineClient, EngineDied
from workbench.engine.protocol import (
    ChatMessage,
    Event,
    Failed,
    Finished,
    LanePrompt,
    ModelSource,
    Noted,
    PromptProgress,
    TextArrived,
)
from workbench.panes.chat.prompt import Prompt
from workbench.panes.chat.reader import Reader
from workbench.panes.lanes.column import LaneColumn
from workbench.parameters.kinds import ParameterError, Value, Values
from workbench.parameters.lanes import (
    LETTERS,
    MOST_LANES,
    differing,
    drawn,
    grid,
    read_sweeps,
    with_seeds,
)
from workbench.parameters.table import BY_KEY, answering
from workbench.screens.exchange import Exchange
from workbench.screens.lane import LaneScreen
from workbench.screens.talk import Talk
from workbench.sessions.conversation import Conversation
from workbench.steady.screen import SteadyScreen

# A lane that is narrower cannot be read.
_LEAST_WIDTH: Final = 26


def _key(key: str, action: str, name: str, tooltip: str) -> Binding:
    # The prompt has other ideas of some of them.
    return Binding(key, action, name, id=f"lanes.{action}", tooltip=tooltip, priority=True)


class Lane:
    """What a lane sets, what has been said in it, and where that is shown."""

    def __init__(
        self, number: int, own: Values, conversation: Conversation, screen: LanesScreen
    ) -> None:
        self.number = number
        # What it sets beside what all lanes do.
        self.own: dict[str, Value] = dict(own)
        self.column = LaneColumn(LETTERS[number])
        self.exchange = Exchange(conversation)
        self._screen = screen

    @property
    def talk(self) -> Talk:
        """Its conversation on the screen."""
        return Talk(self.exchange, self.column.transcript, self._asked)

    def hears(self, request: int) -> bool:
        """Whether what the engine says of a request is for this lane."""
        if self.exchange.answering and not self.exchange.request:
            # It answers before we have been told the request's number.
            self.exchange.request = request
        return self.exchange.request == request

    async def _asked(self, messages: Sequence[ChatMessage]) -> int:
        return await self._screen.generate(self, messages)


class Kept:
    """The lane that a person went on with."""

    def __init__(self, leaf: int | None, values: dict[str, Value]) -> None:
        self.leaf = leaf
        self.values = values


class LanesScreen(SteadyScreen[Kept | None]):
    """Gives back the lane to go on with; None if none is."""

    BINDINGS: ClassVar[list[BindingType]] = [
        _key("f3", "set", "Set", "Type what this lane sets, as temperature=1.2,min_p=0.1"),
        _key("f6", "add", "Add lane", "A lane more, like this one"),
        _key("f7", "next", "Next lane", "Go to the next lane"),
        _key("f4", "close", "Close lane", "Close this lane"),
        _key("f9", "read", "Read", "Read this lane: copy, answer again"),
        _key("f2", "keep", "Keep", "Go on with this lane in the chat"),
        Binding(
            "escape",
            "stop",
            "Back",
            id="lanes.stop",
            tooltip="Stop the answers; else go back to the prompt, then to the chat",
        ),
    ]

    prompt = getters.query_one(Prompt)
    columns = getters.query_one("#lanes", Horizontal)
    others = getters.query_one("#others", Static)

    def __init__(
        self,
        engine: EngineClient,
        source: Callable[[], ModelSource],
        *,
        model: str,
        conversation: Conversation,
        common: Values,
        lanes: Sequence[Values],
        draft: str = "",
    ) -> None:
        """``common`` is what is set for all, ``lanes`` what each sets beside it.

        ``draft`` is what has been written and not sent.
        """
        super().__init__()
        self._engine = engine
        self._source = source
        self._model = model
        self._conversation = conversation
        self._common = dict(common)
        self._draft = draft
        self.lanes = self._made(lanes)
        self._foremost = 0
        self._together: list[tuple[Lane, list[ChatMessage]]] | None = None

    def compose(self) -> ComposeResult:
        yield Static(id="others", markup=False)
        with Horizontal(id="lanes"):
            for lane in self.lanes:
                yield lane.column
        yield Prompt()
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        self._begin()
        self.prompt.load_text(self._draft)
        self.prompt.focus()

    def _made(self, lanes: Sequence[Values]) -> list[Lane]:
        """Lanes that go on from the chat, each by what it sets beside all the others."""
        return [
            Lane(number, own, self._conversation.fork(), self) for number, own in enumerate(lanes)
        ]

    def _begin(self) -> None:
        """Show what has been said, in lanes that have just been mounted."""
        for lane in self.lanes:
            lane.column.transcript.show_path(lane.exchange.conversation)
        self._show()

    @property
    def unsent(self) -> str:
        """What has been written and not sent."""
        return self.prompt.text

    def on_resize(self) -> None:
        """Side by side where there is room."""
        self._show()

    # ---- what is shown -----------------------------------------------------------------------

    @property
    def foremost(self) -> Lane:
        """The lane that keys are meant for."""
        return self.lanes[self._foremost]

    def _show(self) -> None:
        apart_from_others = differing([self._values(lane) for lane in self.lanes], {})
        for lane, apart in zip(self.lanes, apart_from_others, strict=True):
            lane.column.differs(apart)
            lane.column.set_class(lane is self.foremost, "-foremost")
        self.set_class(self.app.size.width // len(self.lanes) < _LEAST_WIDTH, "-one")
        self._summarise()

    def _values(self, lane: Lane) -> dict[str, Value]:
        return {**self._common, **lane.own}

    def _summarise(self) -> None:
        parts = [
            Content.styled(
                f"{lane.column.letter} {lane.column.status.partition(',')[0]}".strip(),
                "bold" if lane is self.foremost else "",
            )
            for lane in self.lanes
        ]
        self.others.update(Content("   ").join(parts), layout=False)

    # ---- what a person does ------------------------------------------------------------------

    @on(Prompt.Submitted)
    async def _submit(self, event: Prompt.Submitted) -> None:
        event.stop()
        if self._refuses():
            return
        self.prompt.clear()
        if event.text.startswith(("/sweep ", "/draws ")):
            await self._line_up(event.text)
            return
        # One request for all of them: what they have in common is evaluated once.
        self._together = []
        for lane in self.lanes:
            await lane.talk.ask(event.text)
        asked, self._together = self._together, None
        request = await self._engine.generate(
            self._source(), [self._lane_prompt(lane, messages) for lane, messages in asked]
        )
        for lane in self.lanes:
            lane.exchange.request = request
            lane.column.say("waiting")

    async def generate(self, lane: Lane, messages: Sequence[ChatMessage]) -> int:
        """Have a lane answered, with the others or alone; returns the request's number."""
        if self._together is not None:
            self._together.append((lane, list(messages)))
            return 0
        lane.column.say("waiting")
        return await self._engine.generate(self._source(), [self._lane_prompt(lane, messages)])

    def _lane_prompt(self, lane: Lane, messages: Sequence[ChatMessage]) -> LanePrompt:
        return LanePrompt(lane.number, list(messages), answering(self._values(lane)))

    async def _line_up(self, command: str) -> None:
        """Put the lanes of a sweep, or draws of one setting, in the place of those there are."""
        word, _, rest = command.partition(" ")
        try:
            lanes = drawn(rest) if word == "/draws" else grid(read_sweeps(rest))
        except ParameterError as error:
            self.prompt.load_text(command)
            self.notify(f"{error}.", severity="error", timeout=8, markup=False)
            return
        seed = self._common.get("seed", BY_KEY["seed"].default)
        await self.columns.remove_children()
        self.lanes = self._made(with_seeds(lanes, seed, same=word == "/sweep"))
        self._foremost = 0
        await self.columns.mount(*(lane.column for lane in self.lanes))
        self._begin()

    @property
    def answering(self) -> bool:
        """Whether a lane is at work."""
        return any(lane.exchange.answering for lane in self.lanes)

    def _refuses(self) -> bool:
        """Whether a lane is at work; says so."""
        if self.answering:
            self.notify("The lanes are at work: Esc stops them.", severity="warning", timeout=3)
        return self.answering

    async def action_add(self) -> None:
        """A lane more, with what the foremost sets and has said."""
        free = sorted(set(range(MOST_LANES)) - {lane.number for lane in self.lanes})
        if not free:
            self.notify(f"There is room for {MOST_LANES} lanes.", timeout=3)
            return
        like = self.foremost
        lane = Lane(free[0], like.own, like.exchange.conversation.fork(), self)
        self.lanes.insert(self._foremost + 1, lane)
        await self.columns.mount(lane.column, after=like.column)
        lane.column.transcript.show_path(lane.exchange.conversation)
        self._foremost += 1
        self._show()

    def action_set(self) -> None:
        """Type what the foremost lane sets."""
        lane = self.foremost

        def typed(own: dict[str, Value] | None) -> None:
            if own is not None:
                lane.own = own
                self._show()

        text = ",".join(f"{key}={BY_KEY[key].text(value)}" for key, value in lane.own.items())
        self.app.push_screen(LaneScreen(lane.column.letter, text), typed)

    def action_next(self) -> None:
        """Go to the next lane."""
        self._foremost = (self._foremost + 1) % len(self.lanes)
        self._show()
        if not self.prompt.has_focus:
            self.action_read()

    async def action_close(self) -> None:
        """Close the foremost lane."""
        if self.foremost.exchange.answering or len(self.lanes) == 1:
            self.notify("It is at work, or the last one.", severity="warning", timeout=3)
            return
        lane = self.lanes.pop(self._foremost)
        await lane.column.remove()
        self._foremost = min(self._foremost, len(self.lanes) - 1)
        self._show()

    def action_keep(self) -> None:
        """Go on with the foremost lane in the chat."""
        if self._refuses():
            return
        lane = self.foremost
        self.dismiss(Kept(lane.exchange.conversation.leaf, self._values(lane)))

    def action_read(self) -> None:
        """Give the foremost lane's transcript the keys."""
        self.foremost.column.transcript.focus()

    @on(Reader.RegenerateWanted)
    async def _answer_again(self, event: Reader.RegenerateWanted) -> None:
        event.stop()
        lane = self._lane_with_focus()
        # The others may be at work: it joins them.
        if lane is not None and not lane.exchange.answering:
            await lane.talk.ask_again(event.message)

    @on(Reader.VersionWanted)
    def _show_version(self, event: Reader.VersionWanted) -> None:
        event.stop()
        lane = self._lane_with_focus()
        if lane is not None and not lane.exchange.answering:
            lane.talk.show_version(event.message, event.step)

    @on(Reader.EditWanted)
    @on(Reader.FindWanted)
    def _only_in_the_chat(self, event: Message) -> None:
        event.stop()
        self.notify("That is for the chat: F2 keeps this lane there.", timeout=3)

    def _lane_with_focus(self) -> Lane | None:
        return next((lane for lane in self.lanes if lane.column.has_focus_within), None)

    def on_descendant_focus(self) -> None:
        """Keys are meant for the lane that is read."""
        lane = self._lane_with_focus()
        if lane is not None:
            self._foremost = self.lanes.index(lane)
            self._show()

    async def action_stop(self) -> None:
        """Stop all lanes; where none is at work go back, first to the prompt."""
        requests = {lane.exchange.request for lane in self.lanes if lane.exchange.answering}
        for request in requests:
            if request is not None:
                await self._engine.stop(request)
        if not requests and not self.prompt.has_focus:
            self.prompt.focus()
        elif not requests:
            self.dismiss(None)

    # ---- what the engine reports -------------------------------------------------------------

    def take(self, event: Event | EngineDied) -> bool:
        """Show what the engine says to a lane; False if it says it to others."""
        if isinstance(event, EngineDied):
            self._fail(self.lanes, "died", f"The engine died ({event.cause}). {event.advice}")
            return False
        if isinstance(event, Failed):
            failed = [lane for lane in self.lanes if lane.hears(event.request)]
            self._fail(failed, "failed", "" if event.stopped else event.message)
            return bool(failed)
        if not isinstance(event, PromptProgress | TextArrived | Finished | Noted):
            return False
        found = [
            lane for lane in self.lanes if lane.number == event.lane and lane.hears(event.request)
        ]
        for lane in found:
            match event:
                case PromptProgress():
                    lane.column.say(f"reading {event.n_done} of {event.n_total}")
                case TextArrived():
                    lane.talk.write(event, model=self._model)
                    lane.column.text_arrived(event)
                case Finished():
                    lane.talk.finish(event)
                    lane.column.finished(event)
                case Noted():
                    lane.column.transcript.note(event.note)
        self._summarise()
        return bool(found)

    def _fail(self, lanes: Sequence[Lane], finish: str, message: str) -> None:
        for lane in lanes:
            if lane.exchange.answering:
                unanswered = lane.talk.end(finish)
                if unanswered and not self.prompt.text:
                    self.prompt.load_text(unanswered)
                if message:
                    lane.column.transcript.note(message, error=True)
                lane.column.say(finish)
