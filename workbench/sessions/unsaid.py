"""What a script of an answer has no way to say, so that it says that."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from workbench.parameters.table import BY_KEY
from workbench.sessions.conversation import Message

# What a model's vocabulary may know as a control token.
_CONTROL: Final = re.compile(r"<\|?[\w/]+\|?>|\[/?[A-Z_]+\]")
# Characters that would end a comment or hide in it.
_UNSEEN: Final = re.compile(r"\s+")


def unsaid(values: dict[str, Any], asked: Sequence[Message], answer: Message) -> Iterator[str]:
    """Lines of comment: why the answer may be another."""
    reasons = [*_cannot_draw(values), *_cannot_load(values)]
    if values["context_overflow"] != "stop":
        reasons.append(
            f"context_overflow={values['context_overflow']}: where the context is full it stops."
        )
    if answer.seed is None and values["temperature"] > 0:
        reasons.append("The seed: it is not known.")
    if answer.given_thoughts:
        reasons.append("Thoughts to go on with: they are written between <think> marks.")
    if any(_CONTROL.search(message.text) for message in asked):
        reasons.append(
            "What looks like a control token in the messages is text to Workbench, but may be "
            "one to the model here."
        )
    if not reasons:
        return
    yield "# What llama_cpp.Llama has no way to say, so that the answer may be another:"
    for reason in reasons:
        yield f"# - {reason}"
    yield ""


def _cannot_draw(values: dict[str, Any]) -> Iterator[str]:
    if values["mirostat"] != "off":
        if values["temperature"] != 1:
            yield f"temperature={values['temperature']} before mirostat."
    else:
        if values["samplers"] != BY_KEY["samplers"].default:
            yield f"samplers={';'.join(values['samplers'])}: another order, or other stages."
        for key, off in (
            ("dry_multiplier", 0),
            ("xtc_probability", 0),
            ("dynatemp_range", 0),
        ):
            if values[key] != off:
                yield f"{key}={values[key]}"
        if values["top_n_sigma"] > 0:
            yield f"top_n_sigma={values['top_n_sigma']}"
        if values["min_keep"] > 1:
            yield f"min_keep={values['min_keep']}"
        penalties = ("repeat_penalty", "presence_penalty", "frequency_penalty")
        if values["repeat_last_n"] and any(values[key] != BY_KEY[key].default for key in penalties):
            yield "The penalties look at the answer alone here, in Workbench also at the prompt."


def _cannot_load(values: dict[str, Any]) -> Iterator[str]:
    if values["load_mode"] == "dio":
        yield "load_mode=dio"
    if len(values["lora"]) > 1:
        yield f"lora={','.join(map(comment, values['lora']))}: only the first is used."
    if values["control_vector"]:
        yield f"control_vector={','.join(map(comment, values['control_vector']))}"


def comment(text: str) -> str:
    """A text within a line of comment."""
    return _UNSEEN.sub(" ", text)
