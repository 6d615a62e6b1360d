"""How models mark the sections in which they think."""

from __future__ import annotations

from typing import Final, NamedTuple


class Section(NamedTuple):
    """What opens a thinking section and what closes it."""

    opens: str
    closes: str


SECTIONS: Final = (
    Section("<think>", "</think>"),
    Section("<thinking>", "</thinking>"),
    Section("<thought>", "</thought>"),
    Section("[THINK]", "[/THINK]"),
    Section("<|START_THINKING|>", "<|END_THINKING|>"),
    Section("<|inner_prefix|>", "<|inner_suffix|>"),
    Section("<seed:think>", "</seed:think>"),
    Section("<mm:think>", "</mm:think>"),
    Section("<|channel>thought", "<channel|>"),
    # OpenAI's harmony: the answer is a message of its own after the thinking one.
    Section("<|channel|>analysis<|message|>", "<|channel|>final<|message|>"),
)
"""The marks of the model families known to llama.cpp's common/chat.cpp and its templates."""

EMPTY: Final = ("<|channel|>final<|message|>",)
"""What stands before an answer without any thinking."""

LEFTOVERS: Final = ("<|end|><|start|>assistant",)
"""What may stand between the thinking and the mark that closes it."""


def opened_by(prompt: str) -> Section | None:
    """The section that the prompt's end leaves open: some templates open it themselves."""
    end = prompt.rstrip()
    return next((section for section in SECTIONS if end.endswith(section.opens)), None)
