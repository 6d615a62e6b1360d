from __future__ import annotations

import pytest

from workbench.engine import template
from workbench.engine.protocol import ChatMessage
from workbench.engine.template import MERGED_NOTE, TemplateError

SYSTEM = ChatMessage("system", "Be brief.")
USER = ChatMessage("user", "Why?")

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
NO_SYSTEM = (
    "{{ bos_token }}{% for message in messages %}{% if message.role == 'system' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}"
    "[{{ message.role }}]{{ message.content }}{{ eos_token }}{% endfor %}"
)


def test_a_template_renders_the_conversation() -> None:
    text, notes = template.render(CHATML, [SYSTEM, USER], bos="", eos="")
    assert text == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nWhy?<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    assert notes == []


def test_without_a_template_the_text_is_plain() -> None:
    assert template.render(None, [SYSTEM, USER], bos="<s>", eos="") == ("Be brief.\nWhy?", [])


def test_a_refused_system_message_is_merged_and_said() -> None:
    text, notes = template.render(NO_SYSTEM, [SYSTEM, USER], bos="<s>", eos="</s>")
    assert text == "<s>[user]Be brief.\n\nWhy?</s>"
    assert notes == [MERGED_NOTE]


def test_what_hugging_face_templates_use_is_there() -> None:
    source = (
        "{% generation %}{{ {'a': 'é'} | tojson }}{% endgeneration %}"
        "{% for i in range(9) %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% endfor %}"
        "{{ strftime_now('%Y') | length }}"
    )
    assert template.render(source, [USER], bos="", eos="")[0] == '{"a": "é"}014'


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("line one\n{% if %}", "broken at line 2"),
        ("{{ raise_exception('no thanks') }}", "no thanks"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ messages.__class__.__mro__ }}", "unsafe"),
        ("{{ messages.append(1) }}", "unsafe"),
        ("{{ missing.attribute }}", "'missing' is undefined"),
    ],
)
def test_a_bad_template_is_a_sentence(source: str, complaint: str) -> None:
    with pytest.raises(TemplateError) as error:
        template.render(source, [USER], bos="", eos="")
    assert complaint in str(error.value)
