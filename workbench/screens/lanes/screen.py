"""One prompt, many settings: lanes side by side under a person's hands."""

from __future__ import annotations

from pathlib import Path

from textual import on

from workbench.panes.chat.prompt import Prompt
from workbench.panes.chat.reader import Reader
from workbench.panes.parameters.pane import ParameterPane
from workbench.parameters.kinds import ParameterError, Value, Values
from workbench.parameters.lanes import (
    MODEL,
    RANDOM_SEED,
    drawn,
    grid,
    read_sweeps,
    typed,
    with_seeds,
)
from workbench.parameters.table import BY_KEY
from workbench.screens import words
from workbench.screens.lanes.answering import AnsweringScreen
from workbench.screens.lanes.columns import Kept
from workbench.screens.lanes.lane import Lane
from workbench.screens.lanes.typed import LaneScreen
from workbench.screens.words import Said

_SWEEP = "/sweep temperature 0.2 1.4 4"
_SWEEPING = "Enter lines the lanes up, Esc leaves it"
_EDITING = "Editing in all lanes: Enter asks anew, Esc leaves it"


class LanesScreen(AnsweringScreen):
    """What a person writes, sets, and does with the answers."""

    # How deep in the conversation the prompt is that is written anew.
    _edited: int | None = None

    # ---- what a person asks ------------------------------------------------------------------

    @on(Prompt.Submitted)
    async def _submit(self, event: Prompt.Submitted) -> None:
        event.stop()
        if not (self.is_there and self.is_active) or self.refuses() or self.refuses_blindly():
            self.prompt.take_back(event.text)
            return
        if self._edited is None and (said := words.read(event.text)) is not None:
            # What was being written before a sweep was thought of comes back.
            asked_for = self.prompt.editing
            self._leave_editing(sent=True)
            if not await self._obey(said):
                if asked_for:
                    self.prompt.begin_editing(event.text, _SWEEPING)
                else:
                    self.prompt.take_back(event.text)
            return
        edited, self._edited = self._edited, None
        self.prompt.stop_editing(sent=True)
        if not await self.engines_fit():
            if edited is not None:
                self._edited = edited
                self.prompt.begin_editing(event.text, _EDITING)
            else:
                self.prompt.take_back(event.text)
            return
        self.shuffle()
        await self.ask(event.text, instead_of=edited)

    async def _obey(self, said: Said) -> bool:
        """Do what a word says; False if it may be written otherwise."""
        match said.word:
            case "sweep" | "draws":
                return await self._line_up(said)
            case "set" if said.rest:
                return self.set_by_word(said.rest)
            case "set":
                self.action_settings()
            case "help":
                self.notify(words.described(words.IN_LANES), timeout=12, markup=False)
            case "exit":
                self.app.call_later(self.app.run_action, "app.quit")
            case word if word in words.WORDS:
                return self.complain(f"/{word} is for the chat: Esc leads back there.")
            case word:
                return self.complain(words.unknown(word, words.IN_LANES))
        return True

    async def _line_up(self, said: Said) -> bool:
        """Put the lanes of a sweep, or draws of one setting, in the place of those there are."""
        try:
            lanes = self._draws(said.rest) if said.word == "draws" else grid(read_sweeps(said.rest))
        except ParameterError as error:
            return self.complain(f"{error}.")
        # Settings are compared on the same draws; draws of one setting are to differ.
        self.same_seed = said.word == "sweep"
        await self.replace_lanes(self.lined_up(lanes))
        return True

    def _draws(self, count: str) -> list[dict[str, Value]]:
        """Draws of one setting: from a seed that is set on, one apart. Raises ParameterError."""
        lanes = drawn(count)
        seed = self.foremost.chosen.value(BY_KEY["seed"])
        return lanes if seed == RANDOM_SEED else with_seeds(lanes, seed, same=False)

    def action_sweep(self) -> None:
        """Write what lines lanes up, to be changed and sent; Esc brings back what stood there."""
        if not (self.refuses() or self.refuses_blindly()):
            self._edited = None
            self.prompt.begin_editing(_SWEEP, _SWEEPING)

    def action_seeds(self) -> None:
        """Let all lanes draw by the same chance, or each by its own."""
        self.same_seed = not self.same_seed
        self.notify(
            "All lanes draw by the same chance: one seed for each prompt."
            if self.same_seed
            else "Each lane draws by its own chance.",
            timeout=3,
        )
        self.summarise()

    def action_type(self) -> None:
        """Type what the foremost lane sets."""
        if self.refuses_blindly():
            return
        lane, before = self.foremost, self.own(self.foremost)

        def given(own: dict[str, Value] | None) -> None:
            if own is not None:
                self._change(lane, before, own)

        self.app.push_screen(LaneScreen(lane.letter, typed(before), self._find), given)

    def _change(self, lane: Lane, before: Values, own: Values) -> None:
        """Let a lane set what was typed, and what is not typed any more as in all lanes."""
        model = Path(str(own.get(MODEL, self._model)))
        if model != lane.model:
            lane.use_model(model)
        for key in before.keys() | own.keys():
            if key != MODEL and before.get(key) != own.get(key):
                parameter = BY_KEY[key]
                lane.chosen.put(parameter, own.get(key, self._common.value(parameter)))
        if lane is self.foremost:
            self.parameters.show()
        self.call_next(self.adjust, lane)
        self.show_lanes()

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

    async def action_close(self) -> None:
        """Close the foremost lane."""
        if not self.refuses_blindly():
            await super().action_close()

    def action_keep(self) -> None:
        """Go on with the foremost lane in the chat."""
        if not self.refuses():
            lane = self.foremost
            leaf = lane.exchange.conversation.leaf
            self.dismiss(Kept(leaf, lane.chosen, lane.model))

    # ---- what is done with a message ---------------------------------------------------------

    @on(Reader.RegenerateWanted)
    async def _answer_again(self, event: Reader.RegenerateWanted) -> None:
        event.stop()
        lane = self._lane_of(event)
        # The others may be at work: it joins them.
        if lane is None or lane.answering or self.refuses_blindly():
            return
        if self.was_asked_in(lane.exchange.conversation, event.message):
            await lane.talk.ask_again(event.message)
            await self.go_on()

    @on(Reader.VersionWanted)
    def _show_version(self, event: Reader.VersionWanted) -> None:
        event.stop()
        lane = self._lane_of(event)
        if lane is not None and not lane.answering and not self.refuses_blindly():
            lane.talk.show_version(event.message, event.step)

    @on(Reader.EditWanted)
    def _edit(self, event: Reader.EditWanted) -> None:
        event.stop()
        lane = self._lane_of(event)
        if lane is None or self.refuses() or self.refuses_blindly():
            return
        path = lane.exchange.conversation.path()
        message = lane.exchange.conversation.message(event.message)
        if message in path:
            self._edited = path.index(message)
            self.prompt.begin_editing(message.text, _EDITING)
        else:
            # It got no answer, and is no part of the conversation any more.
            self._leave_editing()
            if not self.prompt.text.startswith(message.text):
                self.prompt.take_back(message.text)
            self.prompt.focus()

    def _lane_of(self, event: Reader.Wanted) -> Lane | None:
        """The lane whose message is meant: the palette's rows mean one without the focus."""
        return next((each for each in self.lanes if each.column.transcript is event.of), None)

    def _leave_editing(self, *, sent: bool = False) -> None:
        self._edited = None
        self.prompt.stop_editing(sent=sent)

    # ---- stopping and going back -------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Esc stops while there is something to stop; F2 votes while a vote is due."""
        if not self.is_there:
            return False
        match action:
            case "stop":
                return self.answering and not self._has_a_way_out
            case "back":
                return not self.answering or self._has_a_way_out
            case "page":
                return not self.parameters.has_focus_within
            case "vote":
                return self.hidden
            case "keep":
                return not self.hidden
        return super().check_action(action, parameters)

    @property
    def _has_a_way_out(self) -> bool:
        """Whether Esc has something else to end first."""
        lane = self.lane_with_focus()
        return self.parameters.has_focus_within or (lane is not None and lane.column.busy)

    def action_back(self) -> None:
        """End what is going on, or go back: to the prompt, then to the chat."""
        lane = self.lane_with_focus()
        if self.parameters.editing:
            self.parameters.stop_editing()
        elif lane is not None and lane.column.busy:
            lane.column.leave()
        elif not self.prompt.has_focus:
            self.focus_at_once(self.prompt)
        elif self.prompt.editing:
            self._leave_editing()
        elif not self.answering:
            self.dismiss(None)
