"""The workbench: four panes, and what passes between them and the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Final

from textual import getters, on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Footer

from workbench.engine.client import EngineClient, EngineDied
from workbench.engine.protocol import (
    Failed,
    Finished,
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
from workbench.panes.chat.pane import ChatPane
from workbench.panes.chat.prompt import Prompt
from workbench.panes.figures import duration, per_second, tokens
from workbench.panes.parameters.pane import ParameterPane
from workbench.panes.parameters.rows import ParameterList
from workbench.panes.stats.pane import StatsPane
from workbench.parameters.chosen import Chosen
from workbench.parameters.kinds import Values
from workbench.parameters.presets import PresetError
from workbench.parameters.table import answering, loading
from workbench.screens.keeping import KeepingScreen
from workbench.screens.keys import KEYS
from workbench.screens.messages import EngineReported, ModelsFound
from workbench.screens.presets import PresetScreen
from workbench.screens.text import TextScreen
from workbench.sessions.conversation import Conversation
from workbench.settings import paths
from workbench.untrusted import without_controls

_REASONS: Final = {
    "stop": "",
    "length": "max_tokens reached",
    "context": "context full",
    "cancelled": "stopped",
}


class WorkbenchScreen(KeepingScreen):
    """Owns the conversation and the choice of model; panes and engine only report to it."""

    BINDINGS: ClassVar[list[BindingType]] = KEYS

    browser = getters.query_one(BrowserPane)
    parameters = getters.query_one(ParameterPane)
    stats = getters.query_one(StatsPane)

    def __init__(
        self,
        engine: EngineClient,
        *,
        model: Path,
        values: Values,
        folders: Sequence[Path],
        complaints: Sequence[str] = (),
    ) -> None:
        """``model`` is the file to load at once, ``values`` what differs from the defaults.

        ``complaints`` are about what was wrong before there was a screen to say it on.
        """
        super().__init__()
        self.engine = engine
        self._model = model
        self._loaded_model: Path | None = None
        self._model_name = ""
        self._told: set[str] = set()
        self._chosen = Chosen(paths.presets(), values)
        self._folders = list(folders)
        self._complaints = complaints

    def compose(self) -> ComposeResult:
        with Horizontal(id="panes"):
            yield BrowserPane()
            yield ChatPane()
            with Vertical(id="instruments"):
                yield ParameterPane(self._chosen.values)
                yield StatsPane()
        yield Footer(show_command_palette=False)

    async def on_mount(self) -> None:
        self.chat.prompt.focus()
        for complaint in self._complaints:
            self.chat.note(complaint, error=True)
        self.browser.show([library.built_in()])
        self._listen()
        self._find_models()
        self.find_cut_off()
        await self._load(self._model)

    # ---- workers: they post messages and touch no widget ----------------------------------

    @work(group="engine", description="listen to the engine", exit_on_error=True)
    async def _listen(self) -> None:
        async for event in self.engine.events():
            self.post_message(EngineReported(event))

    @work(group="models", description="look for models", exit_on_error=False)
    async def _find_models(self) -> None:
        models = [library.built_in()]
        for folder in self._folders:
            models += await asyncio.to_thread(library.in_folder, folder)
        models += await asyncio.to_thread(library.in_hub_cache)
        if self._model.resolve() not in {model.path.resolve() for model in models}:
            models += library.named(self._model)
        self.post_message(ModelsFound(models))

    # ---- what a person does ----------------------------------------------------------------

    @on(Prompt.Submitted)
    async def _submit(self, event: Prompt.Submitted) -> None:
        event.stop()
        if not event.text.strip():
            self.notify("Write something first.", severity="warning", timeout=2)
            return
        if self._refuses():
            return
        self.chat.prompt.clear()
        self.chat.ask(event.text)
        self.stats.busy("waiting for the engine")
        self.exchange.request = await self.engine.generate(
            self._source(), self.exchange.ask(event.text), answering(self._chosen.values)
        )
        self.keep()
        self.refresh_bindings()

    @on(BrowserPane.Chosen)
    async def _choose_model(self, event: BrowserPane.Chosen) -> None:
        event.stop()
        if self._refuses():
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
        self._chosen.set(event.values)
        request = self.exchange.request
        if event.parameter.acts == "live" and self.exchange.answering and request is not None:
            await self.engine.adjust(request, answering(self._chosen.values))

    @on(ParameterPane.TextWanted)
    def _write_text(self, event: ParameterPane.TextWanted) -> None:
        event.stop()

        def written(text: str | None) -> None:
            if text is not None:
                self.parameters.set(event.parameter.key, text)

        self.app.push_screen(TextScreen(event.parameter, event.text), written)

    @on(ParameterList.PresetsWanted)
    def _show_presets(self, event: ParameterList.PresetsWanted) -> None:
        event.stop()

        def taken(values: Values | None) -> None:
            if values is not None:
                self._chosen.set(values)
                self.parameters.replace(values)
                said = (
                    "The preset's parameters are set." if values else "All are at their defaults."
                )
                self.notify(said, timeout=3)

        self.app.push_screen(
            PresetScreen(paths.presets(), self._model.stem, self._chosen.values), taken
        )

    @on(StatsPane.Summarised)
    def _show_summary(self, event: StatsPane.Summarised) -> None:
        event.stop()
        summary = event.summary if self.has_class("-narrow") else ""
        # To set a border's text draws the whole pane again, even if it is the same.
        if summary != self.chat.border_subtitle:
            self.chat.border_subtitle = summary

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Nothing can be stopped where nothing runs, or where Esc leaves a field."""
        if action == "resume":
            return self.cut_off is not None
        return action != "stop" or (
            self.exchange.request is not None and not self.parameters.editing
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
        else:
            self.action_show("chat")

    def action_show(self, pane: str) -> None:
        """Go to a pane; on a narrow screen it takes the chat's place."""
        self.set_class(pane == "browser", "-browser")
        self.set_class(pane in ("parameters", "stats"), "-instruments")
        targets = {"browser": self.browser.models, "parameters": self.parameters.rows}
        # The stats have nothing to focus; whoever looks at them wants to go on writing.
        targets.get(pane, self.chat.prompt).focus()

    def action_new_chat(self) -> None:
        """Begin a new conversation."""
        if self._refuses():
            return
        self.exchange.conversation = Conversation()
        self.keep()
        self.chat.clear()
        self.stats.clear()
        self.action_show("chat")
        self.find_cut_off()

    def action_resume(self) -> None:
        """Bring back the conversation that was cut off."""
        if self.cut_off is not None and not self._refuses():
            self.bring_back(self.cut_off)
            self.action_show("chat")

    def on_resize(self) -> None:
        """The chat's border says what the stats say where there is no room for them."""
        self.call_after_refresh(self.stats.summarise)

    # ---- what the engine reports -------------------------------------------------------------

    def on_engine_reported(self, message: EngineReported) -> None:
        """Pass an event on to the panes it concerns."""
        match message.event:
            case Ready() | StateSaved():
                pass
            case LoadProgress() as event:
                self.stats.load_progressed(event)
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

    def on_models_found(self, message: ModelsFound) -> None:
        self.browser.show(message.models)

    def _on_loaded(self, event: Loaded) -> None:
        first = self._loaded_model is None
        changed = self._loaded_model != event.model.source.file
        self._loaded_model = event.model.source.file
        self.browser.mark_loaded(self._loaded_model)
        self.stats.model_loaded(event)
        self.parameters.use_defaults(event.model.defaults)
        if changed:
            self._model_name = event.model.name
            self._told.clear()
            self.chat.border_title = f"Chat with {self._model_name}"
            if not first:
                self.chat.note(f"{self._model_name} loaded in {duration(event.load_ms)}.")
        self._tell(event.notes)
        if not self.exchange.answering:
            self.exchange.end()
            self.refresh_bindings()
            self.stats.idle()
            if self.browser.has_focus_within:
                self.action_show("chat")

    def _on_text(self, event: TextArrived) -> None:
        self.exchange.write(event, model=self._model_name)
        self.keep_at_times()
        self.chat.stream(event.thoughts, event.text, model=self._model_name)
        self.stats.text_arrived(event)

    def _on_finished(self, event: Finished) -> None:
        timings = event.timings
        self._tell(event.notes)
        facts = [tokens(timings.completion_tokens), _REASONS[event.reason]]
        if timings.tps:
            facts.insert(1, f"{per_second(timings.tps)} t/s")
        self._end_answer(event.reason, remark=", ".join(filter(None, facts)))
        self.stats.answer_finished(event)

    def _on_failed(self, event: Failed) -> None:
        if event.request != self.exchange.request:
            # A load that failed under a prompt already sent: the prompt's own failure follows.
            return
        self._end_answer("failed", remark="failed")
        if not event.stopped:
            self.chat.note(_sentence(event.message), error=True)
        self._keep_loaded_model()
        self.stats.idle()

    def _on_died(self, event: EngineDied) -> None:
        was_busy = self.exchange.request is not None
        self._end_answer("died", remark="the engine died")
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
    def model_is_loaded(self) -> bool:
        """Whether a model has been loaded since the start."""
        return self._loaded_model is not None

    def _source(self) -> ModelSource:
        return ModelSource.of(self._model, loading(self._chosen.values))

    def _refuses(self) -> bool:
        """Whether an answer is under way; says so."""
        if self.exchange.answering:
            self.notify("The engine is at work: Esc stops it.", severity="warning", timeout=3)
        return self.exchange.answering

    async def _load(self, path: Path) -> None:
        self._model = path
        self._take_own_preset()
        self.stats.busy("loading")
        self.exchange.request = await self.engine.load(self._source())
        self.refresh_bindings()

    def _take_own_preset(self) -> None:
        try:
            if self._chosen.use_model(self._model.stem):
                self.chat.note(f"Parameters from {self._model.stem}'s own preset are set.")
        except PresetError as error:
            self.chat.note(_sentence(str(error)), error=True)
        self.parameters.replace(self._chosen.values)

    def _keep_loaded_model(self) -> None:
        """A model that failed is not tried again with the next prompt."""
        if self._loaded_model is not None:
            self._model = self._loaded_model

    def _tell(self, notes: Sequence[str]) -> None:
        """Say notes once for a model: what is true of every answer need not be said at each."""
        for note in notes:
            if note not in self._told:
                self._told.add(note)
                self.chat.note(note)

    def _end_answer(self, finish: str, *, remark: str) -> None:
        """The exchange is over. A prompt that got no answer goes back to where it was written."""
        self.chat.close_answer(remark)
        unanswered = self.exchange.end(finish)
        self.refresh_bindings()
        if unanswered:
            self.chat.take_back(unanswered)
        self.keep()


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", ")")) else ".")
