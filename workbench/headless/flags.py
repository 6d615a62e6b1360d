"""Flags for parameters of the table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from workbench.parameters.kinds import (
    Choice,
    Number,
    Parameter,
    ParameterError,
    Switch,
    Text,
    Texts,
    Value,
)

_Command = TypeVar("_Command", bound=Callable[..., Any])

_METAVARS = {Number: "number", Choice: "name", Text: "text", Texts: "list"}


class _ParameterType(click.ParamType[Value]):
    """A flag's value, read and checked by the table."""

    def __init__(self, parameter: Parameter) -> None:
        self.name = _METAVARS[type(parameter)]
        self._parameter = parameter

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Value:
        try:
            return self._parameter.parse(str(value))
        except ParameterError as error:
            self.fail(str(error), param, ctx)


def with_flags(parameters: Sequence[Parameter]) -> Callable[[_Command], _Command]:
    """Give a command a flag for each of ``parameters``."""

    def decorate(command: _Command) -> _Command:
        for parameter in reversed(parameters):
            takes = f"[{parameter.takes}; default {parameter.text(parameter.default)}]"
            if isinstance(parameter, Switch):
                click.option(
                    f"{parameter.flag}/--no-{parameter.flag[2:]}",
                    parameter.key,
                    default=None,
                    help=f"{parameter.help} [default {parameter.text(parameter.default)}]",
                )(command)
            else:
                click.option(
                    parameter.flag,
                    parameter.key,
                    type=_ParameterType(parameter),
                    default=None,
                    help=f"{parameter.help} {takes}",
                )(command)
        return command

    return decorate
