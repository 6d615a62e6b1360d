"""From messages to the prompt's text, by a chat template in Jinja.

A template comes out of a model file and is untrusted code: it runs in jinja2's sandbox.
"""

from __future__ import annotations

import json
import re
import traceback
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from importlib.resources import files
from types import GeneratorType
from typing import Any, Final, NoReturn

import jinja2
import jinja2.ext
import jinja2.nodes
import jinja2.parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from workbench.engine.protocol import ChatMessage

NO_TEMPLATE_NOTE: Final = (
    "This model has no chat template: the conversation is given to it as plain text, "
    "and it continues that. chat_template chooses one."
)
MERGED_NOTE: Final = (
    "This model's template has no place for a system message: it was put before the first message."
)

_FOLDER: Final = files("workbench.engine") / "templates"
# Mistral's way: thoughts are a part of the content.
_THINKING_PARTS: Final = re.compile(r"\[['\"]type['\"]\] == ['\"]thinking['\"]")


class TemplateError(ValueError):
    """A chat template could not be used; the message says where it failed."""


class _GenerationTag(jinja2.ext.Extension):
    """Lets Hugging Face's ``{% generation %}`` blocks through; only training needs the mark."""

    tags = {"generation"}  # noqa: RUF012

    def parse(self, parser: jinja2.parser.Parser) -> list[jinja2.nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class _Undefined(jinja2.Undefined):
    """A variable that is not there. Joined to a text it is nothing, as in llama.cpp."""

    def _joined(self, other: object) -> str:
        return other if isinstance(other, str) else self._fail_with_undefined_error()

    # Jinja's own never return.
    __add__ = __radd__ = _joined  # type: ignore[assignment]


def _raise_exception(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)


def _listed(value: object) -> list[object]:
    # What the filters map and select give.
    if isinstance(value, GeneratorType):
        return list(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


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
        default=_listed,
    )


def _environment() -> ImmutableSandboxedEnvironment:
    """The environment that transformers gives a chat template."""
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=_Undefined,
        extensions=[_GenerationTag, jinja2.ext.loopcontrols],
    )
    environment.filters["tojson"] = _tojson
    # A prompt is no HTML: a text marked as safe would have what is joined to it escaped.
    environment.filters["safe"] = str
    environment.globals["raise_exception"] = _raise_exception
    return environment


_ENVIRONMENT: Final = _environment()


@lru_cache(maxsize=8)
def _compiled(source: str) -> jinja2.Template:
    try:
        return _ENVIRONMENT.from_string(source)
    except jinja2.TemplateSyntaxError as error:
        raise TemplateError(
            f"the chat template is broken at line {error.lineno}: {error.message}. Set "
            "chat_template to one that is built in, such as chatml"
        ) from error


def names() -> list[str]:
    """The templates that are built in; llama.cpp knows them by the same names."""
    return sorted(each.name.removesuffix(".jinja") for each in _FOLDER.iterdir())


def chosen(name_or_source: str, own: str | None) -> str | None:
    """The Jinja source to use: a built-in template, a given one, or the model's ``own``.

    Raises TemplateError.
    """
    if not name_or_source:
        return own
    if name_or_source in names():
        return (_FOLDER / f"{name_or_source}.jinja").read_text("utf-8")
    if "{" not in name_or_source:
        raise TemplateError(
            f"there is no built-in chat template '{name_or_source}'; there are "
            f"{', '.join(names())}. Other templates are written in Jinja"
        )
    return name_or_source


def check(source: str) -> None:
    """Raise TemplateError if ``source`` is no Jinja."""
    _compiled(source)


def variables(values: dict[str, Any]) -> dict[str, Any]:
    """What a template is told beside the messages: llama-server's variables and defaults."""
    told: dict[str, Any] = {
        "enable_thinking": values["enable_thinking"] == "on",
        # Thoughts of earlier answers stay: what was read once need not be read again. Every
        # family has its own name for that.
        "preserve_thinking": True,
        "clear_thinking": False,
        "truncate_history_thinking": False,
        "drop_thinking": False,
    }
    effort = values["reasoning_effort"]
    if effort != "auto":
        told |= {"reasoning_effort": effort, "reasoning_strength": effort}
    if not values["chat_template_kwargs"]:
        return told
    try:
        more = json.loads(values["chat_template_kwargs"])
    except ValueError as error:
        raise TemplateError(f"chat_template_kwargs is not JSON: {error}") from error
    if not isinstance(more, dict):
        raise TemplateError('chat_template_kwargs takes a JSON object such as {"tools": []}')
    return told | more


def render(
    source: str | None,
    messages: Sequence[ChatMessage],
    *,
    bos: str,
    eos: str,
    variables: Mapping[str, Any] | None = None,
    now: datetime | None = None,
) -> tuple[str, list[str]]:
    """The prompt's text and notes on what was done to get it; raises TemplateError.

    Without a template the messages' contents follow each other as plain text (the note on
    that is NO_TEMPLATE_NOTE, due once, at load). A template that refuses or forgets a system
    message gets it merged into the first user message. ``now`` is the time that the template
    is told.
    """
    if source is None:
        return "\n".join(message.content for message in messages), []
    template = _compiled(source)
    time = now or datetime.now()
    known = {
        "bos_token": bos,
        "eos_token": eos,
        "add_generation_prompt": True,
        "strftime_now": time.strftime,
        # llama-server's own.
        "date_string": time.strftime("%d %b %Y"),
        "datetime": time.strftime("%b %d %Y"),
        **(variables or {}),
    }
    in_parts = _THINKING_PARTS.search(source) is not None

    def text(of: Iterable[ChatMessage]) -> str:
        given = [_as_dictionary(message, in_parts=in_parts) for message in of]
        return _rendered(template, {**known, "messages": given})

    merged = _merged(messages)
    if merged is None:
        return text(messages), []
    try:
        whole = text(messages)
    except TemplateError:
        return text(merged), [MERGED_NOTE]
    # Some templates neither write a system message nor refuse it.
    if messages[0].content.strip() not in whole and whole == text(messages[1:]):
        return text(merged), [MERGED_NOTE]
    return whole, []


def _as_dictionary(message: ChatMessage, *, in_parts: bool) -> dict[str, Any]:
    """A message as templates know it; ``in_parts``: thoughts are a part of the content."""
    if not message.thoughts:
        return {"role": message.role, "content": message.content}
    if in_parts:
        parts = [
            {"type": "thinking", "thinking": message.thoughts},
            {"type": "text", "text": message.content},
        ]
        return {"role": message.role, "content": parts}
    return {
        "role": message.role,
        "content": message.content,
        "reasoning_content": message.thoughts,
        "thinking": message.thoughts,
    }


def _rendered(template: jinja2.Template, variables: Mapping[str, Any]) -> str:
    try:
        return template.render(variables)
    # A template is a program: beside jinja2's own errors it may divide by zero or recurse.
    except Exception as error:
        lines = [
            number
            for frame, number in traceback.walk_tb(error.__traceback__)
            if frame.f_code.co_filename == "<template>"
        ]
        where = f" at line {lines[-1]}" if lines else ""
        raise TemplateError(
            f"the chat template refused the conversation{where}: {error}"
        ) from error


def _merged(messages: Sequence[ChatMessage]) -> list[ChatMessage] | None:
    """The messages with the system one in front of the first user's; None if that is no help."""
    if len(messages) < 2 or messages[0].role != "system" or messages[1].role != "user":
        return None
    system, user, *rest = messages
    # Joined as llama-server joins them.
    return [ChatMessage("user", f"{system.content}\n{user.content}"), *rest]
