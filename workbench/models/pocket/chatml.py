"""How a conversation is written for the model."""

from __future__ import annotations

from typing import Final

import msgspec

END_OF_TEXT: Final = "<|endoftext|>"
START: Final = "<|im_start|>"
END: Final = "<|im_end|>"
SPECIAL: Final = (END_OF_TEXT, START, END)

TEMPLATE: Final = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


class Turn(msgspec.Struct, frozen=True):
    """One message: ``role`` is system, user or assistant.

    ``topic`` names what a question is about, or is taken for, where that is a topic of the corpus.
    """

    role: str
    content: str
    topic: str = ""
