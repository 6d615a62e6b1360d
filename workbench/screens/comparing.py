"""From the chat to lanes side by side, and back with one of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from workbench.engine.client import EngineClient, EngineDied
from workbench.engine.protocol import Event
from workbench.models import library
from workbench.parameters.kinds import Values
from workbench.screens.keeping import lines
from workbench.screens.lanes.columns import Kept
from workbench.screens.lanes.lane import Lane
from workbench.screens.lanes.screen import LanesScreen
from workbench.screens.opening import OpeningScreen
from workbench.sessions.conversation import Conversation
from workbench.settings import paths


class _Left(NamedTuple):
    """Lanes that were left; what the chat was then, its leaf, its model and its values."""

    lanes: Sequence[Lane]
    conversation: Conversation
    leaf: int | None
    opened_with: tuple[Path, Values]


class ComparingScreen(OpeningScreen):
    """Opens the lanes, and hands them what the engine says to them."""

    lanes: LanesScreen | None = None
    _left_lanes: _Left | None = None
    # The chat's model and values that the lanes were opened with.
    _opened_with: tuple[Path, Values] = (Path(), {})

    def compare(
        self,
        engine: EngineClient,
        *,
        model: Path,
        folders: Sequence[Path],
        n_ctx: int,
        lanes: Sequence[Values],
    ) -> None:
        """Let the conversation go on in lanes, each by what it sets beside the present values.

        Other models are looked for in ``folders``.
        """
        common = self._chosen.copy()
        if self.session.system:
            # It is theirs, too, and may be set apart.
            common.values["system"] = self.session.system
        self._opened_with = model, dict(common.values)
        self.lanes = LanesScreen(
            engine,
            model=model,
            conversation=self.exchange.conversation,
            common=common,
            lanes=lanes,
            find=lambda name: library.resolve(name, folders),
            more=lambda: EngineClient(
                paths.engine_log(beside=True), reports_a_second=engine.reports_a_second
            ),
            n_ctx=n_ctx,
            has_gpus=self.stats.has_gpus,
            draft=self._draft,
            keep=self.keep,
            former=self._former(),
        )
        self.app.push_screen(self.lanes, self._come_back)

    def _former(self) -> Sequence[Lane]:
        """Lanes that were left, if they still go on from what is said and set here."""
        here, left = self.exchange.conversation, self._left_lanes
        if left is None or left.conversation is not here or left.leaf != here.leaf:
            return ()
        return left.lanes if left.opened_with == self._opened_with else ()

    def _draft(self) -> str:
        """What was written here goes along, also what was typed on the way."""
        edited, text = self.chat.take_edited(), self.chat.prompt.text
        self.chat.prompt.clear()
        return lines(edited, text)

    def _come_back(self, kept: Kept | None) -> None:
        if self.lanes is not None:
            self.chat.take_back(self.lanes.unsent)
            here = self.exchange.conversation
            left = _Left(self.lanes.lanes, here, here.leaf, self._opened_with)
            self._left_lanes = None if kept else left
        self.lanes = None
        if kept is not None:
            self.exchange.conversation.go_to(kept.leaf)
            if self.session.system:
                # It is the conversation's own, also where the lane has changed it.
                self.session.system = str(kept.chosen.values.pop("system", ""))
                if "system" in self._chosen.values:
                    # It stood before the parameter's, which other conversations go by.
                    kept.chosen.values["system"] = self._chosen.values["system"]
            self._chosen = kept.chosen
            self.parameters.use(kept.chosen)
            self.call_next(self.go_on_with, kept.model)
        self.chat.transcript.show_path(self.exchange.conversation)
        self.keep()

    @property
    def unsent(self) -> str:
        """All that has been written and not sent, in the lanes while they are open."""
        if self.lanes is not None and self.lanes.is_there:
            return self.lanes.unsent
        return super().unsent

    async def go_on_with(self, model: Path) -> None:
        """Go on with this model, if it is not the present one, by what is set now."""
        raise NotImplementedError

    def is_for_lanes(self, event: Event | EngineDied) -> bool:
        """Whether an event was meant for the lanes, which have it then."""
        if self.lanes is None or not self.lanes.is_there or not self.lanes.take(event):
            return False
        self.keep()
        return True
