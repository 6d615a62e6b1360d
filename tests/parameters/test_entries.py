from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.parameters import entries
from workbench.parameters.kinds import ParameterError
from workbench.parameters.table import BY_KEY


@pytest.mark.parametrize(
    ("read", "entry", "meant"),
    [
        (entries.logit_bias, "15043+1", (15043, 1.0)),
        (entries.logit_bias, "15043-inf", (15043, -math.inf)),
        (entries.logit_bias, "maybe=-2.5", ("maybe", -2.5)),
        (entries.logit_bias, "a=b=1", ("a=b", 1.0)),
        (entries.logit_bias, "2024-01=-2", ("2024-01", -2.0)),
        (entries.logit_bias, "3-4=1", ("3-4", 1.0)),
        (entries.adapter, "a.gguf", (Path("a.gguf"), 1.0)),
        (entries.adapter, "a.gguf:0.5", (Path("a.gguf"), 0.5)),
        (entries.adapter, "C:a.gguf", (Path("C:a.gguf"), 1.0)),
        (entries.proportion, "3", 3.0),
        (entries.override, "a.b=int:-7", ("a.b", -7)),
        (entries.override, "a.b=float:0.5", ("a.b", 0.5)),
        (entries.override, "a.b=bool:true", ("a.b", True)),
        (entries.override, "a.b=str:x:y=z", ("a.b", "x:y=z")),
        (entries.sampler, "typ_p", "typ_p"),
    ],
)
def test_entries_are_read(read: Callable[[str], object], entry: str, meant: object) -> None:
    assert read(entry) == meant


@pytest.mark.parametrize(
    ("key", "typed", "complaint"),
    [
        ("logit_bias", "15043", "write TOKEN_ID+BIAS or TEXT=BIAS"),
        ("logit_bias", "x=nan", "is no bias"),
        ("logit_bias", "x=inf", "is no bias"),
        ("lora", "a.gguf:nan", "write FILE or FILE:SCALE"),
        ("tensor_split", "1,-2", "'-2' is no proportion"),
        ("kv_overrides", "a=int:1.5", "write KEY=int|float|bool|str:VALUE"),
        ("kv_overrides", "a=str:" + "x" * 200, "127 bytes"),
        ("samplers", "top_k;topp", "there is no sampler 'topp'; there are penalties"),
        ("flash_attn", "maybe", "flash_attn takes off, auto or on, not 'maybe'"),
        ("ignore_eos", "perhaps", "ignore_eos takes on or off, not 'perhaps'"),
        ("grammar", "@nowhere.gbnf", "cannot read nowhere.gbnf: No such file"),
    ],
)
def test_wrong_values_say_what_is_right(key: str, typed: str, complaint: str) -> None:
    with pytest.raises(ParameterError) as error:
        BY_KEY[key].parse(typed)
    assert complaint in str(error.value)
    assert key in str(error.value)


def test_lists_are_typed_with_separators_and_escapes() -> None:
    stop = BY_KEY["stop"]
    assert stop.parse("\\n\\n,a\\,b,\\\\") == ("\n\n", "a,b", "\\")
    assert stop.parse("none") == stop.parse("") == ()
    assert stop.text(("\n\n", "a,b", "\\")) == "\\n\\n,a\\,b,\\\\"
    # No terminal is given a command to show.
    assert stop.text(("\x1b[2J", "\x9b")) == "\\x1b[2J,\\x9b"
    assert stop.parse("\\x1b[2J,\\x9B,\\xyz,\\x4") == ("\x1b[2J", "\x9b", "xyz", "x4")


def test_a_text_commands_no_terminal() -> None:
    grammar = BY_KEY["grammar"]
    assert grammar.check("a\x1b]52;c;\x07b\r\n") == "a]52;c;b\n"
    assert grammar.parse("a\x1b]52;c;\x07b") == "a]52;c;b"


def test_texts_are_read_from_files(tmp_path: Path) -> None:
    file = tmp_path / "yes.gbnf"
    file.write_text('root ::= "yes"\n')
    assert BY_KEY["grammar"].parse(f"@{file}") == 'root ::= "yes"'
    file.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(ParameterError, match="not UTF-8"):
        BY_KEY["grammar"].parse(f"@{file}")


def test_switches_and_choices_step() -> None:
    assert BY_KEY["ignore_eos"].stepped(False, 1) is True
    assert BY_KEY["flash_attn"].stepped("auto", 1) == "on"
    assert BY_KEY["flash_attn"].stepped("on", 1) == "on"
    assert BY_KEY["grammar"].stepped("x", 1) == "x"


@pytest.mark.parametrize(
    ("key", "value"),
    [("stop", "x"), ("stop", [1]), ("flash_attn", 1), ("grammar", 1), ("seed", True)],
)
def test_values_of_another_kind_are_refused(key: str, value: object) -> None:
    with pytest.raises(ParameterError, match=f"{key} takes"):
        BY_KEY[key].check(value)
