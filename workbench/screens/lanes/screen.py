"""One prompt, many settings: lanes side by side under a person's hands."""

from __future__ import annotations

from pathlib import Path

from textual import on

from workbench.panes.chat.prompt import Prompt
from workbench.panes.chat.reader import Reader
from workbench.panes.parameters.pane import ParameterPane
from workbench.parameters.kinds import ParameterError, Value
from workbench.parameters.lanes import MODEL, drawn, grid, read_sweeps, typed, with_seeds
from workbench.parameters.table import BY_KEY
from workbench.screens.lanes.answering import AnsweringScreen
from workbench.screens.lanes.columns import Kept
from workbench.screens.lanes.typed import LaneScreen

_EDITING = "Editing in all lanes: Enter asks anew, Esc leaves it"


class LanesScreen(AnsweringScreen):
    """What a person writes, sets, and does with the answers."""

    # How deep in the conversation the prompt is that is written anew.
    _edited: int | None = None

    # ---- what a person asks ------------------------------------------------------------------

    @on(Prompt.Submitted)
    async def _submit(self, event: Prompt.Submitted) -> None:
        event.stop()
        if self.refuses() or self.refuses_blindly():
            return
        if event.text.startswith(("/sweep ", "/draws ")):
            await self._line_up(event.text)
            return
        if not await self.engines_fit():
            return
        edited, self._edited = self._edited, None
        self.prompt.border_title = ""
        self.prompt.clear()
        self.shuffle()
        await self.ask(event.text, instead_of=edited)

    async def _line_up(self, command: str) -> None:
        """Put the lanes of a sweep, or draws of one setting, in the place of those there are."""
        word, _, rest = command.partition(" ")
        try:
            lanes = drawn(rest) if word == "/draws" else grid(read_sweeps(rest))
        except ParameterError as error:
            self.notify(f"{error}.", severity="error", timeout=8, markup=False)
            return
        self.prompt.clear()
        seed = self._common.value(BY_KEY["seed"])
        await self.replace_lanes(self.made(with_seeds(lanes, seed, same=word == "/sweep")))
        self.parameters.use(self.foremost.chosen)

    def action_sweep(self) -> None:
        """Write what lines lanes up, to be changed and sent."""
        if not self.refuses():
            self.prompt.load_text("/sweep temperature 0.2 1.4 4")
            self.prompt.move_cursor(self.prompt.document.end)
            self.prompt.focus()

    def action_type(self) -> None:
        """Type what the foremost lane sets."""
        if self.refuses_blindly():
            return
        lane = self.foremost

        def given(own: dict[str, Value] | None) -> None:
            if own is not None:
                lane.model = Path(str(own.pop(MODEL, self._model)))
                self.put(lane, own)
                self.call_next(self.adjust, lane)
                self.show_lanes()

        self.app.push_screen(LaneScreen(lane.letter, typed(self.own(lane)), self._find), given)

    @on(ParameterPane.Changed)
    async def _change_parameter(self, event: ParameterPane.Changed) -> None:
        event.stop()
        if event.live:
            await self.adjust(self.foremost)
        self.show_lanes()

    def action_settings(self) -> None:
        """Go to the parameters of the foremost lane, or hide them."""
        if not self.refuses_blindly():
            super().action_settings()

    async def action_add(self) -> None:
        """A lane more, like the foremost."""
        if not self.refuses_blindly():
            await super().action_add()

    def action_keep(self) -> None:
        """Go on with the foremost lane in the chat."""
        if not self.refuses():
            lane = self.foremost
            leaf = lane.exchange.conversation.leaf
            self.dismiss(Kept(leaf, dict(lane.chosen.values), lane.model))

    # ---- what is done with a message ---------------------------------------------------------

    @on(Reader.RegenerateWanted)
    async def _answer_again(self, event: Reader.RegenerateWanted) -> None:
        event.stop()
        lane = self.lane_with_focus()
        # The others may be at work: it joins them.
        if lane is None or lane.answering or self.refuses_blindly():
            return
        if self.answering or await self.engines_fit():
            await lane.talk.ask_again(event.message)

    @on(Reader.VersionWanted)
    def _show_version(self, event: Reader.VersionWanted) -> None:
        event.stop()
        lane = self.lane_with_focus()
        if lane is not None and not lane.answering and not self.refuses_blindly():
            lane.talk.show_version(event.message, event.step)

    @on(Reader.EditWanted)
    def _edit(self, event: Reader.EditWanted) -> None:
        event.stop()
        lane = self.lane_with_focus()
        if lane is None or self.refuses() or self.refuses_blindly():
            return
        path = lane.exchange.conversation.path()
        message = lane.exchange.conversation.message(event.message)
        self._edited = path.index(message)
        self.prompt.load_text(message.text)
        self.prompt.move_cursor(self.prompt.document.end)
        self.prompt.border_title = _EDITING
        self.prompt.focus()

    # ---- stopping and going back -------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Esc stops while there is something to stop; F2 votes while a vote is due."""
        match action:
            case "stop":
                return self.answering and not self._has_a_way_out
            case "back":
                return not self.answering or self._has_a_way_out
            case "vote":
                return self.hidden
            case "keep":
                return not self.hidden
        return super().check_action(action, parameters)

    @property
    def _has_a_way_out(self) -> bool:
        """Whether Esc has something else to end first."""
        lane = self.lane_with_focus()
        return self.parameters.editing or (lane is not None and lane.column.busy)

    def action_back(self) -> None:
        """End what is going on, or go back: to the prompt, then to the chat."""
        lane = self.lane_with_focus()
        if self.parameters.editing:
            self.parameters.stop_editing()
        elif lane is not None and lane.column.busy:
            lane.column.leave()
        elif not self.prompt.has_focus:
            self.prompt.focus()
        elif self._edited is not None:
            self._edited = None
            self.prompt.border_title = ""
            self.prompt.clear()
        elif not self.answering:
            self.dismiss(None)
