"""The live-stats pane."""

from __future__ import annotations

from collections import deque
from typing import Final

from textual import getters
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.timer import Timer

from workbench.engine.protocol import (
    Finished,
    Loaded,
    LoadProgress,
    PromptProgress,
    TextArrived,
)
from workbench.panes.figures import duration, per_second, tokens
from workbench.panes.lines import Lines

# Twice a second while something happens; not at all while nothing does.
_TICK_SECONDS: Final = 0.5
_COURSE_POINTS: Final = 120
_COURSE_ROWS: Final = 2
_BARS: Final = " ▁▂▃▄▅▆▇█"
_DASH: Final = "-"
# By their shape as well as by their colour.
_SIGNS: Final = {"idle": ("○", "$foreground-muted"), "died": ("✕", "$error")}


class StatsPane(Vertical):
    """What the engine is doing, and how fast."""

    lines = getters.query_one(Lines)

    class Summarised(Message):
        """What the pane says, in a line for screens that have no room for it."""

        def __init__(self, summary: str) -> None:
            super().__init__()
            self.summary = summary

    def __init__(self) -> None:
        super().__init__(id="stats", classes="pane")
        self.border_title = "Stats"
        self.phase = "idle"
        self._model = "no model loaded"
        self._about = ""
        self._speed = 0.0
        self._points: deque[float] = deque(maxlen=_COURSE_POINTS)
        self._last: TextArrived | None = None
        self._mark: TextArrived | None = None
        self._first_token = _DASH
        self._prompt = _DASH
        self._n_ctx = 0
        self._n_context = 0
        self._ticker: Timer | None = None

    def compose(self) -> ComposeResult:
        yield Lines()

    def on_mount(self) -> None:
        self._ticker = self.set_interval(_TICK_SECONDS, self._tick, pause=True)
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    # ---- what happens --------------------------------------------------------------------

    def busy(self, phase: str) -> None:
        """Something has begun."""
        self.phase = phase
        if self._ticker is not None:
            self._ticker.resume()
        self._draw()

    def idle(self, phase: str = "idle") -> None:
        """It is over, or it failed: ``phase`` says so."""
        self.phase = phase
        if self._ticker is not None:
            self._ticker.pause()
        self._draw()

    def load_progressed(self, event: LoadProgress) -> None:
        """A model is being read."""
        self.phase = f"loading {event.fraction:.0%}"

    def model_loaded(self, event: Loaded) -> None:
        """A model is ready: the former one's figures are not its own."""
        self.clear()
        model = event.model
        self._model = model.name
        parameters = (
            f"{model.n_params / 1e6:,.1f} M"
            if model.n_params < 1e9
            else (f"{model.n_params / 1e9:,.1f} B")
        )
        self._about = f"{parameters} parameters"
        self._n_ctx = model.n_ctx
        self._draw()

    def clear(self) -> None:
        """Forget the figures: another model, or another conversation."""
        self._points.clear()
        self._speed = 0.0
        self._last = self._mark = None
        self._first_token = self._prompt = _DASH
        self._n_context = 0
        self._draw()

    def prompt_progressed(self, event: PromptProgress) -> None:
        """The prompt is being evaluated."""
        self.phase = f"reading prompt {event.n_done / event.n_total:.0%}"
        self._n_context = event.n_done
        self._last = self._mark = None
        self._first_token = _DASH
        n_read = event.n_done - event.n_cached
        speed = n_read / event.prompt_ms * 1000 if event.prompt_ms > 0 else 0.0
        self._prompt = f"{per_second(speed)} t/s"

    def text_arrived(self, event: TextArrived) -> None:
        """Text of the answer has come."""
        self.phase = "writing"
        self._n_context = event.n_context
        self._last = event
        self._first_token = duration(event.ttft_ms)
        if self._mark is None:
            self._mark = event

    def answer_finished(self, event: Finished) -> None:
        """The answer is complete."""
        timings = event.timings
        self._n_context = timings.n_context
        # The whole answer has been measured: what is loaded next must not add to its course.
        self._mark = None
        if timings.tps:
            self._speed = timings.tps
            self._points.append(timings.tps)
        self.idle()

    # ---- drawing -------------------------------------------------------------------------

    def _tick(self) -> None:
        """Measure the speed since the last tick, by the engine's own clock."""
        last, mark = self._last, self._mark
        if last is not None and mark is not None and last.decode_ms > mark.decode_ms:
            seconds = (last.decode_ms - mark.decode_ms) / 1000
            self._speed = (last.n_tokens - mark.n_tokens) / seconds
            self._points.append(self._speed)
            self._mark = last
        self._draw()

    @property
    def text(self) -> str:
        """What the pane says, line by line, the course left out."""
        return "\n".join(line.plain for line in self._head_lines() + self._table_lines())

    @property
    def _width(self) -> int:
        return max(16, self.content_region.width)

    def _draw(self) -> None:
        self.lines.show([*self._head_lines(), *self._course(), Content(), *self._table_lines()])
        self.summarise()

    def summarise(self) -> None:
        """Say it all in a line."""
        self.post_message(self.Summarised(self._summary()))

    def _summary(self) -> str:
        facts = [] if self.phase == "idle" else [self.phase]
        if self._points:
            facts.append(f"{per_second(self._speed)} t/s")
        if self._n_ctx:
            facts.append(f"context {self._n_context} / {self._n_ctx}")
        return ", ".join(facts)

    def _head_lines(self) -> list[Content]:
        width = self._width
        sign, colour = _SIGNS.get(self.phase, ("●", "$success"))
        return [
            Content(self._model).truncate(width, ellipsis=True),
            Content.styled(self._about, "$foreground-muted"),
            Content.assemble(
                (f"{sign} ", colour),
                Content(self.phase).truncate(width - 2, ellipsis=True),
            ),
            _row("tokens/s", per_second(self._speed) if self._points else _DASH, width),
        ]

    def _course(self) -> list[Content]:
        """The speed over time, the newest at the right; its scale begins at nothing."""
        width, eighths = self._width, len(_BARS) - 1
        points = list(self._points)[-width:]
        most = max(points, default=0.0) or 1.0
        heights = [0] * (width - len(points)) + [
            max(1, round(point / most * eighths * _COURSE_ROWS)) for point in points
        ]
        rows = [
            "".join(_BARS[min(eighths, max(0, height - row * eighths))] for height in heights)
            for row in reversed(range(_COURSE_ROWS))
        ]
        return [Content.styled(row, "$primary") for row in rows]

    def _table_lines(self) -> list[Content]:
        width = self._width
        used = min(1.0, self._n_context / self._n_ctx) if self._n_ctx else 0.0
        n_tokens = self._last.n_tokens if self._last else 0
        context = f"{self._n_context} / {self._n_ctx}" if self._n_ctx else _DASH
        filled = round(used * width)
        return [
            _row("first token", self._first_token, width),
            _row("prompt", self._prompt, width),
            _row("answer", tokens(n_tokens) if n_tokens else _DASH, width),
            _row("context", context, width),
            Content.assemble(
                ("━" * filled, "$warning" if used > 0.8 else "$primary"),
                ("━" * (width - filled), "$panel"),
            ),
        ]


def _row(name: str, value: str, width: int) -> Content:
    """A name at the left, its figure at the right."""
    return Content.assemble(
        (name, "$foreground-muted"), " " * max(1, width - len(name) - len(value)), value
    )
