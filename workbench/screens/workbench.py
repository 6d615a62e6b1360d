"""The workbench: four panes, and what passes between them and the engine."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.binding import BindingType
from textual.content import Content

from workbench.engine.client import EngineClient, EngineDied
from workbench.engine.protocol import (
    ChatMessage,
    Event,
    Failed,
    Finished,
    LanePrompt,
    Loaded,
    LoadProgress,
    ModelSource,
    Noted,
    PromptProgress,
    Ready,
    StateSaved,
    TextArrived,
)
from workbench.models import library
from workbench.panes.browser.pane import BrowserPane
from workbench.panes.figures import duration
from workbench.panes.parameters.pane import ParameterPane
from workbench.panes.stats.pane import StatsPane
from workbench.parameters.chosen import Chosen
from workbench.parameters.kinds import Values
from workbench.parameters.presets import PresetError
from workbench.parameters.table import answering, loading
from workbench.screens import resumed, words
from workbench.screens.exchange import Author
from workbench.screens.fetching import FetchingScreen
from workbench.screens.keys import KEYS
from workbench.screens.messages import Begun, EngineReported
from workbench.screens.opening import Begin
from workbench.screens.states import KeptStates
from workbench.sessions.session import Session
from workbench.sessions.states import States
from workbench.settings import paths
from workbench.untrusted import without_controls


class WorkbenchScreen(FetchingScreen):
    """Owns the conversation and the choice of model; panes and engine only report to it."""

    BINDINGS: ClassVar[list[BindingType]] = KEYS

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
        """``model`` is the file to load at once, ``values`` what differs from the defaults.

        With ``any_model`` it gives way to that of the conversation with which the app begins.
        ``complaints`` are about what was wrong before there was a screen to say it on.
        """
        super().__init__(
            paths.remembered(),
            Chosen(paths.presets(), values),
            engine_pid=lambda: engine.pid,
            folders=folders,
        )
        self.engine = engine
        self._model = model
        self._loaded_model: Path | None = None
        self._model_name = ""
        self._told: set[str] = set()
        self._summary = ""
        self._complaints = complaints
        self._begins_with = begin
        self._any_model = any_model
        self.states = KeptStates(engine, States(paths.states()))

    async def on_mount(self) -> None:
        self.chat.prompt.completions = words.completions()
        self.chat.prompt.focus()
        self.browser.show([library.built_in()])
        self._listen()
        self.begin(self._begins_with)

    async def on_begun(self, message: Begun) -> None:
        """Show what the app opens with, and load the model for it."""
        session = message.session
        if session is not None and not self.session.conversation.messages:
            self.use(session)
        for complaint in self._complaints:
            self.chat.note(complaint, error=True)
        if self._any_model and session is not None:
            self._model = resumed.model_of(session) or self._model
        self.find_models(self._model)
        self.take_up_downloads()
        self.find_cut_off()
        await self._load(self._model)

    # ---- workers: they post messages and touch no widget ----------------------------------

    @work(group="engine", description="listen to the engine", exit_on_error=True)
    async def _listen(self) -> None:
        async for event in self.engine.events():
            self.post_message(EngineReported(event))

    @work(group="warm-up", description="import what answers need", exit_on_error=False)
    async def _warm_up(self) -> None:
        # Parser and lexers take a good part of the time in which the app starts; the first
        # answer need not wait for them.
        await asyncio.to_thread(_prepare)
        # All that is there by now stays to the end: to look through it for garbage again and
        # again makes keys wait.
        gc.collect()
        gc.freeze()

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
        await self._load(event.model.path)

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

    def use(self, session: Session) -> None:
        """Go on with another conversation."""
        if self.session.id not in self.deleted:
            self.call_next(self.states.save, self.session)
        super().use(session)

    async def use_model(self, model: Path) -> None:
        """Load this model, if it is not the present one, with its own preset."""
        if model != self._model:
            await self._load(model)

    async def go_on_with(self, model: Path) -> None:
        """Go on with this model, if it is not the present one, by what is set now."""
        if model != self._model:
            self._model = model
            self.stats.busy("loading")
            self.exchange.request = await self.engine.load(self._source())
            self.refresh_bindings()

    @property
    def set_for(self) -> str:
        """The stem of the model file that the parameters are for."""
        return self._model.stem

    # ---- what the engine reports -------------------------------------------------------------

    def on_engine_reported(self, message: EngineReported) -> None:
        """Pass an event on to the lanes or the panes that it concerns."""
        self.states.heard(message.event, self.session)
        if not self.is_for_lanes(message.event):
            self._take(message.event)

    def _take(self, event: Event | EngineDied) -> None:
        match event:
            case Ready() | StateSaved():
                pass
            case LoadProgress() as event:
                self.stats.load_progressed(event)
                # The engine has let go of the one before.
                self.browser.mark_loaded(None)
            case Loaded() as event:
                self._on_loaded(event)
            case PromptProgress() as event:
                self.stats.prompt_progressed(event)
            case Noted() as event:
                self.chat.note(event.note)
            case TextArrived() as event:
                self._on_text(event)
            case Finished() as event:
                self._on_finished(event)
            case Failed() as event:
                self._on_failed(event)
            case EngineDied() as event:
                self._on_died(event)

    def _on_loaded(self, event: Loaded) -> None:
        first = self._loaded_model is None
        changed = self._loaded_model != event.model.source.file
        if first:
            self._warm_up()
        self._loaded_model = event.model.source.file
        self.browser.mark_loaded(self._loaded_model)
        self.stats.model_loaded(event)
        self.parameters.use_defaults(event.model.defaults)
        if changed:
            self._model_name = event.model.name
            self._told.clear()
            self.chat.border_title = Content(f"Chat with {self._model_name}")
            if not first:
                self.chat.note(f"{self._model_name} loaded in {duration(event.load_ms)}.")
        self._tell(event.notes)
        if not self.exchange.answering and event.request == self.exchange.request:
            self.exchange.end()
            self.refresh_bindings()
            self.stats.idle()
            if self.browser.has_focus_within:
                self.go_to("chat")

    def _on_text(self, event: TextArrived) -> None:
        if event.request != self.exchange.request:
            # Of a lane that has been left.
            return
        self.talk.write(event, Author(self._model_name, self._model, self._chosen.defaults))
        self.keep()
        self.stats.text_arrived(event)

    def _on_finished(self, event: Finished) -> None:
        if event.request != self.exchange.request:
            return
        self._tell(event.notes)
        self._over(self.talk.finish(event))
        self.stats.answer_finished(event)

    def _on_failed(self, event: Failed) -> None:
        if event.request != self.exchange.request:
            # A load that failed under a prompt already sent: the prompt's own failure follows.
            return
        self._over(self.talk.end("failed"))
        if not event.stopped:
            self.chat.note(_sentence(event.message), error=True)
        self._keep_loaded_model()
        self.stats.idle()

    def _on_died(self, event: EngineDied) -> None:
        self.browser.mark_loaded(None)
        was_busy = self.exchange.request is not None
        self._over(self.talk.end("died"))
        self.chat.note(
            f"The engine died ({event.cause}). {event.advice} "
            + ("What was written is kept. " if was_busy else "")
            + "The next prompt starts a new engine.",
            error=True,
        )
        self.chat.note("\n".join(event.log))
        self._keep_loaded_model()
        self.stats.idle("died")

    # ---- the state behind it ---------------------------------------------------------------

    @property
    def present_model(self) -> Path:
        """The file of the model that answers, or is being loaded."""
        return self._model

    @property
    def model_is_loaded(self) -> bool:
        """Whether a model has been loaded since the start."""
        return self._loaded_model is not None

    def _source(self) -> ModelSource:
        return ModelSource.of(self._model, loading(self._chosen.values))

    async def _load(self, path: Path) -> None:
        self._model = path
        self._take_own_preset()
        self.stats.busy("loading")
        self.show_loading(0.0)
        self.exchange.request = await self.engine.load(self._source())
        self.refresh_bindings()

    def _take_own_preset(self) -> None:
        try:
            if self._chosen.use_model(self._model.stem):
                self.chat.note(f"Parameters from {self._model.stem}'s own preset are set.")
        except PresetError as error:
            self.chat.note(_sentence(str(error)), error=True)
        self.parameters.show()

    def _keep_loaded_model(self) -> None:
        """A model that failed is not tried again with the next prompt."""
        if self._loaded_model is not None and self._model != self._loaded_model:
            self._model = self._loaded_model
            self._take_own_preset()

    def _tell(self, notes: Sequence[str]) -> None:
        """Say notes once for a model: what is true of every answer need not be said at each."""
        for note in notes:
            if note not in self._told:
                self._told.add(note)
                self.chat.note(note)

    def _over(self, unanswered: str) -> None:
        """An answer has ended, one way or another; a prompt that got none goes back."""
        if unanswered:
            self.chat.take_back(unanswered)
        self.refresh_bindings()
        self.keep()


def _prepare() -> None:
    from workbench.panes.chat import code, markdown
    from workbench.screens.find import screen  # noqa: F401

    # The lexer that most answers with code want: made once, it takes a twentieth of a second.
    code.coloured("python", "pass")
    markdown.parse("")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", ")")) else ".")
