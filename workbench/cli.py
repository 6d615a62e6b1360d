"""The command line: the app, and its headless twins."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from workbench import __version__
from workbench.models.library import POCKET
from workbench.parameters.table import BY_KEY, TABLE, Parameter, ParameterError, Value
from workbench.untrusted import without_controls

_Command = TypeVar("_Command", bound=Callable[..., Any])


class _ParameterType(click.ParamType[Value]):
    """A flag's value, read and checked by the table."""

    def __init__(self, parameter: Parameter) -> None:
        self.name = "int" if parameter.kind is int else "float"
        self._parameter = parameter

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Value:
        try:
            return self._parameter.parse(str(value))
        except ParameterError as error:
            self.fail(str(error), param, ctx)


def _with_parameters(command: _Command) -> _Command:
    """Give a command ``--model`` and a flag for every parameter of the table."""
    for parameter in reversed(TABLE):
        click.option(
            parameter.flag,
            parameter.key,
            type=_ParameterType(parameter),
            default=None,
            help=f"{parameter.help} [{parameter.takes}; default "
            f"{parameter.text(parameter.default)}]",
        )(command)
    return click.option(
        "--model",
        "-m",
        default=None,
        metavar="PATH",
        help=f"A GGUF file, or '{POCKET}' for the built-in model (the default).",
    )(command)


def _chosen(flags: dict[str, Value | None]) -> dict[str, Value]:
    """The parameters given on the command line that differ from their defaults."""
    return {
        key: value
        for key, value in flags.items()
        if value is not None and value != BY_KEY[key].default
    }


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@_with_parameters
@click.version_option(__version__, package_name="workbench", message="%(prog)s %(version)s")
@click.pass_context
def workbench(context: click.Context, /, model: str | None, **flags: Value | None) -> None:
    """A full-screen workbench for local language models on llama.cpp.

    Without a command the app opens, with the given model and parameters.
    """
    context.obj = (model, _chosen(flags))
    if context.invoked_subcommand is not None:
        return
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or os.environ.get("TERM") == "dumb":
        raise click.ClickException(
            'the app needs a full-screen terminal; without one: workbench run "PROMPT"'
        )
    # Textual reads it when it is imported; animations cost bytes over SSH and tell nothing.
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    # Only here: the headless commands never import Textual.
    from workbench.app import run_app

    context.exit(run_app(model or POCKET, _chosen(flags)))


@workbench.command()
@click.argument("prompt")
@click.option("--system", metavar="TEXT", help="A system message before the prompt.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object when it is done.")
@_with_parameters
@click.pass_context
def run(
    context: click.Context,
    /,
    prompt: str,
    system: str | None,
    as_json: bool,
    model: str | None,
    **flags: Value | None,
) -> None:
    """Answer PROMPT on standard output; '-' reads the prompt from standard input."""
    if prompt == "-":
        prompt = sys.stdin.buffer.read().decode("utf-8", "replace")
    if not prompt.strip():
        raise click.UsageError("the prompt is empty: give some text, or '-' to read it from stdin")
    from workbench import headless

    app_model, app_values = context.obj
    context.exit(
        headless.run(
            # What the shell passes need not be Unicode.
            without_controls(prompt),
            model=model or app_model or POCKET,
            system=without_controls(system) if system else None,
            values={**app_values, **_chosen(flags)},
            as_json=as_json,
        )
    )
