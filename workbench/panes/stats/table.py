"""What the rows of the stats pane say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import IntEnum, auto
from functools import partial
from statistics import fmean
from typing import Final

from textual.content import Content

from workbench.engine.protocol import Device, ModelInfo
from workbench.panes.figures import byte_size, interval, per_second
from workbench.panes.stats.arrangement import DASH, UNIT_WIDTH, Graph, Part, arranged, figure
from workbench.panes.stats.bars import STEPS, bar
from workbench.panes.stats.readings import Readings

# By their shape as well as by their colour.
_SIGNS: Final = {"idle": ("○", "$foreground-muted"), "died": ("✕", "$error")}
_BETWEEN: Final = "between tokens"
_PERCENTILES: Final = (50, 90, 99)
_NEARLY_FULL: Final = 0.8
# Of the graph: five digits and a unit, with a space before each.
_SCALE_WIDTH: Final = 1 + 5 + 1 + UNIT_WIDTH
_COURSE_ROWS: Final = (2, 6)
_TEXT_WIDTH: Final = 40


class _Rank(IntEnum):
    """What matters most comes first, and goes last where there is no room."""

    PHASE = auto()
    SPEED = auto()
    FIRST_TOKEN = auto()
    PROMPT = auto()
    ANSWER = auto()
    CONTEXT = auto()
    MODEL = auto()
    SPACING = auto()
    CACHE = auto()
    ENGINE = auto()
    CORES = auto()
    GPUS = auto()
    COURSE = auto()
    INTERFACE = auto()
    CONTEXT_BAR = auto()
    ABOUT = auto()


def lines(readings: Readings, width: int, height: int) -> list[Content]:
    """The pane's lines."""
    course = Graph(_Rank.COURSE, *_COURSE_ROWS, partial(_course, readings))
    return arranged(_head(readings), course, _table(readings), width=width, height=height)


def text(readings: Readings) -> str:
    """What all the rows say, the course left out."""
    parts = [*_head(readings), *_table(readings)]
    return "\n".join(line.plain for part in parts for line in part.draw(_TEXT_WIDTH))


def summary(readings: Readings) -> str:
    """It all in a line that keeps its width while an answer is written."""
    facts = [readings.model.name] if readings.model else []
    if readings.phase != "idle":
        facts.append(" ".join([readings.phase, *readings.progress[-1:]]))
    if readings.speed is not None:
        facts.append(f"{per_second(readings.speed):>5} t/s")
    if readings.model:
        n_ctx = str(readings.model.n_ctx)
        facts.append(f"context {readings.n_context:>{len(n_ctx)}} / {n_ctx}")
    return ", ".join(facts)


def _head(readings: Readings) -> list[Part]:
    model = readings.model
    name = model.name if model else "no model loaded"
    return [
        Part(_Rank.MODEL, 1, lambda width: [Content(name).truncate(width, ellipsis=True)]),
        Part(_Rank.ABOUT, 1, partial(_about, model)),
        Part(_Rank.PHASE, 1, partial(_phase, readings.phase, readings.progress)),
        _row(_Rank.SPEED, "tokens/s", _rate(readings.speed)),
    ]


def _table(readings: Readings) -> list[Part]:
    model, usage = readings.model, readings.usage
    context = f"{readings.n_context} / {model.n_ctx} tok" if model else DASH
    used = readings.n_context / model.n_ctx if model else 0.0
    parts = [
        _row(_Rank.FIRST_TOKEN, "first token", _time(readings.first_token_ms)),
        _row(_Rank.PROMPT, "prompt", _rate(readings.prompt_speed)),
        _row(_Rank.ANSWER, "answer", f"{readings.n_tokens} tok" if readings.n_tokens else DASH),
        _row(_Rank.CONTEXT, "context", context),
        Part(_Rank.CONTEXT_BAR, 1, partial(_gauge, used)),
        Part(_Rank.SPACING, len(_PERCENTILES), partial(_spacing, readings)),
        _row(_Rank.CACHE, "KV memory", _bytes(model.cache_size if model else 0)),
        _row(_Rank.ENGINE, "RAM engine", _bytes(usage.engine)),
        _row(_Rank.INTERFACE, "RAM interface", _bytes(usage.interface)),
        Part(_Rank.CORES, 1, partial(_cores, usage.cores, live=readings.phase not in _SIGNS)),
    ]
    if readings.devices:
        parts.append(_gpus(readings.devices))
    return parts


def _row(rank: _Rank, name: str, value: str) -> Part:
    return Part(rank, 1, lambda width: [figure(name, value, width)])


def _rate(rate: float | None) -> str:
    return f"{per_second(rate)} t/s" if rate else DASH


def _time(milliseconds: float | None) -> str:
    return DASH if milliseconds is None else interval(milliseconds)


def _bytes(size: int) -> str:
    return byte_size(size) if size else DASH


def _about(model: ModelInfo | None, width: int) -> list[Content]:
    if model is None:
        return [Content()]
    count, unit = (
        (model.n_params / 1e6, "M") if model.n_params < 1e9 else (model.n_params / 1e9, "B")
    )
    about = f"{count:,.1f} {unit} parameters, {byte_size(model.size)}"
    return [Content.styled(about, "$foreground-muted").truncate(width, ellipsis=True)]


def _phase(phase: str, progress: Sequence[str], width: int) -> list[Content]:
    sign, colour = _SIGNS.get(phase, ("●", "$success"))
    room = width - len(f"{sign} {phase} ")
    said = next((each for each in progress if len(each) <= room), "")
    return [
        Content.assemble((f"{sign} ", colour), f"{phase} ", f"{said:>{max(0, room)}}").truncate(
            width, ellipsis=True
        )
    ]


def _gauge(share: float, width: int) -> list[Content]:
    filled = round(min(1.0, share) * width)
    return [
        Content.assemble(
            ("━" * filled, "$warning" if share > _NEARLY_FULL else "$primary"),
            ("━" * (width - filled), "$panel"),
        )
    ]


def _spacing(readings: Readings, width: int) -> list[Content]:
    names = [f"p{percentile}" for percentile in _PERCENTILES]
    names[0] = f"{_BETWEEN} {names[0]}"
    return [
        figure(
            name.rjust(len(names[0])), _time(readings.spacing.percentile(percentile / 100)), width
        )
        for name, percentile in zip(names, _PERCENTILES, strict=True)
    ]


def _cores(cores: list[float], width: int, *, live: bool) -> list[Content]:
    """A bar for each core, or for as many neighbours together as there is no room for."""
    name = "CPU "
    if not cores:
        return [figure(name.strip(), DASH, width)]
    whole = figure("", f"{fmean(cores) * 100:.0f} %", width)
    room = width - len(name) - len("100 ") - UNIT_WIDTH - 1
    together = math.ceil(len(cores) / room)
    groups = [cores[at : at + together] for at in range(0, len(cores), together)]
    # A few stand apart.
    apart = " " if 2 * len(groups) <= room else ""
    bars = apart.join(bar(max(1, round(fmean(group) * STEPS))) for group in groups)
    return [
        Content.assemble(
            (name, "$foreground-muted"),
            (bars, "$primary" if live else "$foreground-muted"),
            whole[len(name) + len(bars) :],
        )
    ]


def _gpus(devices: list[Device]) -> Part:
    """The GPUs' memory, of all of them together."""
    total = sum(device.total for device in devices)
    used = total - sum(device.free for device in devices)
    name = "GPU" if len(devices) == 1 else f"{len(devices)} GPUs"
    return _row(_Rank.GPUS, name, f"{used / 1e9:.1f} / {total / 1e9:.1f} GB")


def _course(readings: Readings, width: int, height: int) -> list[Content]:
    """The speed over time with its scale, which begins at nothing."""
    course, room = readings.course, width - _SCALE_WIDTH
    most = course.scale(room)
    if not most:
        return [Content()] * height
    marks = [f"{most:g} t/s", *[""] * (height - 2), "0 t/s"]
    return [
        Content.assemble((bars, "$primary"), figure("", mark, _SCALE_WIDTH) if mark else "")
        for bars, mark in zip(course.rows(room, height), marks, strict=True)
    ]
