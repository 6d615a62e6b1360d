"""What a key in the parameter pane sends to the terminal."""

from __future__ import annotations

from tests.terminal import Terminal, running
from tests.test_terminal_app import APP, quiet
from tests.waiting import wait_until_blocking


def sent(terminal: Terminal, keys: str, shows: str) -> int:
    """How many bytes a key costs, all that it leads to included."""
    before = len(terminal.output)
    terminal.type(keys)
    terminal.wait_for(shows)
    wait_until_blocking(quiet(terminal, seconds=0.5), "the last byte")
    return len(terminal.output) - before


def test_a_step_draws_its_row_and_what_is_said_of_it() -> None:
    with running(APP) as terminal:
        terminal.wait_for("Chat with pocket")
        sent(terminal, "\x14", shows="/ filter")
        sent(terminal, "\x1b[C", shows="0.75 your own")
        # The whole list takes 5,700.
        assert sent(terminal, "\x1b[C", shows="0.8 your own") < 1000
        assert sent(terminal, "j", shows="at the default, off") < 1800
        # At its default there is nothing to reset.
        assert sent(terminal, "\x7f", shows="at the default, off") == 0
