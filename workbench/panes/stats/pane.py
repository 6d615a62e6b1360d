"""The live-stats pane."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import perf_counter
from typing import Final

from textual import getters, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.timer import Timer

from workbench.engine.protocol import Finished, Loaded, LoadProgress, PromptProgress, TextArrived
from workbench.engine.usage import Meter, Usage
from workbench.panes.lines import Lines
from workbench.panes.stats import table
from workbench.panes.stats.readings import Readings

# Twice a second while something happens; not at all while nothing does.
_TICK_SECONDS: Final = 0.5
# Where no text comes that would bring it along.
_LATE_SECONDS: Final = 0.6
_MEASURE_SECONDS: Final = 1.0


class StatsPane(Vertical):
    """What the engine is doing, and how fast."""

    lines = getters.query_one(Lines)

    class Summarised(Message):
        """What the pane says, in a line for screens that have no room for it."""

        def __init__(self, summary: str) -> None:
            super().__init__()
            self.summary = summary

    class Measured(Message):
        """What the processes use of the machine."""

        def __init__(self, usage: Usage) -> None:
            super().__init__()
            self.usage = usage

    def __init__(self, engine: Callable[[], int | None]) -> None:
        """``engine`` gives the engine's process id while there is one."""
        super().__init__(id="stats", classes="pane")
        self.border_title = "Stats"
        self._engine = engine
        self._readings = Readings()
        self._ticker: Timer | None = None
        self._ticked = 0.0
        self._over: asyncio.Event | None = None

    def compose(self) -> ComposeResult:
        yield Lines()

    def on_mount(self) -> None:
        self._ticker = self.set_interval(_LATE_SECONDS, self._tick, pause=True)
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    # ---- what happens --------------------------------------------------------------------

    @property
    def phase(self) -> str:
        """What the engine is doing."""
        return self._readings.phase

    @property
    def has_gpus(self) -> bool:
        """Whether the engine has told of any."""
        return bool(self._readings.devices)

    @property
    def n_ctx(self) -> int:
        """The length of the model's context in tokens; 0 before there is one."""
        model = self._readings.model
        return model.n_ctx if model is not None else 0

    def busy(self, phase: str) -> None:
        """Something has begun."""
        self._readings.enter(phase)
        if self._ticker is not None:
            self._ticker.resume()
        if self._over is None:
            self._over = asyncio.Event()
            self._measure(self._over)
        self._draw()

    def idle(self, phase: str = "idle") -> None:
        """It is over, or it failed: ``phase`` says so."""
        self._readings.enter(phase)
        if self._ticker is not None:
            self._ticker.pause()
        if self._over is not None:
            self._over.set()
            self._over = None
        self._draw()

    def load_progressed(self, event: LoadProgress) -> None:
        """A model is being read."""
        self._readings.load_progressed(event)

    def model_loaded(self, event: Loaded) -> None:
        """A model is ready."""
        self._readings.loaded(event)
        self._draw()

    def clear(self) -> None:
        """Forget the figures: another conversation."""
        self._readings.clear()
        self._draw()

    def prompt_progressed(self, event: PromptProgress) -> None:
        """The prompt is being evaluated."""
        self._readings.prompt_progressed(event)

    def text_arrived(self, event: TextArrived) -> None:
        """Text of the answer has come."""
        self._readings.text_arrived(event)
        if self._ticker is not None and perf_counter() - self._ticked >= _TICK_SECONDS:
            # With the text: a frame of their own would cost as much again.
            self._tick()
            self._ticker.reset()

    def answer_finished(self, event: Finished) -> None:
        """The answer is complete."""
        self._readings.finished(event)
        self.idle()

    @work(group="usage", description="measure memory and cores", exit_on_error=False)
    async def _measure(self, over: asyncio.Event) -> None:
        """Until it is over, and once more then."""
        meter = Meter(self._engine)
        while True:
            # A machine of many cores takes milliseconds to tell of them.
            usage = await asyncio.to_thread(meter.measure)
            self.post_message(self.Measured(usage))
            if over.is_set():
                break
            try:
                await asyncio.wait_for(over.wait(), _MEASURE_SECONDS)
            except TimeoutError:
                continue

    def on_stats_pane_measured(self, message: Measured) -> None:
        """While something happens, the next tick shows it."""
        message.stop()
        self._readings.measured(message.usage)
        if self._over is None:
            self._draw()

    # ---- drawing -------------------------------------------------------------------------

    def _tick(self) -> None:
        self._ticked = perf_counter()
        self._readings.look()
        self._draw()

    @property
    def text(self) -> str:
        """What the pane says, line by line, the course left out."""
        return table.text(self._readings)

    def _draw(self) -> None:
        width, height = self.lines.content_size
        self.lines.show(table.lines(self._readings, width, height))
        self.summarise()

    def summarise(self) -> None:
        """Say it all in a line."""
        self.post_message(self.Summarised(table.summary(self._readings)))
