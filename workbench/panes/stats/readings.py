"""What is known of the engine at the moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from workbench.engine.protocol import (
    Device,
    Finished,
    Loaded,
    LoadProgress,
    ModelInfo,
    PromptProgress,
    TextArrived,
)
from workbench.engine.usage import Usage
from workbench.panes.stats.course import Course
from workbench.panes.stats.spacing import Spacing

_NOTHING: Final = Usage(engine=0, interface=0, cores=[])


@dataclass
class Readings:
    """Drawn from the engine's events. None and 0 stand for what is not known yet.

    ``phase`` is what the engine does, ``progress`` how far it has come with it, the longest way
    to say so first. Speeds are in tokens per second.
    """

    phase: str = "idle"
    progress: tuple[str, ...] = ()
    model: ModelInfo | None = None
    devices: list[Device] = field(default_factory=list)
    usage: Usage = _NOTHING
    speed: float | None = None
    prompt_speed: float | None = None
    first_token_ms: float | None = None
    n_tokens: int = 0
    n_context: int = 0
    course: Course = field(default_factory=Course)
    spacing: Spacing = field(default_factory=Spacing)
    _request: int | None = None

    def enter(self, phase: str, *progress: str) -> None:
        """The engine does something else, or has come further."""
        self.phase = phase
        self.progress = progress

    def clear(self) -> None:
        """Forget the figures: another model, or another conversation."""
        self.speed = self.prompt_speed = None
        self.n_context = 0
        self.course.clear()
        self._begin(None)

    def measured(self, usage: Usage) -> None:
        """Memory and cores have been measured; cores that are not known stay as they were."""
        self.usage = usage._replace(cores=usage.cores or self.usage.cores)

    def load_progressed(self, event: LoadProgress) -> None:
        """A model is being read."""
        self.enter("loading", _percent(event.fraction))

    def loaded(self, event: Loaded) -> None:
        """A model is ready: the former one's figures are not its own."""
        self.clear()
        self.model = event.model
        self.devices = event.devices

    def prompt_progressed(self, event: PromptProgress) -> None:
        """The prompt is being evaluated, an answer's own or one that makes room within it."""
        self._begin(event.request)
        total = str(event.n_total)
        done = f"{event.n_done:>{len(total)}}"
        share = _percent(event.n_done / event.n_total)
        self.enter("reading prompt", f"{done} of {total}", f"{done}/{total}", share)
        self.n_context = event.n_done
        n_read = event.n_done - event.n_cached
        if event.prompt_ms > 0:
            self.prompt_speed = n_read / event.prompt_ms * 1000

    def text_arrived(self, event: TextArrived) -> None:
        """Text of the answer has come."""
        self._begin(event.request)
        self.enter("writing")
        self.n_tokens = event.n_tokens
        self.n_context = event.n_context
        self.first_token_ms = event.ttft_ms
        gaps = [token.gap_ms for token in event.drawn if token.gap_ms is not None]
        self.spacing.add(gaps)
        self.course.add(gaps)

    def look(self) -> None:
        """Time has passed: take the speed."""
        if self.course.look():
            self.speed = self.course.speed

    def finished(self, event: Finished) -> None:
        """The answer is complete, and its speed is that of the whole."""
        self.n_context = event.timings.n_context
        self.devices = event.devices
        self.course.end()
        self.speed = event.timings.tps or self.course.speed

    def _begin(self, request: int | None) -> None:
        """Another answer's tokens are counted anew."""
        if request is None or request != self._request:
            self._request = request
            self.first_token_ms = None
            self.n_tokens = 0
            self.spacing.clear()


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %"
