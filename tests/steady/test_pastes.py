"""What is pasted is text, whatever it holds."""

from __future__ import annotations

import sys

import pytest
from textual._xterm_parser import XTermParser
from textual.events import Key

from tests.terminal import running
from workbench.steady.pastes import Pastes

APP = [sys.executable, "-m", "workbench"]
LOG = "\x1b[1mA heading that is longer than thirty-two characters\x1b[0m\r\nand\x1bc more"


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
def test_pastes_are_told_from_keys(step: int) -> None:
    text = f"ab\x1b[200~{LOG}\x1b[201~c\x1b[200~\x1b[201~\x1b[200~d\x1b[201~"
    # A beginning that comes in two pieces is left to Textual: an Escape alone must not wait.
    begin = text.index("\x1b[200~")
    pieces = [text[:begin], text[begin : begin + 6]]
    rest = text[begin + 6 :].replace("c\x1b[200~\x1b[201~\x1b[200~d\x1b[201~", "c")
    pieces += [rest[at : at + step] for at in range(0, len(rest), step)]
    pastes = Pastes()
    found = [each for piece in pieces for each in pastes.feed(piece)]
    assert "".join(keys for keys, _ in found).replace("\x1b[201~", "") == "abc"
    clean = "[1mA heading that is longer than thirty-two characters[0m\nandc more"
    assert [pasted for _, pasted in found if pasted] == [clean]


def test_several_pastes_come_one_after_the_other() -> None:
    found = [*Pastes().feed("a\x1b[200~b\rc\x1b[201~d\x1b[200~e\x1b[201~")]
    assert [(keys.removesuffix("\x1b[201~"), pasted) for keys, pasted in found] == [
        ("a", ""),
        ("", "b\nc"),
        ("d", ""),
        ("", "e"),
    ]


@pytest.mark.parametrize("pieces", [["\x1b\x1b[200~a\x1b[201~"], ["\x1b", "\x1b[200~a\x1b[201~"]])
def test_an_escape_before_a_paste_acts_before_it(pieces: list[str]) -> None:
    parser, pastes = XTermParser(), Pastes()
    came: list[str] = []
    for keys, pasted in (each for piece in pieces for each in pastes.feed(piece)):
        came += [event.key for event in parser.feed(keys) if isinstance(event, Key)]
        came += [f"pasted {pasted}"] * bool(pasted)
    assert came == ["escape", "pasted a"]


def test_a_pasted_log_neither_sends_nor_reaches_the_terminal() -> None:
    with running(APP) as terminal:
        terminal.wait_for("Chat with pocket")
        begun = len(terminal.output)
        terminal.send(f"\x1b[200~{LOG}\x1b[201~".encode())
        terminal.wait_for("andc more")
        assert b"\x1bc" not in terminal.output[begun:]
        assert "[1mA heading" in terminal.text
        terminal.type("\x11")
        assert terminal.wait_for_exit() == 0
