"""The built-in model, asked through the engine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from gguf import GGUFReader

from tests.engine.reports import answer, loaded, running_engine
from workbench.engine.client import EngineClient
from workbench.engine.protocol import ChatMessage, Loaded, ModelSource
from workbench.models.pocket import MODEL_FILE, generated
from workbench.models.pocket.corpus import content
from workbench.models.pocket.nearest import Topics
from workbench.parameters.table import BY_KEY

POCKET = ModelSource.of(MODEL_FILE)
GREEDY = {"temperature": 0}


@pytest_asyncio.fixture
async def engine(tmp_path: Path) -> AsyncIterator[EngineClient]:
    async with running_engine(tmp_path / "engine.log") as client:
        yield client


@pytest.fixture(scope="module")
def topics() -> Topics:
    return Topics(generated.topics())


def test_the_file_is_small_and_says_what_it_is() -> None:
    assert MODEL_FILE.stat().st_size <= 8_000_000
    reader = GGUFReader(MODEL_FILE)
    fields = {name: field.contents() for name, field in reader.fields.items()}
    assert fields["general.architecture"] == "llama"
    assert fields["general.license"] == "MIT"
    assert fields["general.languages"] == ["en"]
    assert fields["general.description"]
    assert "corpus" in fields["pocket.card"]
    assert "<|im_start|>" in fields["tokenizer.chat_template"]
    end = fields["tokenizer.ggml.tokens"].index("<|im_end|>")
    assert fields["tokenizer.ggml.eos_token_id"] == end
    assert fields["tokenizer.ggml.eot_token_id"] == end
    parameters = sum(int(tensor.n_elements) for tensor in reader.tensors)
    assert 2_500_000 <= parameters <= 7_000_000


async def test_it_says_how_it_wants_to_be_sampled(engine: EngineClient) -> None:
    ready = await loaded(engine, MODEL_FILE)
    assert isinstance(ready, Loaded)
    temperature = ready.model.defaults["temperature"]
    assert isinstance(temperature, float)
    assert 0.1 < temperature < 1.5
    assert not [note for note in ready.notes if "general.sampling" in note]


@pytest.mark.parametrize(
    ("question", "topic"),
    [
        ("Who are you?", "who"),
        ("What is temperature?", "temperature"),
        ("What is a GGUF file?", "gguf"),
        ("How do I stop an answer?", "stop answer"),
        ("What is a token?", "token"),
        ("How do I quit?", "quit"),
        ("What is the default of top_k?", "top_k: default"),
    ],
)
async def test_it_answers_to_the_point_and_ends(
    engine: EngineClient, topics: Topics, question: str, topic: str
) -> None:
    text, finished = await answer(engine, POCKET, GREEDY, [ChatMessage("user", question)])
    assert topic in topics.of(text)
    assert finished.reason == "stop"


async def test_it_knows_the_defaults_of_the_table(engine: EngineClient) -> None:
    for key in ("top_k", "min_p", "n_batch"):
        asked = [ChatMessage("user", f"What is the default of {key}?")]
        text, _ = await answer(engine, POCKET, GREEDY, asked)
        assert BY_KEY[key].text(BY_KEY[key].default) in text


async def test_it_tells_a_story_about_what_was_asked(engine: EngineClient) -> None:
    asked = [ChatMessage("user", "Tell me a story about a fox.")]
    text, finished = await answer(engine, POCKET, {"seed": 5}, asked)
    assert "fox" in text
    # One hero keeps one name.
    assert "Finn" in text
    names = {name for name in content("stories.toml")["names"].values() if f" {name} " in text}
    assert names == {"Finn"}
    assert finished.reason == "stop"
    assert finished.timings.completion_tokens > 80


async def test_it_goes_on_with_a_conversation(engine: EngineClient, topics: Topics) -> None:
    conversation = [ChatMessage("user", "Tell me a joke.")]
    text, _ = await answer(engine, POCKET, GREEDY, conversation)
    conversation += [ChatMessage("assistant", text), ChatMessage("user", "What is a token?")]
    text, finished = await answer(engine, POCKET, GREEDY, conversation)
    assert "token" in topics.of(text)
    assert finished.reason == "stop"


async def test_it_remembers_a_name_in_the_conversation(engine: EngineClient) -> None:
    conversation = [ChatMessage("user", "My name is Peter.")]
    text, _ = await answer(engine, POCKET, GREEDY, conversation)
    assert "Peter" in text
    conversation += [ChatMessage("assistant", text), ChatMessage("user", "What is my name?")]
    text, _ = await answer(engine, POCKET, GREEDY, conversation)
    assert "Peter" in text


async def test_a_system_message_changes_its_manner(engine: EngineClient) -> None:
    question = ChatMessage("user", "What is a token?")
    plain, _ = await answer(engine, POCKET, GREEDY, [question])
    pirate = [ChatMessage("system", "Talk like a pirate."), question]
    said, _ = await answer(engine, POCKET, GREEDY, pirate)
    assert "matey" in said
    assert "matey" not in plain
    brief, _ = await answer(
        engine, POCKET, GREEDY, [ChatMessage("system", "Answer briefly."), question]
    )
    assert len(brief.split()) < len(plain.split())
