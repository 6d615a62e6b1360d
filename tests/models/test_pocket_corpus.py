"""The corpus that the built-in model is trained on, and the conversations drawn from it."""

from __future__ import annotations

import random
import re
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from tests.models import pocket_keys
from workbench.models.pocket import corpus, generated
from workbench.models.pocket.asking import Asking
from workbench.models.pocket.conversation import Corpus
from workbench.models.pocket.corpus import (
    Topic,
    exchanges,
    held_out_entries,
    kept_out,
    synonyms,
    wordings,
)
from workbench.models.pocket.nearest import Topics
from workbench.models.pocket.wording import drawn, expanded, letters_of
from workbench.parameters.table import TABLE


@pytest.fixture(scope="module")
def topics() -> list[Topic]:
    return generated.topics()


def test_it_has_questions_enough(topics: list[Topic]) -> None:
    entries = {letters_of(entry) for topic in topics for entry in topic.ask}
    written = {
        letters_of(entry) for topic in topics if topic.origin == "written" for entry in topic.ask
    }
    assert len(entries) >= 2000
    assert len(written) >= 2000


def test_a_wording_belongs_to_one_topic(topics: list[Topic]) -> None:
    names = Counter(topic.name for topic in topics)
    assert max(names.values()) == 1
    owners: dict[str, str] = {}
    for topic in topics:
        for text in wordings(topic):
            assert owners.setdefault(letters_of(text), topic.name) == topic.name, text


def test_every_parameter_is_explained_with_its_default_and_its_values(topics: list[Topic]) -> None:
    for parameter in TABLE:
        asked = letters_of(f"What is the default of {parameter.key}?")
        [topic] = [each for each in topics if asked in map(letters_of, wordings(each))]
        default = parameter.text(parameter.default)
        assert any(default in answer for answer in topic.answer)


def test_the_keys_are_those_of_the_screen() -> None:
    assert pocket_keys.FILE.read_text(encoding="utf-8") == pocket_keys.text(), (
        "the keys have changed: python -m tests.models.pocket_keys writes them anew, "
        "and the model learns them at its next training"
    )


def test_a_tenth_of_the_entries_is_held_out(topics: list[Topic]) -> None:
    for topic in topics:
        left_out = held_out_entries(topic)
        most = sum(max(1, round(len(each) / 10)) for each in (topic.ask, topic.further))
        assert len(left_out) <= most
        assert left_out == held_out_entries(topic)
    entries = sum(len(topic.entries) for topic in topics)
    assert sum(len(held_out_entries(topic)) for topic in topics) >= entries / 10


def test_what_is_held_out_is_never_asked(topics: list[Topic]) -> None:
    drawn = Corpus(seed=7)
    kept = kept_out(topics)
    asked = {
        letters_of(turn.content)
        for _ in range(5000)
        for turn in drawn.conversation()
        if turn.role == "user"
    }
    assert len(asked) > 3000
    assert not kept & asked


def test_all_that_an_entry_expands_to_is_held_out_with_it(topics: list[Topic]) -> None:
    kept = kept_out(topics)
    topic = next(each for each in topics if any("|" in entry for entry in held_out_entries(each)))
    entry = next(entry for entry in held_out_entries(topic) if "|" in entry)
    assert {letters_of(text) for text in expanded(entry)} <= kept


def test_further_entries_leave_held_out_what_was(topics: list[Topic]) -> None:
    topic = next(each for each in topics if each.further and held_out_entries(each))
    before = held_out_entries(msgspec.structs.replace(topic, further=[]))
    assert before
    assert held_out_entries(topic)[: len(before)] == before
    assert set(held_out_entries(topic)[len(before) :]) <= set(topic.further)


def test_a_question_alone_says_what_it_is_about(topics: list[Topic]) -> None:
    drawn = Corpus(seed=7)
    asked = [drawn.question() for _ in range(3000)]
    assert {turn.role for turn in asked} == {"user"}
    assert {turn.topic for turn in asked} <= {topic.name for topic in topics}
    assert len({turn.topic for turn in asked}) > len(topics) / 2
    kept = kept_out(topics)
    assert not [turn for turn in asked if letters_of(turn.content) in kept]
    # Asked as it is written, a question is one of its topic's.
    owners = {letters_of(text): topic.name for topic in topics for text in wordings(topic)}
    known = [turn for turn in asked if letters_of(turn.content) in owners]
    assert len(known) > 500
    assert all(owners[letters_of(turn.content)] == turn.topic for turn in known)


def test_no_topics_wording_is_free(topics: list[Topic]) -> None:
    corpus = Corpus(seed=7)
    topic = next(each for each in topics if held_out_entries(each))
    assert not any(corpus.is_free(text) for text in wordings(topic))
    assert corpus.is_free("Which top_k is a story about the moon?")


def test_every_text_is_filled_in() -> None:
    drawn = Corpus(seed=7)
    turns = [turn for _ in range(3000) for turn in drawn.conversation()]
    # What is not filled in has braces; a grammar's example has a bar of its own.
    assert not [turn for turn in turns if set(turn.content) & set("{}") or not turn.content]
    assert {turn.role for turn in turns} == {"system", "user", "assistant"}
    assert all(turn.content.isascii() for turn in turns)


def test_a_seed_gives_a_corpus() -> None:
    first, again, other = (Corpus(seed).conversation() for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_a_question_is_not_put_in_the_words_of_another_topic() -> None:
    asking = Asking.__new__(Asking)
    asking._kept_out, asking._owners = {"how do i leave"}, {"what is a fox": "fox"}
    assert asking.allowed("What is a fox?", "fox")
    assert not asking.allowed("What is a fox?", "bear")
    assert not asking.allowed("How do I leave?!", "quit")


def test_an_exchange_begins_with_its_topics_answer(topics: list[Topic]) -> None:
    nearest, draw = Topics(topics), random.Random(1)
    owners = {letters_of(text): topic for topic in topics for text in wordings(topic)}
    begun = 0
    for question, answer, *_ in exchanges():
        topic = owners.get(letters_of(drawn(question, draw)))
        if topic is not None:
            begun += 1
            assert topic.serving & {*nearest.of(drawn(answer, draw))}, (question, answer)
    assert begun > 20


def test_a_synonym_stands_where_its_word_did() -> None:
    """Whatever is exchanged, and however often, articles and neighbours are still right."""
    wrong = re.compile(r"\ba [aeio]|\ban [^aeiouhFMLNRSX8]|\b(how|as|too) lots\b|\bwould such\b")
    firsts = [first for first, *_ in synonyms()]
    assert not {*firsts} & {other for _, *others in synonyms() for other in others}
    drawing = Corpus(3)
    said = {
        turn.content
        for _ in range(4000)
        for turn in drawing.conversation()
        if turn.role == "assistant"
    }
    assert not [text for text in said if wrong.search(text)]


def test_another_corpus_is_known_from_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = corpus.digest()
    assert before == corpus.digest()
    for file in corpus.FOLDER.glob("*.toml"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(corpus, "FOLDER", tmp_path)
    assert corpus.digest() == before
    with (tmp_path / "names.toml").open("a") as names:
        names.write("# one more word\n")
    assert corpus.digest() != before
