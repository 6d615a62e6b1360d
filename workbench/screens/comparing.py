"""From the chat to lanes side by side, and back with one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from workbench.engine.client import EngineClient, EngineDied
from workbench.engine.protocol import Event, ModelSource
from workbench.parameters.kinds import Value
from workbench.screens.keeping import KeepingScreen
from workbench.screens.lanes import Kept, LanesScreen


class ComparingScreen(KeepingScreen):
    """Opens the lanes, and hands them what the engine says to them."""

    lanes: LanesScreen | None = None

    def compare(
        self,
        engine: EngineClient,
        source: Callable[[], ModelSource],
        *,
        model: str,
        lanes: Sequence[Mapping[str, Value]],
    ) -> None:
        """Let the conversation go on in lanes, each by what it sets beside the present values."""
        self.lanes = LanesScreen(
            engine,
            source,
            model=model,
            conversation=self.exchange.conversation,
            common=self.parameters.values,
            lanes=lanes,
            draft=self.chat.prompt.text,
        )
        self.chat.prompt.clear()
        self.app.push_screen(self.lanes, self._come_back)

    def _come_back(self, kept: Kept | None) -> None:
        if self.lanes is not None:
            self.chat.take_back(self.lanes.unsent)
        self.lanes = None
        if kept is not None:
            self.exchange.conversation.go_to(kept.leaf)
            self.parameters.replace(kept.values, "")
        self.chat.transcript.show_path(self.exchange.conversation)
        self.keep()

    def is_for_lanes(self, event: Event | EngineDied) -> bool:
        """Whether an event was meant for the lanes, which have it then."""
        if self.lanes is None or not self.lanes.take(event):
            return False
        self.keep_at_times()
        return True
