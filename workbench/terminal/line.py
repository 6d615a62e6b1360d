"""The line to the terminal: how often it may be written to, and with which colours.

Textual reads its settings from the environment when it is imported, so this comes first.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Final, Literal, get_args

import msgspec

Color = Literal["auto", "truecolor", "256", "16", "none"]
COLORS: Final[tuple[Color, ...]] = get_args(Color)
FPS_RANGE: Final = (1, 120)
# They still read like a flow; twenty would cost twice as much of a core, on any line.
_REPORTS_A_SECOND: Final = 10

_TEXTUAL_COLORS: Final[Mapping[Color, str]] = {
    "truecolor": "truecolor",
    "256": "256",
    "16": "standard",
}


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent over the line.

    ``fps`` bounds how often the screen is drawn, and with it how long a key that is typed
    into a stream may wait to be seen. It is ``reports_a_second`` of the engine that keep a
    stream cheap: they cost a key nothing.
    """

    remote: bool = False
    fps: int = 120
    reports_a_second: int = _REPORTS_A_SECOND
    color: Color = "auto"
    mouse: bool = True


def choose(
    environment: Mapping[str, str],
    *,
    fps: int | None = None,
    color: Color = "auto",
    mouse: bool = True,
) -> Line:
    """The line that ``environment`` speaks of, with what a person chose."""
    # sshd sets all three where there is a terminal; sudo and the like keep one or the other.
    remote = any(environment.get(name) for name in ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"))
    if fps is None:
        fps = _own_fps(environment) or (30 if remote else 120)
    return Line(
        remote=remote,
        fps=fps,
        # A report that is not drawn is for nothing.
        reports_a_second=min(_REPORTS_A_SECOND, fps),
        color=color,
        mouse=mouse,
    )


def prepare(line: Line, environment: MutableMapping[str, str]) -> None:
    """Tell Textual, which has not been imported yet."""
    environment["TEXTUAL_FPS"] = str(line.fps)
    # They cost bytes and tell nothing.
    environment.setdefault("TEXTUAL_ANIMATIONS", "none")
    environment.setdefault("TEXTUAL_SMOOTH_SCROLL", "0")
    if line.color == "none":
        environment["NO_COLOR"] = "1"
    elif line.color != "auto":
        # Who asks for colours here wants them, whatever is asked of all programs.
        environment.pop("NO_COLOR", None)
        environment["TEXTUAL_COLOR_SYSTEM"] = _TEXTUAL_COLORS[line.color]


def _own_fps(environment: Mapping[str, str]) -> int | None:
    """What a person asks of every Textual app."""
    try:
        wanted = int(environment.get("TEXTUAL_FPS", ""))
    except ValueError:
        return None
    low, high = FPS_RANGE
    return min(max(wanted, low), high)
