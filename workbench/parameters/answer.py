"""What an answer may contain, where it ends, and how the prompt is put together."""

from __future__ import annotations

from typing import Final

from workbench.parameters import entries
from workbench.parameters.kinds import Choice, Number, Parameter, Switch, Text, Texts

ANSWER: Final[tuple[Parameter, ...]] = (
    Number(
        key="max_tokens",
        kind=int,
        default=-1,
        minimum=1,
        maximum=1_000_000,
        step=64,
        unit="tokens",
        group="answer",
        acts="live",
        help="The longest answer; without a limit it ends with the model or the context.",
        named={-1: "no limit"},
    ),
    Texts(
        key="stop",
        default=(),
        example="\\n\\n,END",
        entry=entries.any_text,
        group="answer",
        acts="answer",
        help="The answer ends before the first of these.",
    ),
    Switch(
        key="ignore_eos",
        default=False,
        group="answer",
        acts="live",
        help="Forbids the tokens that end an answer.",
    ),
    Choice(
        key="context_overflow",
        default="stop",
        choices=("stop", "drop", "shift"),
        group="answer",
        acts="answer",
        help="When the context is full: stop; drop the oldest turns; or shift them out of the KV "
        "cache; the system prompt stays.",
    ),
    Text(
        key="grammar",
        default="",
        example='root ::= "yes" | "no"',
        group="constraints",
        acts="answer",
        help="A GBNF grammar that the answer keeps to.",
    ),
    Text(
        key="json_schema",
        default="",
        example='{"type": "object"}',
        group="constraints",
        acts="answer",
        help="A JSON schema that the answer keeps to; not together with a grammar.",
    ),
    Texts(
        key="logit_bias",
        default=(),
        example="15043+1,maybe=-inf",
        entry=entries.logit_bias,
        group="constraints",
        acts="live",
        help="Adds to the logits of a token id, or of a text's tokens; -inf never draws them.",
    ),
    Text(
        key="system",
        default="",
        example="Answer in one sentence.",
        group="template",
        acts="answer",
        help="A system message, before everything that is said.",
    ),
    Choice(
        key="enable_thinking",
        default="on",
        choices=("off", "on"),
        group="template",
        acts="answer",
        help="Tells the chat template whether the model should think first.",
    ),
    Choice(
        key="reasoning_effort",
        default="auto",
        choices=("auto", "minimal", "low", "medium", "high"),
        group="template",
        acts="answer",
        help="Tells the chat template how much to think; auto leaves it to the template.",
    ),
    Text(
        key="chat_template",
        default="",
        example="chatml",
        group="template",
        acts="answer",
        help="A built-in template's name, or Jinja, instead of the model's own.",
    ),
    Text(
        key="chat_template_kwargs",
        default="",
        example='{"preserve_thinking": true}',
        group="template",
        acts="answer",
        help="More variables for the chat template, as a JSON object.",
    ),
)
"""In the order of the parameter pane."""
