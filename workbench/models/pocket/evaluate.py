"""How good the built-in model is: ``python -m workbench.models.pocket.evaluate``.

Runs the file in the engine, asks it what training never saw, and holds the figures against
what is wanted; the exit code is 1 if one is missed. Needs gguf and numpy, but no torch.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from workbench.models.pocket import MODEL_FILE, generated
from workbench.models.pocket.asked import Answer, Engine, running
from workbench.models.pocket.conversation import Corpus
from workbench.models.pocket.copying import heroes_kept, names_repeated
from workbench.models.pocket.corpus import Topic, held_out_questions
from workbench.models.pocket.nearest import Topics, words_of
from workbench.models.pocket.prompts import PROMPTS
from workbench.models.pocket.reading import Vocabulary, Weights
from workbench.models.pocket.wording import plain

_LIMIT: Final = 200
# So many answers are computed again by numpy, which takes its time.
_SAMPLE: Final = 300
_DRAWS: Final = 200
# What else the machine does only ever makes a measured time longer.
_TIMES: Final = 5
_ONE_CORE: Final[Mapping[str, int]] = {"n_threads": 1, "n_threads_batch": 1}
# Conversations enough to meet every word that the corpus can say.
_CONVERSATIONS: Final = 20_000
# A run of words that comes again at once, and again, is a loop.
_LOOP_WORDS: Final = 12
_LOOP_ROUNDS: Final = 3
_LOOP_LENGTH: Final = 8


class Figure(msgspec.Struct, frozen=True):
    """One line of the table; ``met`` is None for what is only reported."""

    name: str
    value: str
    wanted: str = ""
    met: bool | None = None


class Asked(msgspec.Struct, frozen=True):
    """A held-out wording, its topic, and what the model said."""

    topic: Topic
    question: str
    answer: Answer


def loops(text: str) -> bool:
    """Whether a run of words comes three times in a row, or a short one for eight words."""
    words = words_of(text)
    for size in range(1, _LOOP_WORDS + 1):
        # "La la la" is a song.
        rounds = max(_LOOP_ROUNDS, math.ceil(_LOOP_LENGTH / size))
        for at in range(len(words) - size * rounds + 1):
            if words[at : at + size] * rounds == words[at : at + size * rounds]:
                return True
    return False


def known_words() -> set[str]:
    """Every word that the corpus lets the model say."""
    corpus = Corpus(0)
    turns = (turn for _ in range(_CONVERSATIONS) for turn in corpus.conversation())
    answers = (turn.content for turn in turns if turn.role == "assistant")
    return {word for text in answers for word in words_of(text)}


async def asked_of(engine: Engine, topics: Sequence[Topic], share: int) -> list[Asked]:
    """The greedy answers to the held-out wordings, to every ``share``-th of them."""
    values: dict[str, int] = {"temperature": 0, "max_tokens": _LIMIT}
    return [
        Asked(topic, question, await engine.answer(question, values))
        for topic, question in held_out_questions(topics)[::share]
    ]


async def measured(file: Path, share: int) -> tuple[list[Figure], list[Asked]]:
    """Every figure, and the answers that they come from."""
    topics = generated.topics()
    load_ms = [await _load_ms(file) for _ in range(_TIMES)]
    async with running(file, _ONE_CORE) as engine:
        asked = await asked_of(engine, topics, share)
        drawn = [
            await engine.answer(prompt, {"temperature": 0.8, "seed": seed, "max_tokens": _LIMIT})
            for seed, prompt in enumerate((PROMPTS * _DRAWS)[:_DRAWS])
        ]
        hot = await engine.answer(
            "Tell me a story.", {"temperature": 1.5, "seed": 1, "max_tokens": _LIMIT}
        )
        told = [
            await engine.answer("Tell me a story.", {"temperature": 0, "max_tokens": _LIMIT})
            for _ in range(_TIMES)
        ]
        named, kept = await names_repeated(engine), await heroes_kept(engine)
    weights = Weights(file)
    return [
        *_of_answers(asked, topics),
        *_of_draws(drawn, told[0], hot),
        _wanted(f"repeats a name, % of {len(named)}", _percent(named), ">= 90"),
        _wanted(f"a story's hero keeps its name, % of {len(kept)}", _percent(kept), ">= 90"),
        *_of_distributions(weights, Vocabulary(file), asked[:: max(1, len(asked) // _SAMPLE)]),
        _wanted(
            f"tokens/s on one core, a story, best of {_TIMES}",
            max(answer.tokens_a_second for answer in told),
            ">= 600",
        ),
        _wanted(f"load time, ms, best of {_TIMES}", min(load_ms), "< 100"),
        _wanted("file, MB", file.stat().st_size / 1e6, "<= 8"),
        Figure("parameters", f"{weights.n_params:,}"),
    ], asked


async def _load_ms(file: Path) -> float:
    async with running(file, _ONE_CORE) as engine:
        return await engine.load_ms()


def _of_answers(asked: Sequence[Asked], topics: Sequence[Topic]) -> list[Figure]:
    nearest = Topics(topics)
    right = {
        (each.topic.origin, each.question): nearest.is_right(each.topic, each.answer.text)
        for each in asked
    }
    figures = [
        _wanted("right topic, held-out wordings, %", _percent(list(right.values())), ">= 85")
    ]
    for origin in dict.fromkeys(origin for origin, _ in right):
        part = [value for (of, _), value in right.items() if of == origin]
        figures.append(Figure(f"  of {len(part)} from {origin}", f"{_percent(part):.1f}"))
    ended = [each.answer.ended for each in asked]
    looping = sum(loops(each.answer.text) for each in asked)
    return [
        *figures,
        _wanted("ends by itself, %", _percent(ended), ">= 99"),
        _wanted("answers that loop", looping, "<= 0"),
    ]


def _of_draws(drawn: Sequence[Answer], cold: Answer, hot: Answer) -> list[Figure]:
    known = known_words()
    english = [set(words_of(answer.text)) <= known for answer in drawn]
    return [
        _wanted(f"English at temperature 0.8, % of {len(drawn)}", _percent(english), ">= 95"),
        Figure(
            "temperature 0 and 1.5 differ",
            "yes" if cold.text != hot.text else "no",
            "yes",
            cold.text != hot.text,
        ),
    ]


def _of_distributions(weights: Weights, words: Vocabulary, asked: Sequence[Asked]) -> list[Figure]:
    """Perplexity of the answers that the corpus has, entropy of those that the model gave.

    Of a topic's answers the one that the model finds likeliest counts: each of them is right.
    """
    losses: list[float] = []
    entropies: list[float] = []
    for each in asked:
        prompt = words.prompt(each.question)
        said = [token.id for token in each.answer.tokens]
        entropies.append(_entropy(weights.log_probabilities(prompt + said)[len(prompt) - 1 : -1]))
        best = min(
            (_losses(weights, prompt, words.answer(plain(answer))) for answer in each.topic.answer),
            key=statistics.fmean,
        )
        losses += best
    return [
        Figure("perplexity of held-out answers", f"{math.exp(statistics.fmean(losses)):.2f}"),
        _between("entropy of an answer's tokens, mean, nats", statistics.fmean(entropies)),
    ]


def _losses(weights: Weights, prompt: list[int], answer: list[int]) -> list[float]:
    known = weights.log_probabilities(prompt + answer)[len(prompt) - 1 : -1]
    return [-float(row[token]) for row, token in zip(known, answer, strict=True)]


def _entropy(rows: np.ndarray) -> float:
    return float(-(np.exp(rows) * rows).sum(-1).mean())


def _percent(values: Sequence[bool]) -> float:
    return 100 * sum(values) / len(values)


def _wanted(name: str, value: float, wanted: str) -> Figure:
    relation, bound = wanted.split()
    met = {
        ">=": value >= float(bound), "<=": value <= float(bound), "<": value < float(bound),
    }[relation]  # fmt: skip
    return Figure(name, f"{value:,.1f}" if value < 1000 else f"{value:,.0f}", wanted, met)


def _between(name: str, value: float) -> Figure:
    return Figure(name, f"{value:.2f}", "0.1 to 2.5", 0.1 <= value <= 2.5)


def table(figures: Sequence[Figure]) -> str:
    """The figures as a Markdown table."""
    marks: Mapping[bool | None, str] = {True: "yes", False: "NO", None: ""}
    rows = [(each.name, each.value, each.wanted, marks[each.met]) for each in figures]
    lines = ["| figure | value | wanted | met |", "|---|---|---|---|"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def main() -> int:
    """Print the table; 1 if something wanted is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=MODEL_FILE, help="the GGUF to evaluate")
    parser.add_argument("--every", type=int, default=1, help="ask every n-th held-out wording")
    parser.add_argument("--answers", type=Path, help="write the answers to this file")
    arguments = parser.parse_args()
    figures, asked = asyncio.run(measured(arguments.model, arguments.every))
    print(table(figures))
    if arguments.answers:
        nearest = Topics(generated.topics())
        lines = [
            json.dumps(
                {
                    "right": nearest.is_right(each.topic, each.answer.text),
                    "topic": each.topic.name,
                    "question": each.question,
                    "answer": each.answer.text,
                }
            )
            for each in asked
        ]
        arguments.answers.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return int(any(figure.met is False for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
