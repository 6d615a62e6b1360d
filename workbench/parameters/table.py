"""Every parameter, declared once.

From this table come the rows of the parameter pane, the flags of the command line, the keys
and the validation of presets, and the values an engine request carries. Keys are
llama.cpp's own names; defaults are llama-server's unless a comment says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from workbench.parameters.answer import ANSWER
from workbench.parameters.kinds import Parameter, ParameterError, Value, Values
from workbench.parameters.loading import LOADING
from workbench.parameters.sampling import SAMPLING

TABLE: Final[tuple[Parameter, ...]] = (*SAMPLING, *ANSWER, *LOADING)

BY_KEY: Final[Mapping[str, Parameter]] = {parameter.key: parameter for parameter in TABLE}


def loading(values: Values) -> dict[str, Value]:
    """The part of ``values`` that a model is loaded with, and that differs from the defaults."""
    return {
        key: value
        for key, value in values.items()
        if BY_KEY[key].acts == "load" and value != BY_KEY[key].default
    }


def answering(values: Values) -> dict[str, Value]:
    """The part of ``values`` that an answer is drawn with."""
    return {key: value for key, value in values.items() if BY_KEY[key].acts != "load"}


def named(key: str) -> Parameter:
    """The parameter ``key``; raises ParameterError if there is none."""
    if key not in BY_KEY:
        raise ParameterError(f"there is no parameter '{key}'")
    return BY_KEY[key]


def checked(values: Mapping[str, object]) -> dict[str, Value]:
    """``values`` as the parameters' kinds; raises ParameterError."""
    return {key: named(key).check(value) for key, value in values.items()}


def completed(values: Values, defaults: Values | None = None) -> dict[str, Any]:
    """Every parameter's value: the given ones checked, then ``defaults``, then the table's.

    Each is of its parameter's kind, so the engine reads them without further ado.
    """
    own = {parameter.key: parameter.default for parameter in TABLE}
    return {**own, **(defaults or {}), **checked(values)}
