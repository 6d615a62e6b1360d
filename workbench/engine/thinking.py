"""How models mark the sections in which they think."""

from __future__ import annotations

from typing import Final, NamedTuple


class Section(NamedTuple):
    """What opens a thinking section and what closes it.

    ``ends`` may stand between the thoughts and what closes them; ``bare`` stands before an
    answer without thoughts.
    """

    opens: str
    closes: str
    ends: str = ""
    bare: str = ""

    def written(self, thoughts: str, answer: str, *, is_open: bool) -> str:
        """An answer as the model would have written it so far, for it to go on with.

        ``is_open`` says that the prompt ends with what opens the section. Without an answer
        the section stays open.
        """
        gap = "" if self.ends else "\n"
        if not thoughts and not is_open:
            return self.bare + answer
        text = thoughts if is_open else f"{self.opens}{gap}{thoughts}"
        return f"{text}{gap}{self.ends}{self.closes}{gap * 2}{answer}" if answer else text


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
    Section(
        "<|channel|>analysis<|message|>",
        "<|channel|>final<|message|>",
        ends="<|end|><|start|>assistant",
        bare="<|channel|>final<|message|>",
    ),
)
"""The marks of the model families known to llama.cpp's common/chat.cpp and its templates."""


def opened_by(prompt: str) -> Section | None:
    """The section that the prompt's end leaves open: some templates open it themselves."""
    end = prompt.rstrip()
    return next((section for section in SECTIONS if end.endswith(section.opens)), None)


def used_by(template: str) -> Section:
    """The section that a chat template writes about; the most usual one if it is silent."""
    written = (section for section in SECTIONS if section.closes in template)
    return next(written, SECTIONS[0])
