"""The models of this machine: finding, knowing, checking and removing them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Final

from textual import on, work
from textual.content import Content

from workbench.engine.client import EngineDied
from workbench.engine.protocol import Failed, Loaded, LoadProgress
from workbench.models import checksum, library, marks
from workbench.models.facts import Facts, FactsCache
from workbench.models.model_file import ModelFile
from workbench.models.removal import RemovalError, removal
from workbench.panes.browser.pane import BrowserPane
from workbench.panes.browser.rows import beside
from workbench.parameters.chosen import Chosen
from workbench.screens.messages import (
    Checked,
    EngineReported,
    FactsRead,
    MarksChanged,
    ModelsFound,
    RemovalEnded,
    RemovalPlanned,
)
from workbench.screens.metadata import MetadataScreen
from workbench.screens.obeying import ObeyingScreen
from workbench.screens.removing import RemovalScreen, Removing
from workbench.settings import paths
from workbench.untrusted import same_file, without_controls

# A removal can be taken back for so long.
_REGRET_SECONDS: Final = 10.0
_REPORT_SECONDS: Final = 0.2


class LibraryScreen(ObeyingScreen):
    """Keeps the browser's models, and does with them what a person wants, but for loading."""

    def __init__(
        self,
        layout: Path,
        chosen: Chosen,
        *,
        engine_pid: Callable[[], int | None],
        folders: Sequence[Path],
    ) -> None:
        """Models are looked for in ``folders``, too."""
        super().__init__(layout, chosen, engine_pid=engine_pid)
        self.folders = list(folders)
        self._opened: Path | None = None
        self._facts: FactsCache | None = None
        # Which search for models is the newest.
        self._search = 0
        self._left = threading.Event()
        self._loading: float | None = None
        self._checking: tuple[ModelFile, threading.Event] | None = None
        self._checked_part = 0.0
        self._removing: list[Removing] = []
        # What is being removed now.
        self._going: set[Path] = set()
        self._remembering = asyncio.Lock()

    # ---- finding them ------------------------------------------------------------------------

    def find_models(self, opened: Path | None = None) -> None:
        """Look for all models, and for what their headers say.

        ``opened`` is a file that need not be in any of the usual places.
        """
        self._opened = opened or self._opened
        self._search += 1
        self._find_models(self._search)

    @work(group="models", description="look for models", exit_on_error=False)
    async def _find_models(self, number: int) -> None:
        found = await asyncio.to_thread(self._found)
        # A younger search knows better what is there.
        if number != self._search:
            return
        self.post_message(found)
        if not await asyncio.to_thread(self._read_headers, found.models, number):
            return
        # Some may have turned out to be copies of others.
        found = await asyncio.to_thread(self._found)
        if number == self._search:
            self.post_message(found)

    def _found(self) -> ModelsFound:
        if self._facts is None:
            self._facts = FactsCache(paths.model_facts())
        marked = marks.load(paths.model_marks())
        models = library.everything(self.folders, self._facts, marked)
        if self._opened is not None:
            there = {model.path.resolve() for model in models}
            if self._opened.resolve() not in there:
                models += library.named(self._opened)
        known = {each.path: facts for each in models if (facts := self._facts.known(each))}
        used = library.disk_use(models)
        # To look through folders takes a while, in which a mark may have been set.
        return ModelsFound(models, marks.load(paths.model_marks()), known, used)

    def _read_headers(self, models: Sequence[ModelFile], number: int) -> bool:
        """Tell what is not known yet, some at a time; returns whether to look for copies anew."""
        assert self._facts is not None
        read: dict[Path, Facts] = {}
        told = perf_counter()

        def learn(model: ModelFile, facts: Facts) -> None:
            nonlocal read, told
            read[model.path] = facts
            if perf_counter() - told > _REPORT_SECONDS:
                self.post_message(FactsRead(read))
                read, told = {}, perf_counter()

        is_news = self._facts.fill(
            models, learn, lambda: self._left.is_set() or number != self._search
        )
        if read:
            self.post_message(FactsRead(read))
        return is_news

    def on_models_found(self, message: ModelsFound) -> None:
        going = {each.model.path for each in self._removing} | self._going
        self.browser.show(message.models, message.marks, message.facts, message.used, going)

    def on_facts_read(self, message: FactsRead) -> None:
        self.browser.learn(message.facts)

    # ---- what the engine does with them ------------------------------------------------------

    def on_engine_reported(self, message: EngineReported) -> None:
        """Say how far a load is, and remember that a model is used."""
        match message.event:
            case LoadProgress(fraction=fraction):
                self.show_loading(fraction)
            case Loaded(model=model):
                self.show_loading(None)
                self._remember(lambda: marks.used_now(paths.model_marks(), model.source.file))
            case Failed() | EngineDied():
                self.show_loading(None)

    def show_loading(self, fraction: float | None) -> None:
        """Say how much of a model is read; None once it is loaded, or failed."""
        if fraction != self._loading:
            self._loading = fraction
            self._say()

    @work(group="marks", description="remember a model", exit_on_error=False)
    async def _remember(self, change: Callable[[], None]) -> None:
        problem = ""
        # One after another: the marks that are shown last are the newest.
        async with self._remembering:
            try:
                await asyncio.to_thread(change)
            except OSError as error:
                problem = error.strerror or str(error)
            now = await asyncio.to_thread(marks.load, paths.model_marks())
            self.post_message(MarksChanged(now, problem))

    def on_marks_changed(self, message: MarksChanged) -> None:
        if message.problem:
            self._complain_of_model(f"That will not be remembered: {message.problem}.")
        self.browser.show_marks(message.marks)

    # ---- what a person wants with them -------------------------------------------------------

    @on(BrowserPane.Wished)
    def _do(self, event: BrowserPane.Wished) -> None:
        event.stop()
        match event.wish:
            case "favourite":
                self._remember(lambda: marks.toggle(paths.model_marks(), event.model.path))
            case "metadata":
                # A key that is held asks for it twice.
                if self.is_active:
                    self.app.push_screen(MetadataScreen(event.model))
            case "verify":
                self._verify(event.model)
            case "remove":
                self._plan_removal(event.model)

    # ---- checking ----------------------------------------------------------------------------

    def _verify(self, model: ModelFile) -> None:
        if self._checking is not None:
            # The same key ends it; a disk reads two files no faster than one.
            self._checking[1].set()
            return
        stopped = threading.Event()
        self._checking = (model, stopped)
        self._checked_part = 0.0
        self._say()
        self._check(model, stopped)

    @work(group="verify", description="hold a model against its checksum", exit_on_error=False)
    async def _check(self, model: ModelFile, stopped: threading.Event) -> None:
        told = perf_counter()

        def progressed(done: int, total: int) -> bool:
            nonlocal told
            if perf_counter() - told > _REPORT_SECONDS:
                told = perf_counter()
                self.post_message(Checked(model, done / max(1, total)))
            return not (stopped.is_set() or self._left.is_set())

        found = await asyncio.to_thread(checksum.verify, model, progressed, self._facts)
        self.post_message(Checked(model, 1.0, found))

    def on_checked(self, message: Checked) -> None:
        """Say how far it is, and what came of it."""
        self._checked_part = message.part
        if message.found is not None:
            self._checking = None
            name = message.model.name
            wrong = [each for each in message.found if each.outcome == "wrong"]
            unread = [each for each in message.found if each.outcome == "unread"]
            outcomes = {each.outcome for each in message.found}
            if wrong:
                self.browser.show_checked(message.model.path, "wrong")
                # Of what only lacks parts all that is there is of use.
                only_lacks = wrong[0].why == message.model.incomplete
                advice = "Fetch it again." if only_lacks else "Remove it and fetch it again."
                self._complain_of_model(f"{name}: {wrong[0].why}. {advice}")
            elif unread:
                self.browser.show_checked(message.model.path, "not read")
                self._complain_of_model(f"{name}: {unread[0].why}.")
            elif "stopped" not in outcomes:
                right = outcomes == {"right"}
                self.browser.show_checked(message.model.path, "right" if right else "unknown")
                said = "is what was published" if right else "is whole; no checksum is known"
                self.app.notify(without_controls(f"{name} {said}."), markup=False)
        self._say()

    # ---- removing ----------------------------------------------------------------------------

    @work(group="plan", exclusive=True, description="plan a removal", exit_on_error=False)
    async def _plan_removal(self, model: ModelFile) -> None:
        try:
            plan = await asyncio.to_thread(removal, model)
        except RemovalError as error:
            self.post_message(RemovalPlanned(model, None, str(error)))
        else:
            self.post_message(RemovalPlanned(model, plan))

    def on_removal_planned(self, message: RemovalPlanned) -> None:
        """Ask whether it may be carried out."""
        model, plan = message.model, message.plan
        if plan is None:
            self._complain_of_model(message.problem)
            return
        if not self.is_active or any(each.model == model for each in self._removing):
            return
        if not self.browser.models.has_focus or self.browser.model != model:
            # A key that is meant for something else would agree.
            name = without_controls(model.name)
            self.app.notify(f"To remove {name} press the key once more.", markup=False)
            return
        if same_file(model.path, self.present_model):
            self._complain_of_model(f"{model.name} is in use: load another model first.")
            return

        def answered(agreed: bool | None) -> None:
            if agreed:
                timer = self.set_timer(_REGRET_SECONDS, self._remove_first)
                self._removing.append(Removing(model, plan, timer))
                self.browser.hide(model.path)
                self._say()

        self.app.push_screen(RemovalScreen(model, plan, _REGRET_SECONDS), answered)

    @on(BrowserPane.UndoWanted)
    def _take_back(self, event: BrowserPane.UndoWanted) -> None:
        event.stop()
        if not self._removing:
            self.app.notify("There is no removal to take back.", timeout=3)
            return
        last = self._removing[-1]
        self.keep_model(last)
        self.browser.go_to(last.model.path)

    def keep_model(self, removing: Removing) -> None:
        """Take a removal back that is not carried out yet."""
        removing.timer.stop()
        self._removing.remove(removing)
        self.browser.hide(removing.model.path, hidden=False)
        self._say()

    @property
    def to_be_removed(self) -> list[Removing]:
        """What can still be taken back."""
        return list(self._removing)

    def _remove_first(self) -> None:
        # The oldest one's timer has run down first.
        first = self._removing[0]
        if same_file(first.model.path, self.present_model):
            self.keep_model(first)
            self._complain_of_model(f"{first.model.name} is in use by now: it stays.")
            return
        self._removing.remove(first)
        self._going.add(first.model.path)
        self._carry_out(first)
        self._say()

    @work(group="removal", description="remove a model", exit_on_error=False)
    async def _carry_out(self, removing: Removing) -> None:
        try:
            await asyncio.to_thread(removing.plan.carry_out)
        except RemovalError as error:
            self.post_message(RemovalEnded(removing.model, str(error)))
        else:
            self.post_message(RemovalEnded(removing.model))

    def on_removal_ended(self, message: RemovalEnded) -> None:
        """List what is there now."""
        if message.problem:
            self._complain_of_model(message.problem)
            self.browser.hide(message.model.path, hidden=False)
        self._going.discard(message.model.path)
        self.find_models()

    async def leave_models(self) -> None:
        """Carry out what was agreed upon, and stop what reads files."""
        self._left.set()
        removals, self._removing = self._removing, []
        for removing in removals:
            removing.timer.stop()
        for removing in removals:
            if same_file(removing.model.path, self.present_model):
                # It has been loaded since; it is what the next start begins with.
                continue
            try:
                await asyncio.to_thread(removing.plan.carry_out)
            except RemovalError:
                # It is listed again at the next start.
                continue

    # ---- saying ------------------------------------------------------------------------------

    @on(BrowserPane.Widened)
    def _say_anew(self, event: BrowserPane.Widened) -> None:
        # The pane may have been hidden, and had no width.
        event.stop()
        self._say()

    def _say(self) -> None:
        """Say below the list what is going on."""
        width = self.browser.width
        lines: list[Content] = []
        if self._loading is not None:
            lines.append(_part("Loading; Esc stops", self._loading, width))
        if self._checking is not None:
            lines.append(_part(f"Verifying {self._checking[0].name}", self._checked_part, width))
        if self._removing:
            last = self._removing[-1].model.name
            lines.append(beside(f"{last} removed", "u undo", width))
        self.browser.say([*lines, *self.more_to_say(width)])

    def more_to_say(self, width: int) -> list[Content]:  # noqa: ARG002
        """Lines on what else is going on."""
        return []

    def _complain_of_model(self, problem: str) -> None:
        self.app.notify(without_controls(problem), severity="error", markup=False)


def _part(words: str, part: float, width: int) -> Content:
    return beside(words, f"{part:.0%}", width)
