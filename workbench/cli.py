"""The command line: the app, and its headless twins."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

import click

from workbench import __version__
from workbench.headless import hub, model_files
from workbench.headless.flags import with_flags
from workbench.headless.sessions import meant, sessions
from workbench.models.library import POCKET
from workbench.parameters import lanes, presets
from workbench.parameters.kinds import ParameterError, Value
from workbench.parameters.table import TABLE
from workbench.settings import config, paths
from workbench.terminal import line as lines
from workbench.untrusted import without_controls

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _with_parameters(command: _Command) -> _Command:
    """Give a command ``--model``, ``--preset`` and a flag for every parameter of the table."""
    with_flags(TABLE)(command)
    click.option(
        "--preset",
        default=None,
        metavar="NAME",
        help="Parameters that were saved under this name; flags come before them.",
    )(command)
    click.option(
        "--yes", "-y", is_flag=True, help="Fetch a model that is not here without asking."
    )(command)
    return click.option(
        "--model",
        "-m",
        default=None,
        metavar="MODEL",
        help=f"A GGUF file, a model on the Hub (owner/name:Q4_K_M; fetched if need be, after "
        f"asking), or '{POCKET}' for the built-in model (the default).",
    )(command)


def _model(context: click.Context, model: str, values: dict[str, Value], *, yes: bool) -> str:
    """What ``--model`` names, as a file once it is on the Hub; leaves if it cannot be had."""
    if "/" not in model:
        return model
    # Only here: to know of the Hub takes a third of a second.
    from workbench.headless.looking import model_file

    found = model_file(model, values=values, yes=yes)
    if isinstance(found, int):
        context.exit(found)
    return found


def _with_line(command: _Command) -> _Command:
    """Give a command the flags for the line to the terminal."""
    for option in (
        click.option(
            "--mouse/--no-mouse",
            default=None,
            help="Whether the mouse is listened to; without it the terminal's own selection works. "
            "[default mouse]",
        ),
        click.option(
            "--color",
            type=click.Choice(lines.COLORS),
            default=None,
            help="The colours that the terminal has. [default auto]",
        ),
        click.option(
            "--fps",
            type=click.IntRange(*lines.FPS_RANGE),
            default=None,
            metavar="NUMBER",
            help="Frames a second at most. [default 120; over SSH 30]",
        ),
    ):
        command = option(command)
    return command


def _chosen(preset: str | None, flags: dict[str, Value | None]) -> dict[str, Value]:
    """The parameters of the preset and of the command line.

    A default is a choice as well: the model's file or its own preset may say otherwise.
    """
    try:
        named = presets.load(paths.presets(), preset) if preset else {}
    except presets.PresetError as error:
        # A preset may come from anybody.
        raise click.UsageError(without_controls(str(error))) from error
    return named | {key: value for key, value in flags.items() if value is not None}


class _Interruptible(click.Group):
    """Ends as a shell expects of a program that is interrupted, whichever command it was."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, click.Abort) as error:
            if isinstance(error, click.Abort):
                # At a question; the cursor stands behind it.
                click.echo(err=True)
            if isinstance(error.__context__, EOFError):
                # Ctrl+D is no answer.
                ctx.exit(1)
            # What prints has heard of the engine, which takes its time.
            from workbench.headless.printing import INTERRUPTED

            ctx.exit(INTERRUPTED)


@click.group(
    cls=_Interruptible,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@_with_line
@_with_parameters
@click.option("--continue", "goes_on", is_flag=True, help="Open what was written to last.")
@click.option("--session", metavar="NAME", help="Open this conversation: its number or title.")
@click.option("--new", "anew", is_flag=True, help="Begin a new conversation.")
@click.version_option(__version__, package_name="workbench", message="%(prog)s %(version)s")
@click.pass_context
def workbench(
    context: click.Context,
    /,
    model: str | None,
    preset: str | None,
    yes: bool,
    fps: int | None,
    color: lines.Color | None,
    mouse: bool | None,
    goes_on: bool,
    session: str | None,
    anew: bool,
    **flags: Value | None,
) -> None:
    """A full-screen workbench for local language models on llama.cpp.

    Without a command the app opens where it was, with the given model and parameters.
    """
    values = _chosen(preset, flags)
    context.obj = (model, values, yes)
    if context.invoked_subcommand is not None:
        return
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or os.environ.get("TERM") == "dumb":
        raise click.ClickException(
            'the app needs a full-screen terminal; without one: workbench run "PROMPT"'
        )
    model = _model(context, model, values, yes=yes) if model else None
    if goes_on + anew + (session is not None) > 1:
        raise click.UsageError("say one of --continue, --session and --new")
    begin: int | Literal["where it was", "new"] = meant(session, latest=goes_on) or (
        "new" if anew else "where it was"
    )
    # What is wrong in the file is told on the screen.
    settings, _ = config.load(paths.config_file())
    line = lines.choose(
        os.environ,
        fps=fps or settings.fps,
        color=color or settings.color,
        mouse=settings.mouse if mouse is None else mouse,
    )
    lines.prepare(line, os.environ)
    # Only here: the headless commands never import Textual.
    from workbench.app import run_app

    context.exit(run_app(model or "", values, line, begin))


@workbench.command()
@click.argument("prompt", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object when it is done.")
@click.option(
    "--prompt-cache",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep the KV state in FILE: the same beginning is then not evaluated again.",
)
@_with_parameters
@click.pass_context
def run(
    context: click.Context,
    /,
    prompt: str | None,
    as_json: bool,
    prompt_cache: Path | None,
    model: str | None,
    preset: str | None,
    yes: bool,
    **flags: Value | None,
) -> None:
    """Answer PROMPT on standard output; without it, or with '-', standard input is read."""
    from workbench.headless.run import run as run_headless

    app_model, app_values, app_yes = context.obj
    values = {**app_values, **_chosen(preset, flags)}
    context.exit(
        run_headless(
            _prompt(prompt, "run"),
            model=_model(context, model or app_model or POCKET, values, yes=yes or app_yes),
            values=values,
            as_json=as_json,
            prompt_cache=prompt_cache,
        )
    )


class _Lane(click.ParamType[dict[str, Value]]):
    """What a lane sets."""

    name = "lane"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, Value]:
        try:
            return lanes.read_lane(value)
        except ParameterError as error:
            self.fail(str(error), param, ctx)


@workbench.command()
@click.argument("prompt", required=False)
@click.option(
    "--lane",
    "-l",
    "given",
    multiple=True,
    type=_Lane(),
    metavar="KEY=VALUE,...",
    help="A lane, by what it sets beside the common parameters; once for each.",
)
@click.option(
    "--sweep",
    metavar="KEY FIRST LAST LANES",
    help="Lanes over a range, such as 'temperature 0.2 1.4 4'; two such ranges make a grid.",
)
@click.option(
    "--draws",
    type=click.IntRange(2, lanes.MOST_LANES),
    metavar="NUMBER",
    help="As many lanes with the same parameters, each with a seed of its own.",
)
@click.option(
    "--seeds",
    type=click.Choice(["same", "different"]),
    help="Whether the lanes of a sweep draw by the same chance. [default same]",
)
@click.option("--json", "form", flag_value="json", help="Print one JSON object when it is done.")
@click.option("--markdown", "form", flag_value="markdown", help="Print Markdown when it is done.")
@_with_parameters
@click.pass_context
def compare(
    context: click.Context,
    /,
    prompt: str | None,
    given: tuple[dict[str, Value], ...],
    sweep: str | None,
    draws: int | None,
    seeds: str | None,
    form: Literal["json", "markdown"] | None,
    model: str | None,
    preset: str | None,
    yes: bool,
    **flags: Value | None,
) -> None:
    """Answer PROMPT by several settings side by side; without it standard input is read.

    The prompt is evaluated once, and all lanes of one model are written in one batch. A lane may
    name another model (--lane model=NAME), or set what a model is loaded with: it is answered
    after the others.
    """
    app_model, app_values, app_yes = context.obj
    values = {**app_values, **_chosen(preset, flags)}
    from workbench.headless.compare import compare as compare_headless

    context.exit(
        compare_headless(
            _prompt(prompt, "compare"),
            _lanes(given, sweep, draws),
            model=_model(context, model or app_model or POCKET, values, yes=yes or app_yes),
            values=values,
            form=form or "text",
            same_seeds=seeds != "different" and not draws,
        )
    )


def _lanes(
    given: Sequence[dict[str, Value]], sweep: str | None, draws: int | None
) -> list[dict[str, Value]]:
    """The lanes that are asked for, each by what it sets beside the common parameters."""
    if (bool(given) + bool(sweep) + bool(draws)) != 1:
        raise click.UsageError("say which lanes: --lane for each of them, or --sweep, or --draws")
    if len(given) > lanes.MOST_LANES:
        raise click.UsageError(f"there is room for {lanes.MOST_LANES} lanes, not {len(given)}")
    try:
        swept = lanes.grid(lanes.read_sweeps(sweep)) if sweep else []
    except ParameterError as error:
        raise click.UsageError(str(error)) from error
    return swept or list(given) or [{}] * (draws or 0)


def _prompt(prompt: str | None, command: str) -> str:
    """The prompt, from the command line or from standard input."""
    if prompt is None and sys.stdin.isatty():
        raise click.UsageError(f'there is no prompt: workbench {command} "PROMPT"')
    if prompt in (None, "-"):
        prompt = sys.stdin.buffer.read().decode("utf-8", "replace")
    if not prompt.strip():
        raise click.UsageError("the prompt is empty: give some text, or '-' to read it from stdin")
    # What the shell passes need not be Unicode.
    return without_controls(prompt)


@workbench.command()
def keys() -> None:
    """Print all keys as TOML, to be changed in config.toml."""
    from workbench.app import WorkbenchApp
    from workbench.screens import keymap
    from workbench.settings import config

    settings, _ = config.load(paths.config_file())
    good, complaints = keymap.checked(settings.keys, WorkbenchApp)
    click.echo(keymap.as_toml(good, WorkbenchApp), nl=False)
    for complaint in complaints:
        click.echo(f"{paths.config_file()}, keys: {complaint}", err=True)


@workbench.group()
def models() -> None:
    """Models: find and fetch them, see whether they fit, keep those that are here in order.

    Exit codes: 0 done, also where a list is empty; 1 not done, or a model is not what it should
    be; 2 wrong usage; 130 stopped by Ctrl+C.
    """


for _command in (hub.search, hub.info, hub.get, *model_files.COMMANDS):
    models.add_command(_command)


workbench.add_command(sessions)
