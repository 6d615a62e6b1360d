"""What a file says of itself, where the file is made to be a burden."""

from __future__ import annotations

from time import thread_time

import pytest

from workbench.screens import contents
from workbench.screens.contents import Contents


def templated(template: str) -> Contents:
    return Contents(
        version=3, n_keys=1, keys=(("general.name", "burden"),), types=(),
        n_template=len(template), template=template,
        n_tokens=0, tokens=(), special=(), n_tensors=0, tensors=(),
    )  # fmt: skip


@pytest.mark.parametrize("piece", ["{#", "{{", '{{"', "{% ", "<a ", "{{a", "{#\n", "{%comment%}"])
def test_no_template_holds_up_who_reads_it(piece: str) -> None:
    template = piece * (64_000 // len(piece))
    started = thread_time()
    lines = contents.lines_of(templated(template), 100)
    assert thread_time() - started < 3
    shown = "".join(line.plain for line in lines)
    assert "".join(template.split()) in "".join(shown.split())


def test_a_template_is_in_colours() -> None:
    lines = contents.lines_of(templated("{# words #}\n{% if a %}{{ 'b' }}{% endif %}\n" * 200), 100)
    assert sum(bool(line.spans) for line in lines if "{%" in line.plain) == 200
