"""What the built-in model's figures are made of; each must be able to be missed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.reports import answer, running_engine
from tests.gguf_files import random_model
from workbench.engine.protocol import ChatMessage, ModelSource
from workbench.models.pocket import MODEL_FILE, evaluate, generated
from workbench.models.pocket.asked import Answer, running
from workbench.models.pocket.copying import heroes_kept, names_repeated
from workbench.models.pocket.corpus import Topic
from workbench.models.pocket.course import Course, plot, read
from workbench.models.pocket.nearest import Topics
from workbench.models.pocket.reading import Vocabulary, Weights
from workbench.models.pocket.wording import plain, sentences


@pytest.fixture(scope="module")
def topics() -> list[Topic]:
    return [topic for topic in generated.topics() if topic.origin == "written"]


def _share_right(asked: list[Topic], answered: list[Topic], nearest: Topics) -> float:
    right = [
        nearest.is_right(topic, plain(other.answer[0]))
        for topic, other in zip(asked, answered, strict=True)
    ]
    return sum(right) / len(right)


def test_answers_of_the_topic_are_right_and_those_of_others_wrong(topics: list[Topic]) -> None:
    nearest = Topics(topics)
    assert _share_right(topics, topics, nearest) == 1
    assert _share_right(topics, topics[7:] + topics[:7], nearest) < 0.1


def test_words_of_no_topic_are_right_nowhere(topics: list[Topic]) -> None:
    assert Topics(topics).of("Xyzzy plugh") == []


def test_loops_are_found() -> None:
    assert evaluate.loops("I am here. I am here. I am here.")
    assert evaluate.loops("no " * 8)
    assert not evaluate.loops("la la la, the sun is high")
    assert not evaluate.loops("One fox and one bear met. One fox and one bear parted.")


def test_words_that_the_corpus_never_says_are_no_english_of_its_own() -> None:
    known = evaluate.known_words()
    assert {"workbench", "fox", "temperature"} <= known
    assert not {"xyzzy", "tempratture"} & known


def test_a_missed_figure_is_marked() -> None:
    figures = [
        evaluate.Figure("good", "90", ">= 85", True),
        evaluate.Figure("bad", "10", ">= 85", False),
    ]
    good, bad = evaluate.table(figures).splitlines()[2:]
    assert good.endswith("| yes |")
    assert bad.endswith("| NO |")


def test_figures_of_wrong_endless_answers_are_missed(topics: list[Topic]) -> None:
    said = Answer("again " * 9, False, [], 1.0)
    asked = [evaluate.Asked(topic, "?", said) for topic in topics[:20]]
    met = [figure.met for figure in evaluate._of_answers(asked, topics) if figure.wanted]
    assert met == [False, False, False]


async def test_who_copies_nothing_is_found_out(tmp_path: Path) -> None:
    async with running(MODEL_FILE) as engine:
        named = await names_repeated(engine)
        assert sum(named) >= 0.9 * len(named)
    model = random_model(tmp_path / "x.gguf", layers=1, width=64, heads=2, forward=64)
    async with running(model) as engine:
        assert not any(await names_repeated(engine))
        assert not any(await heroes_kept(engine))


async def test_numpy_draws_the_tokens_that_the_engine_draws(tmp_path: Path) -> None:
    question = "What is a token?"
    async with running_engine(tmp_path / "engine.log") as engine:
        text, finished = await answer(
            engine,
            ModelSource.of(MODEL_FILE),
            {"temperature": 0},
            [ChatMessage("user", question)],
        )
    words, weights = Vocabulary(MODEL_FILE), Weights(MODEL_FILE)
    prompt, said = words.prompt(question), words.answer(text)
    assert len(prompt) == finished.timings.prompt_tokens
    known = weights.log_probabilities(prompt + said)[len(prompt) - 1 : -1]
    # The engine rounds what it computes with: a near tie may fall the other way.
    assert sum(known.argmax(-1) == said) >= len(said) - 1


def test_a_training_that_goes_on_keeps_its_course(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = {"questions": 40, "conversations": 100}
    first = Course(tmp_path, 0, parts, 1000)
    for step in range(60):
        first.add(step, 4.0 - step / 50)
    again = Course(tmp_path, 50, parts, 1000)
    for step in range(50, 100):
        again.add(step, 2.0)
    points = read(tmp_path / "loss.csv")
    # A part's end is reported as well.
    assert [step for step, _ in points] == [25, 40, 50, 75, 100]
    assert points[0][1] > points[1][1] > points[2][1] > points[3][1] == 2.0
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in said] == [
        ["questions", "25/40"],
        ["questions", "40/40"],
        ["conversations", "50/100"],
        ["conversations", "75/100"],
        ["conversations", "100/100"],
    ]
    assert said[1].endswith(" 0:00 left")
    again.write()
    curves = (tmp_path / "loss.txt").read_text(encoding="utf-8")
    assert curves.count("*") == 5
    assert curves.index("Questions") < curves.index("Conversations")
    assert plot(points).count("*") == 5


def test_the_command_says_what_it_wants() -> None:
    command = [sys.executable, "-m", "workbench.models.pocket.evaluate", "--help"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "--answers" in shown


def test_a_row_says_what_it_says_word_for_word() -> None:
    nearest = Topics(generated.topics())
    japan, cow = (
        next(topic for topic in generated.topics() if topic.name == name)
        for name in ("capitals: Japan", "animals: cow")
    )
    assert nearest.is_right(japan, japan.answer[0])
    assert not nearest.is_right(japan, "The capital of Turkey is Tokyo.")
    assert nearest.is_right(cow, sentences(cow.answer[0])[0])
    assert not nearest.is_right(cow, cow.answer[0].replace("moo", "meow"))
    # Of other topics no sentence is wanted, and a synonym is as good.
    needle = next(topic for topic in generated.topics() if topic.name == "tools: needle")
    assert nearest.is_right(needle, needle.answer[0])
