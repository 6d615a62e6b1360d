"""Chat templates: what real ones need, what llama-server makes of them, and broken ones."""

from __future__ import annotations

import ctypes
import json
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pytest

from workbench.engine import template
from workbench.engine.llama.binding import binding
from workbench.engine.protocol import ChatMessage
from workbench.engine.template import MERGED_NOTE, TemplateError
from workbench.parameters.table import completed

SYSTEM = ChatMessage("system", "Be brief.")
USER = ChatMessage("user", "Why?")
TALK = [SYSTEM, USER, ChatMessage("assistant", "Because."), ChatMessage("user", "And why that?")]

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
NO_SYSTEM = (
    "{{ bos_token }}{% for message in messages %}{% if message.role == 'system' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}"
    "[{{ message.role }}]{{ message.content }}{{ eos_token }}{% endfor %}"
)
FORGETFUL = (
    "{% for message in messages if message.role != 'system' %}{{ message.content }}{% endfor %}"
)

GOLDENS: Final = json.loads(
    (Path(__file__).parent / "template_goldens.json").read_text(encoding="utf-8")
)
SHIPPED: Final = Path(__file__).parent / "templates"

_UNABLE: Final = "llama-server's analysis takes it for one that cannot think: enable_thinking=false"
DEVIATIONS: Final = {
    **{
        ("Apertus-8B-Instruct.jinja", case): _UNABLE
        for case in GOLDENS["cases"]
        if case != "no thinking"
    },
    ("unsloth-mistral-Devstral-Small-2507.jinja", "thought"): "llama-server makes thoughts a part "
    "of the content, as for Ministral; this template has no parts and loses the whole answer",
}
"""Where we differ from llama-server, and why."""


def test_a_template_renders_the_conversation() -> None:
    text, notes = template.render(CHATML, [SYSTEM, USER], bos="", eos="")
    assert text == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nWhy?<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    assert notes == []


def test_without_a_template_the_text_is_plain() -> None:
    assert template.render(None, [SYSTEM, USER], bos="<s>", eos="") == ("Be brief.\nWhy?", [])


@pytest.mark.parametrize("prompt", GOLDENS["prompts"])
@pytest.mark.parametrize("case", GOLDENS["cases"])
def test_real_templates_render_as_llama_server_renders_them(prompt: str, case: str) -> None:
    expected = GOLDENS["prompts"][prompt][case]
    asked = GOLDENS["cases"][case]
    text, _ = template.render(
        (SHIPPED / prompt).read_text(encoding="utf-8"),
        [
            ChatMessage(each["role"], each["content"], each.get("reasoning_content", ""))
            for each in asked["messages"]
        ],
        bos=GOLDENS["bos"],
        eos=GOLDENS["eos"],
        variables=_variables(asked),
        now=datetime.fromisoformat(GOLDENS["made"]),
    )
    if (prompt, case) in DEVIATIONS:
        assert text != expected, "no deviation any more: strike it out"
    else:
        assert text == expected


def _variables(asked: dict[str, Any]) -> dict[str, Any]:
    """What the parameters say for what llama-server was asked."""
    kwargs = asked.get("chat_template_kwargs", {})
    more = {"tools": asked["tools"]} if "tools" in asked else {}
    return template.variables(
        completed(
            {
                "enable_thinking": "on" if kwargs.get("enable_thinking", True) else "off",
                "reasoning_effort": kwargs.get("reasoning_effort", "auto"),
                "chat_template_kwargs": json.dumps(more) if more else "",
            }
        )
    )


@pytest.mark.parametrize("name", template.names())
def test_a_built_in_template_is_llama_cpps_of_that_name(name: str) -> None:
    eos = "<|endoftext|>" if name == "zephyr" else "</s>"
    text, _ = template.render(template.chosen(name, None), TALK, bos="", eos=eos)
    assert text == _by_llama_cpp(name)


def _by_llama_cpp(name: str) -> str:
    message = binding.llama_chat_message
    chat = (message * len(TALK))(
        *(message(each.role.encode(), each.content.encode()) for each in TALK)
    )
    buffer = ctypes.create_string_buffer(4096)
    size = binding.llama_chat_apply_template(name.encode(), chat, len(TALK), True, buffer, 4096)
    assert 0 < size <= 4096
    return buffer.value.decode()


def test_a_template_may_be_chosen_by_name_or_written_out() -> None:
    assert template.chosen("", CHATML) == CHATML
    assert template.chosen("{{ 1 }}", CHATML) == "{{ 1 }}"
    with pytest.raises(TemplateError, match="no built-in chat template 'chatlm'; there are chatml"):
        template.chosen("chatlm", CHATML)


@pytest.mark.parametrize("source", [NO_SYSTEM, FORGETFUL])
def test_a_system_message_without_a_place_is_merged_and_said(source: str) -> None:
    text, notes = template.render(source, [SYSTEM, USER], bos="<s>", eos="</s>")
    assert "Be brief.\nWhy?" in text
    assert notes == [MERGED_NOTE]


def test_what_hugging_face_templates_use_is_there() -> None:
    source = (
        "{% generation %}{{ {'a': 'é'} | tojson }}{% endgeneration %}"
        "{% for i in range(9) %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% endfor %}"
        "{% macro twice(x) %}{{ x }}{{ x }}{% endmacro %}{{ twice('ab') }}"
        "{% set ns = namespace(n=1) %}{% for i in range(3) %}{% set ns.n = ns.n + i %}{% endfor %}"
        "{{ ns.n }}{{ strftime_now('%Y') }}{{ tools is defined }}"
        "{{ [{'b': 1, 'a': 2}] | tojson(indent=1, separators=(',', ':'), sort_keys=True) }}"
    )
    text, _ = template.render(source, [USER], bos="", eos="", now=datetime(2001, 2, 3))
    assert text == '{"a": "é"}01abab42001False[\n {\n  "a":2,\n  "b":1\n }\n]'


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("line one\n{% if %}", "broken at line 2"),
        ("one\ntwo\n{{ raise_exception('no thanks') }}", "at line 3: no thanks"),
        ("{{ 1 / 0 }}", "at line 1: division by zero"),
        ("{{ messages.__class__.__mro__ }}", "unsafe"),
        ("{{ messages.append(1) }}", "unsafe"),
        ("{{ missing.attribute }}", "'missing' is undefined"),
        ("{{ missing | tojson }}", "cannot be written as JSON"),
        ("{% include '/etc/passwd' %}", "no loader"),
    ],
)
def test_a_bad_template_is_a_sentence(source: str, complaint: str) -> None:
    with pytest.raises(TemplateError) as error:
        template.render(source, [USER], bos="", eos="")
    assert complaint in str(error.value)
