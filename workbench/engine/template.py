"""From messages to the prompt's text, by the model's own chat template.

A template comes out of a model file and is untrusted code: it runs in jinja2's sandbox.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NoReturn

import jinja2
import jinja2.ext
import jinja2.nodes
import jinja2.parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from workbench.engine.protocol import ChatMessage

NO_TEMPLATE_NOTE: Final = (
    "This model has no chat template: the conversation is given to it as plain text, "
    "and it continues that."
)
MERGED_NOTE: Final = (
    "This model's template refuses a system message: it was put before the first message."
)


class TemplateError(ValueError):
    """A chat template could not be used; the message says where it failed."""


class _GenerationTag(jinja2.ext.Extension):
    """Lets Hugging Face's ``{% generation %}`` blocks through; only training needs the mark."""

    tags = {"generation"}  # noqa: RUF012

    def parse(self, parser: jinja2.parser.Parser) -> list[jinja2.nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def _raise_exception(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)


def _strftime_now(pattern: str) -> str:
    return datetime.now().strftime(pattern)


def _tojson(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    return json.dumps(
        value,
        ensure_ascii=ensure_ascii,
        indent=indent,
        separators=separators,
        sort_keys=sort_keys,
    )


def _environment() -> ImmutableSandboxedEnvironment:
    """The environment that transformers gives a chat template."""
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=[_GenerationTag, jinja2.ext.loopcontrols],
    )
    environment.filters["tojson"] = _tojson
    environment.globals["raise_exception"] = _raise_exception
    environment.globals["strftime_now"] = _strftime_now
    return environment


def render(
    template: str | None, messages: Sequence[ChatMessage], *, bos: str, eos: str
) -> tuple[str, list[str]]:
    """The prompt's text and notes on what was done to get it; raises TemplateError.

    Without a template the messages' contents follow each other as plain text (the note on
    that is NO_TEMPLATE_NOTE, due once, at load). A template that refuses a system message
    gets it merged into the first user message.
    """
    if template is None:
        return "\n".join(message.content for message in messages), []
    try:
        compiled = _environment().from_string(template)
    except jinja2.TemplateSyntaxError as error:
        raise TemplateError(
            f"this model's chat template is broken at line {error.lineno}: {error.message}"
        ) from error
    try:
        return _rendered(compiled, messages, bos=bos, eos=eos), []
    except TemplateError:
        merged = _merged(messages)
        if merged is None:
            raise
        return _rendered(compiled, merged, bos=bos, eos=eos), [MERGED_NOTE]


def _rendered(
    template: jinja2.Template, messages: Sequence[ChatMessage], *, bos: str, eos: str
) -> str:
    try:
        return template.render(
            messages=[{"role": each.role, "content": each.content} for each in messages],
            bos_token=bos,
            eos_token=eos,
            add_generation_prompt=True,
        )
    # A template is a program: beside jinja2's own errors it may divide by zero or recurse.
    except Exception as error:
        raise TemplateError(
            f"this model's chat template refused the conversation: {error}"
        ) from error


def _merged(messages: Sequence[ChatMessage]) -> list[ChatMessage] | None:
    """The messages with the system one in front of the first user's; None if that is no help."""
    if len(messages) < 2 or messages[0].role != "system" or messages[1].role != "user":
        return None
    system, user, *rest = messages
    return [ChatMessage("user", f"{system.content}\n\n{user.content}"), *rest]
