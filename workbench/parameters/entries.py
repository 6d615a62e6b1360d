"""The entries of list parameters: how each is written, and what it means."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Final, NamedTuple

from workbench.parameters.kinds import ParameterError
from workbench.untrusted import named_file

SAMPLERS: Final = (
    "penalties",
    "dry",
    "top_n_sigma",
    "top_k",
    "typ_p",
    "top_p",
    "min_p",
    "xtc",
    "temperature",
    "infill",
    "adaptive_p",
)
"""llama.cpp's names of the chain's stages (``common_sampler_type_to_str``)."""

_TOKEN_ID: Final = re.compile(r"(\d+)([+-].+)")


class LogitBias(NamedTuple):
    """``token`` is an id, or a text all of whose tokens are meant; -inf never draws them."""

    token: int | str
    bias: float


class Adapter(NamedTuple):
    """A file and how strongly it acts."""

    file: Path
    scale: float


class Override(NamedTuple):
    """A metadata key and the value to use instead of the file's."""

    key: str
    value: bool | int | float | str


def any_text(entry: str) -> str:
    """Any text but the empty one."""
    if not entry:
        raise ParameterError("an entry is empty")
    return entry


def sampler(entry: str) -> str:
    """The name of a stage of the sampler chain."""
    if entry not in SAMPLERS:
        raise ParameterError(f"there is no sampler '{entry}'; there are {', '.join(SAMPLERS)}")
    return entry


def logit_bias(entry: str) -> LogitBias:
    """``15043+1``, ``15043-inf`` as llama.cpp writes it, or a text: ``maybe=-2``."""
    numbered = _TOKEN_ID.fullmatch(entry)
    if numbered and _number(numbered[2]) is None:
        # A text that begins so, such as "2024-01=-2".
        numbered = None
    token, bias = numbered.groups() if numbered else entry.rpartition("=")[::2]
    number = _number(bias)
    if not token or number is None or math.isnan(number) or number == math.inf:
        raise ParameterError(f"'{entry}' is no bias; write TOKEN_ID+BIAS or TEXT=BIAS")
    return LogitBias(int(token) if numbered or token.isdecimal() else token, number)


def adapter(entry: str) -> Adapter:
    """``adapter.gguf``, or with a scale ``adapter.gguf:0.5``."""
    file, _, scale = entry.rpartition(":")
    number = _number(scale)
    if not file or number is None:
        file, number = entry, 1.0
    if not file or not math.isfinite(number):
        raise ParameterError(f"'{entry}' is no adapter; write FILE or FILE:SCALE")
    return Adapter(named_file(file), number)


def proportion(entry: str) -> float:
    """A share of the model for one GPU: 0 or more."""
    number = _number(entry)
    if number is None or not (math.isfinite(number) and number >= 0):
        raise ParameterError(f"'{entry}' is no proportion; write a number such as 3")
    return number


def override(entry: str) -> Override:
    """``KEY=TYPE:VALUE`` with int, float, bool or str, as llama.cpp's ``--override-kv``."""
    key, equals, typed = entry.partition("=")
    kind, colon, text = typed.partition(":")
    value: bool | int | float | str | None = None
    match kind:
        case "int":
            value = int(text) if re.fullmatch(r"[+-]?\d{1,18}", text) else None
        case "float":
            value = _number(text)
        case "bool":
            value = {"true": True, "false": False}.get(text)
        case "str":
            value = text
    if not (key and equals and colon) or value is None:
        raise ParameterError(f"'{entry}' is no override; write KEY=int|float|bool|str:VALUE")
    # llama_model_kv_override has room for 128 bytes, the last of them NUL.
    if len(key.encode()) > 127 or len(text.encode()) > 127:
        raise ParameterError(f"'{entry[:40]}…' is too long; key and value hold 127 bytes each")
    return Override(key, value)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
