"""What headless commands say: answers on standard output, words about them on standard error."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from typing import Any, Final

import click

from workbench.engine.client import EngineDied
from workbench.engine.protocol import Failed, Finished, ModelInfo
from workbench.untrusted import without_controls

# What a shell reports for a program ended by SIGINT or SIGPIPE.
INTERRUPTED: Final = 130
_PIPE_CLOSED: Final = 141


def tell(lines: Iterable[str]) -> None:
    """Say something that is no part of the answer, whoever has written it."""
    for line in lines:
        click.echo(without_controls(line), err=True)


def show(lines: Iterable[str]) -> None:
    """Print the answer, a line each."""
    for line in lines:
        click.echo(line)


def failed(event: Failed | EngineDied) -> int:
    """Say why there is no answer; returns the exit code."""
    if isinstance(event, Failed):
        tell([f"Error: {event.message}"])
    else:
        tell([f"Error: the engine died ({event.cause}). {event.advice}", *event.log])
    return 1


def size(n_bytes: int) -> str:
    """Bytes as a person reads them."""
    return f"{n_bytes / 1e9:.2f} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:.1f} MB"


def table(rows: Sequence[Sequence[str]], *, heads: Sequence[str] = ()) -> Iterator[str]:
    """Lines with the columns one under the other; figures are at the right of theirs.

    The first column has the names. A terminal that is too narrow wraps the lines.
    """
    lines = [heads, *rows] if heads else rows
    columns = list(zip(*lines, strict=True))
    widths = [max(map(len, column)) for column in columns]
    right = [
        at > 0 and all(cell[:1].isdigit() for cell in column[bool(heads) :] if cell)
        for at, column in enumerate(columns)
    ]
    for line in lines:
        cells = zip(line, widths, right, strict=True)
        yield "  ".join(
            cell.rjust(width) if to_right else cell.ljust(width) for cell, width, to_right in cells
        ).rstrip()


def answer_object(
    text: str, model: ModelInfo, load_ms: float, finished: Finished
) -> dict[str, Any]:
    """An answer as ``--json`` gives it."""
    timings = finished.timings
    return {
        "text": text,
        "model": model.name,
        "finish_reason": finished.reason,
        "prompt_tokens": timings.prompt_tokens,
        "completion_tokens": timings.completion_tokens,
        "prompt_tps": round(timings.prompt_tps, 2),
        "tps": round(timings.tps, 2),
        "ttft_ms": round(timings.ttft_ms, 2),
        "load_ms": round(load_ms, 2),
    }


def to_the_end(work: Callable[[], Coroutine[Any, Any, int]]) -> int:
    """Do it; returns the exit code, also where nobody reads on."""
    try:
        return asyncio.run(work())
    except BrokenPipeError:
        _leave_stdout()
        return _PIPE_CLOSED
    except OSError as error:
        # A full disk; what stdout still holds has nowhere to go either.
        _leave_stdout()
        tell([f"Error: cannot write the answer: {error.strerror}"])
        return 1


def _leave_stdout() -> None:
    # Python flushes stdout once more at exit; let it have somewhere to go.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
