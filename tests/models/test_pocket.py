"""The built-in model, asked through the engine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from gguf import GGUFReader

from tests.engine.reports import answer, running_engine
from workbench.engine.client import EngineClient
from workbench.engine.protocol import ChatMessage, ModelSource
from workbench.models.pocket import MODEL_FILE, corpus

POCKET = ModelSource.of(MODEL_FILE)
GREEDY = {"temperature": 0}


@pytest_asyncio.fixture
async def engine(tmp_path: Path) -> AsyncIterator[EngineClient]:
    async with running_engine(tmp_path / "engine.log") as client:
        yield client


def test_the_file_is_small_and_says_what_it_is() -> None:
    assert MODEL_FILE.stat().st_size <= 6_000_000
    fields = GGUFReader(MODEL_FILE).fields
    assert fields["general.architecture"].contents() == "llama"
    assert fields["general.license"].contents() == "MIT"
    assert "<|im_start|>" in fields["tokenizer.chat_template"].contents()
    parameters = sum(int(tensor.n_elements) for tensor in GGUFReader(MODEL_FILE).tensors)
    assert 1_000_000 <= parameters <= 3_000_000


@pytest.mark.parametrize(
    ("question", "word"),
    [
        ("Who are you?", "pocket"),
        ("What is temperature?", "temperature"),
        ("What is a GGUF file?", "gguf"),
        ("How do I stop an answer?", "esc"),
        ("What is a token?", "token"),
        ("How do I quit?", "ctrl+q"),
    ],
)
async def test_it_answers_to_the_point_and_ends(
    engine: EngineClient, question: str, word: str
) -> None:
    text, finished = await answer(engine, POCKET, GREEDY, [ChatMessage("user", question)])
    assert word in text.lower()
    assert finished.reason == "stop"


async def test_it_tells_a_story_about_what_was_asked(engine: EngineClient) -> None:
    asked = [ChatMessage("user", "Tell me a story about a fox.")]
    text, finished = await answer(engine, POCKET, {"seed": 5}, asked)
    assert "fox" in text
    # One hero keeps one name.
    assert "Finn" in text
    names = {name for name in corpus.story_names() if name in text}
    assert names == {"Finn"}
    assert finished.reason == "stop"
    assert finished.timings.completion_tokens > 80


async def test_it_goes_on_with_a_conversation(engine: EngineClient) -> None:
    conversation = [ChatMessage("user", "Tell me a joke.")]
    text, _ = await answer(engine, POCKET, GREEDY, conversation)
    conversation += [ChatMessage("assistant", text), ChatMessage("user", "What is a token?")]
    text, finished = await answer(engine, POCKET, GREEDY, conversation)
    assert "token" in text.lower()
    assert finished.reason == "stop"


def test_every_text_of_the_corpus_is_filled_in() -> None:
    drawn = corpus.Corpus(seed=7)
    turns = [turn for _ in range(3000) for turn in drawn.conversation()]
    assert not [turn for turn in turns if set(turn.content) & set("{}|") or not turn.content]
    assert {turn.role for turn in turns} == {"system", "user", "assistant"}


def test_unseen_wordings_are_never_drawn() -> None:
    drawn = corpus.Corpus(seed=7)
    kept = {corpus.letters_of(text) for topic in corpus.topics() for text in corpus.unseen(topic)}
    asked = {corpus.letters_of(turn.content) for _ in range(5000) for turn in drawn.conversation()}
    assert len(kept) > 50
    assert not kept & asked


def test_a_seed_gives_a_corpus() -> None:
    first, again, other = (corpus.Corpus(seed).conversation() for seed in (1, 1, 2))
    assert first == again
    assert first != other
