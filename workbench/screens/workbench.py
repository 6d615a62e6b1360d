"""The workbench: four panes, and what passes between them and the engine."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.binding import BindingType
from textual.content import Content

from workbench.engine.client import EngineClient
from workbench.engine.protocol import (
    ChatMessage,
    LanePrompt,
    ModelSource,
)
from workbench.models import library, marks
from workbench.panes.browser.pane import BrowserPane
from workbench.panes.parameters.pane import ParameterPane
from workbench.panes.stats.pane import StatsPane
from workbench.parameters.chosen import Chosen
from workbench.parameters.kinds import Values
from workbench.parameters.table import answering, loading
from workbench.screens import resumed
from workbench.screens.keys import KEYS
from workbench.screens.messages import Begun, EngineReported
from workbench.screens.opening import Begin
from workbench.screens.reported import ReportedScreen
from workbench.sessions.database import StoreError
from workbench.sessions.session import Session
from workbench.settings import paths
from workbench.untrusted import same_file, without_controls


class WorkbenchScreen(ReportedScreen):
    """Owns the conversation and the choice of model; panes and engine only report to it."""

    BINDINGS: ClassVar[list[BindingType]] = KEYS
    # What is typed before anything is to be seen is a prompt.
    AUTO_FOCUS = "Prompt"

    def __init__(
        self,
        engine: EngineClient,
        *,
        model: Path,
        values: Values,
        folders: Sequence[Path],
        complaints: Sequence[str] = (),
        begin: Begin = "where it was",
        any_model: bool = False,
    ) -> None:
        """``model`` is the file to load at once, ``values`` what is set from the beginning.

        With ``any_model`` it gives way to that of the conversation with which the app begins.
        ``complaints`` are about what was wrong before there was a screen to say it on.
        """
        super().__init__(engine, Chosen(paths.presets(), values), model=model, folders=folders)
        self._summary = ""
        self._complaints = complaints
        self._begins_with = begin
        self._any_model = any_model

    async def on_mount(self) -> None:
        self.chat.prompt.completions = self.completed
        self.chat.prompt.focus()
        self.browser.show([library.built_in()])
        self._listen()
        self.begin(self._begins_with)

    async def on_begun(self, message: Begun) -> None:
        """Show what the app opens with, and load the model for it."""
        session = message.session
        if self.session.conversation.messages or self.lanes is not None:
            # Who was quicker goes on with what they have begun.
            if session is not None:
                self.chat.note("What was open before is kept: F7 has it.")
            session = None
        if session is not None:
            self.use(session)
        for complaint in self._complaints:
            self.chat.note(complaint, error=True)
        if self._any_model and session is not None:
            used = marks.load(paths.model_marks()).used
            self._model = resumed.model_of(session, used) or self._model
        if session is not None:
            self.opened(session)
        self.find_models(self._model)
        self.take_up_downloads()
        self.find_cut_off()
        if self.exchange.request is None:
            # What was asked already loads it, too.
            await self._load(self._model)

    # ---- workers: they post messages and touch no widget ----------------------------------

    @work(group="engine", description="listen to the engine", exit_on_error=True)
    async def _listen(self) -> None:
        async for event in self.engine.events():
            self.post_message(EngineReported(event))

    # ---- what a person does ----------------------------------------------------------------

    async def generate(self, messages: Sequence[ChatMessage]) -> int:
        """Ask the engine for an answer; returns the request's number."""
        self.stats.busy("waiting for the engine")
        asked = LanePrompt(0, list(messages), answering(self.values))
        self.exchange.go_by(self.values)
        source = self._source()
        state = self.states.file_for(self.session, source)
        request = await self.engine.generate(source, [asked], state=state)
        self.keep()
        self.call_after_refresh(self.refresh_bindings)
        return request

    @on(BrowserPane.Chosen)
    async def _choose_model(self, event: BrowserPane.Chosen) -> None:
        event.stop()
        if self.refuses():
            return
        if event.model.incomplete:
            self.notify(
                f"{without_controls(event.model.name)}: {event.model.incomplete}. "
                "Download it again.",
                severity="error",
                markup=False,
            )
            return
        await self._load(event.model.path, event.values)

    @on(ParameterPane.Changed)
    async def _change_parameter(self, event: ParameterPane.Changed) -> None:
        event.stop()
        request = self.exchange.request
        if event.live and self.exchange.answering and request is not None:
            values = answering(self.values)
            self.exchange.adjust(values)
            await self.engine.adjust(request, 0, values)

    @on(StatsPane.Summarised)
    def _show_summary(self, event: StatsPane.Summarised) -> None:
        event.stop()
        summary = "" if self.stats.is_on_screen else event.summary
        # To set a border's text lays the whole screen out again, even if it is the same.
        if summary != self._summary:
            self._summary = summary
            self.chat.border_subtitle = Content(summary)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Nothing can be stopped where nothing runs, or where Esc leaves a field."""
        if action == "resume":
            return bool(self.cut_off)
        return action != "stop" or (
            self.exchange.request is not None and not self.parameters.editing and not self.chat.busy
        )

    async def action_stop(self) -> None:
        """Ask for an end; an engine that has not heard it for a while is ended by force."""
        if self.exchange.request is not None:
            match self.exchange.stop():
                case "ask":
                    self.stats.busy("stopping")
                    await self.engine.stop(self.exchange.request)
                case "force":
                    self.engine.kill()

    def action_back(self) -> None:
        """Leave the field, or go back to the prompt."""
        if self.parameters.editing:
            self.parameters.stop_editing()
        elif self.chat.busy:
            self.chat.leave()
        else:
            self.go_to("chat")

    def action_lanes(self) -> None:
        """Go on in two lanes, to be set apart."""
        if self.exchange.request is not None and not self.exchange.answering:
            self.notify("The model is still being loaded.", severity="warning", timeout=3)
        elif not self.refuses():
            self.compare(
                self.engine,
                model=self._model,
                folders=self.folders,
                n_ctx=self.stats.n_ctx,
                lanes=[{}, {}],
            )

    async def put_by(self, *, interrupted: bool) -> None:
        """Stop, and spare the engine reading the conversation anew next time."""
        request = self.exchange.request if self.exchange.answering else None
        if interrupted:
            self._over(self.talk.end("cut off"))
        with suppress(StoreError):
            # What the engine holds is kept under the conversation's number.
            self.keep_now()
        self.remember()
        if self.lanes is not None:
            await self.lanes.action_stop()
        await self.states.put_by(self.session, answering=request)

    def use(self, session: Session) -> None:
        """Go on with another conversation."""
        if self.session.id not in self.deleted:
            self.call_next(self.states.save, self.session)
        super().use(session)

    async def use_model(self, model: Path) -> None:
        """Load this model with its own preset, if it is not loaded or being loaded."""
        if not same_file(model, self._model) or not (
            self.model_is_loaded or self.exchange.request is not None
        ):
            await self._load(model)
        else:
            self.notify(f"{self._model.stem} is the present model.", timeout=3, markup=False)

    async def go_on_with(self, model: Path) -> None:
        """Go on with this model, if it is not the present one, by what is set now."""
        if model != self._model:
            self._model = model
            self.stats.busy("loading")
            self.exchange.wait_for(await self.engine.load(self._source()))
            self.refresh_bindings()

    @property
    def set_for(self) -> str:
        """The stem of the model file that the parameters are for."""
        return self._model.stem

    # ---- the state behind it ---------------------------------------------------------------

    def _source(self) -> ModelSource:
        return ModelSource.of(self._model, loading(self._chosen.values))

    async def _load(self, path: Path, chosen: Values | None = None) -> None:
        """Load a model, by its own preset and above that by what was ``chosen`` for it."""
        self._model = path
        self._take_own_preset()
        self._set_for_load(chosen or {})
        self.stats.busy("loading")
        self.show_loading(0.0)
        self.exchange.wait_for(await self.engine.load(self._source()))
        self.refresh_bindings()
