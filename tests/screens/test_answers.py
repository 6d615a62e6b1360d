"""Answers that are not plain: thoughts, a full context, an engine that hangs."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.screens.bench import bench
from tests.waiting import wait_until
from workbench.parameters.kinds import Values
from workbench.screens import exchange

THINKING = (
    "{% for message in messages %}{{ '<|im_start|>' + message.role + '\n' + message.content "
    "+ '<|im_end|>\n' }}{% endfor %}{{ '<|im_start|>assistant\n<think>\n' }}"
)


async def test_thoughts_are_shown_apart_and_kept_out_of_the_answer() -> None:
    values: Values = {
        "chat_template": THINKING,
        "grammar": 'root ::= "Hm, so.\\n</think>\\n\\nYes, "  [a-z]+',
        "max_tokens": 30,
    }
    async with bench(values=values) as b:
        await b.ask("Is it?")
        await b.idle()
        answer = b.screen.exchange.conversation.path()[-1]
        assert answer.thoughts == "Hm, so."
        assert answer.text.startswith("Yes, ")
        # Folded away, with their length, until somebody wants to see them.
        assert "▸ pocket thinks  2 words" in b.said
        assert "Hm, so." not in b.said
        b.screen.chat.transcript.focus()
        await b.pilot.press("k", "space")
        assert b.says("▾ pocket thinks 2 words Hm, so.")
        assert b.said.index("Hm, so.") < b.said.index("Yes,")
        assert "think>" not in b.said


async def test_thoughts_that_a_model_opens_itself_have_one_heading() -> None:
    values: Values = {"grammar": 'root ::= "<think>\\nHm, so.\\n</think>\\n\\nYes."'}
    async with bench(values=values) as b:
        await b.ask("Is it?")
        await b.idle()
        assert b.screen.exchange.conversation.path()[-1].thoughts == "Hm, so."
        kinds = [
            entry.kind for entry in b.screen.chat.transcript.entries if entry.message is not None
        ]
        assert kinds == ["user", "thoughts", "assistant"]


async def test_an_answer_that_ends_within_its_thoughts_says_why() -> None:
    values: Values = {"chat_template": THINKING, "max_tokens": 5, "ignore_eos": True}
    async with bench(values=values) as b:
        await b.ask("Is it?")
        await b.idle()
        assert b.screen.exchange.conversation.path()[-1].text == ""
        assert b.says("max_tokens reached")
        # As it is shown when it is opened again; and it can be asked for once more.
        entries = b.screen.chat.transcript.entries
        assert [entry.kind for entry in entries if entry.message is not None] == [
            "user", "thoughts", "assistant",
        ]  # fmt: skip
        await b.pilot.press("f9")
        assert b.screen.chat.transcript.check_action("regenerate", ())


async def test_what_a_full_context_drops_is_said_before_the_answer_goes_on() -> None:
    values: Values = {
        "n_ctx": 160,
        "context_overflow": "drop",
        "ignore_eos": True,
        "temperature": 0,
        "max_tokens": 50,
    }
    async with bench(values=values) as b:
        for question in ("Hello!", "Who are you?", "And then?"):
            await b.ask(question)
            await b.idle()
        assert b.says("The context is full: the oldest 2 messages")
        assert len(b.screen.exchange.conversation.path()) == 6


async def test_an_engine_that_hangs_is_ended_by_a_second_escape(
    slow_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bench(slow_model, {"temperature": 0, "ignore_eos": True}) as b:
        await b.ask("Go on for ever")
        await b.phase("writing")
        pid = b.engine_pid
        os.kill(pid, signal.SIGSTOP)
        await b.pilot.press("escape")
        await b.phase("stopping")
        await b.pilot.press("escape")
        # A second one at once is no more than a habit.
        assert b.engine_pid == pid
        monkeypatch.setattr(exchange, "_PATIENCE_SECONDS", 0.0)
        await b.pilot.press("escape")
        await b.phase("died")
        assert b.says("The engine died (you ended it)")
        assert b.screen.exchange.conversation.path()[-1].text
        b.screen.parameters.set("max_tokens", 2)
        await b.ask("Still there?")
        await wait_until(lambda: b.says("max_tokens reached"), "an answer")
