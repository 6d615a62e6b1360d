"""What the engine reports, and what becomes of it on the screen."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Sequence
from pathlib import Path

from textual import work
from textual.content import Content

from workbench.engine.client import EngineClient, EngineDied
from workbench.engine.protocol import (
    Event,
    Failed,
    Finished,
    Loaded,
    LoadProgress,
    Noted,
    PromptProgress,
    Ready,
    StateSaved,
    TextArrived,
)
from workbench.panes.figures import duration
from workbench.parameters.chosen import Chosen, Together
from workbench.parameters.kinds import Values
from workbench.parameters.presets import PresetError
from workbench.parameters.table import BY_KEY
from workbench.screens.exchange import Author, Ended
from workbench.screens.fetching import FetchingScreen
from workbench.screens.messages import EngineReported
from workbench.screens.states import KeptStates
from workbench.sessions.states import States
from workbench.settings import paths


class ReportedScreen(FetchingScreen):
    """Shows what comes of an engine, and knows which model it has."""

    def __init__(
        self, engine: EngineClient, chosen: Chosen, *, model: Path, folders: Sequence[Path]
    ) -> None:
        """``model`` is the file that is to be loaded at first."""
        super().__init__(paths.remembered(), chosen, engine_pid=lambda: engine.pid, folders=folders)
        self.engine = engine
        self.states = KeptStates(engine, States(paths.states()))
        self._model = model
        self._loaded_model: Path | None = None
        self._model_name = ""
        self._told: set[str] = set()
        # What was set for the model that is being loaded.
        self._set_along: Together | None = None

    @property
    def present_model(self) -> Path:
        """The file of the model that answers, or is being loaded."""
        return self._model

    @property
    def model_is_loaded(self) -> bool:
        """Whether a model has been loaded since the start."""
        return self._loaded_model is not None

    @work(group="warm-up", description="import what answers need", exit_on_error=False)
    async def _warm_up(self) -> None:
        # Parser and lexers take a good part of the time in which the app starts; the first
        # answer need not wait for them.
        await asyncio.to_thread(_prepare)
        # All that is there by now stays to the end: to look through it for garbage again and
        # again makes keys wait.
        gc.collect()
        gc.freeze()

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
        if self._loaded_model == self._model:
            self._set_along = None
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
            chosen = self.browser.model
            # Who is on the way to another model, or looks for one, is left there.
            if self.browser.models.has_focus and chosen and chosen.path == self._loaded_model:
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
        answer, has_begun = self.exchange.answer, self.exchange.has_begun
        self._over(self.talk.finish(event))
        if has_begun and (answer is None or answer.is_as_given):
            self.chat.note("The model had nothing to add.")
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
        request = self.exchange.request
        if request is not None and request > event.request:
            # Asked before the death was heard.
            self._tell_of_death(event, "A new engine is at work.")
            return
        self._over(self.talk.end("died"))
        kept = "What was written is kept. " if request is not None else ""
        self._tell_of_death(event, f"{kept}The next prompt starts a new engine.")
        self._keep_loaded_model()
        self.stats.idle("died")

    def _tell_of_death(self, event: EngineDied, what_now: str) -> None:
        self.chat.note(f"{event.said} {what_now}", error=True)
        self.chat.note("\n".join(event.log))

    # ---- what follows from that --------------------------------------------------------------

    def _take_own_preset(self) -> None:
        try:
            if self._chosen.use_model(self._model.stem):
                self.chat.note(f"Parameters from {self._model.stem}'s own preset are set.")
        except PresetError as error:
            self.chat.note(_sentence(str(error)), error=True)
        self.parameters.show()

    def _set_for_load(self, chosen: Values) -> None:
        """Set what was chosen together with the model that is about to be loaded."""
        self._set_along = self.parameters.set_together(chosen)
        if self._set_along is not None:
            said = ", ".join(f"{key} {BY_KEY[key].text(value)}" for key, value in chosen.items())
            self.notify(
                f"Set as chosen in Find: {said}. F3, then u takes it back.",
                timeout=6,
                markup=False,
            )

    def _keep_loaded_model(self) -> None:
        """A model that failed is not tried again with the next prompt, nor what came with it."""
        if self._set_along is not None:
            self.parameters.take_back(self._set_along)
            self._set_along = None
        if self._loaded_model is not None and self._model != self._loaded_model:
            self._model = self._loaded_model
            self._take_own_preset()

    def _tell(self, notes: Sequence[str]) -> None:
        """Say notes once for a model: what is true of every answer need not be said at each."""
        for note in notes:
            if note not in self._told:
                self._told.add(note)
                self.chat.note(note)

    def _over(self, ended: Ended) -> None:
        """An answer has ended, one way or another; what got none goes back where it was."""
        if ended.unanswered:
            self.chat.take_back(ended.unanswered)
        if ended.begun:
            self.begin_anew(ended)
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
