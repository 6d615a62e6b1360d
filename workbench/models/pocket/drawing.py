"""The batches of training: rows of conversations, drawn ahead by processes of their own."""

from __future__ import annotations

import json
import multiprocessing
import random
from collections import deque
from collections.abc import Iterator, Sequence
from functools import cache
from multiprocessing.pool import AsyncResult
from pathlib import Path
from typing import Final, NamedTuple

from tokenizers import Tokenizer

from workbench.models.pocket import generated, vocabulary
from workbench.models.pocket.chatml import Turn
from workbench.models.pocket.conversation import Corpus
from workbench.models.pocket.generated import topic_numbers
from workbench.models.pocket.vocabulary import Encoded

IGNORED: Final = -100

# Most rows are short, as most chats are; now and then one shows the network the whole length of
# its context.
_SHORT_ROW: Final = 256
_LONG_EVERY: Final = 8

# What an answer is about is decided by its first words: many beginnings teach more of the
# questions than few whole answers (CARD.md). What begins with no topic, as stories and names do,
# has more to be learned behind its beginning. What a table's row says stands at the very end of
# a short answer ("The capital of China is ..."), so that is never cut.
_CUT_SHARE: Final = 0.85
_CUT_SHARE_WITHOUT_TOPIC: Final = 0.4
_CUT_TOKENS: Final = 5
_AHEAD: Final = 8


class Mix(NamedTuple):
    """What is drawn for a row.

    With ``alone`` it is questions without answers. Or else it is conversations but for the shares
    of ``introductions``, of ``stories``, and in short rows of ``doubts``: questions of which the
    topic heads are in doubt.
    """

    alone: bool = False
    introductions: float = 0.0
    stories: float = 0.0
    doubts: float = 0.0


class Row(NamedTuple):
    """Conversations one after the other: ``n`` numbers each.

    ``targets`` are the tokens that follow ``inputs``; ``topics`` are the numbers of the topics
    that were asked, at the last token before each answer. Both are -100 where there is nothing
    to learn. ``positions`` begin at 0 with each conversation that sees nothing of others.
    """

    inputs: list[int]
    targets: list[int]
    topics: list[int]
    positions: list[int]


class Batch(NamedTuple):
    """Rows of one length: all their inputs, all their targets, and so on."""

    inputs: list[list[int]]
    targets: list[list[int]]
    topics: list[list[int]]
    positions: list[list[int]]


class Order(NamedTuple):
    """What is wanted of a batch: ``tokens`` in all of what ``mix`` says.

    Files are the tokenizer's and that of doubtful questions. ``n_ctx`` is the length of the
    longest rows; ``seed`` and ``step`` say what is drawn.
    """

    tokenizer_file: Path
    doubts_file: Path
    seed: int
    step: int
    tokens: int
    n_ctx: int
    mix: Mix


@cache
def tokenizer_of(file: Path) -> Tokenizer:
    """The tokenizer in ``file``."""
    return Tokenizer.from_file(str(file))


@cache
def doubts_of(file: Path) -> list[tuple[str, str]]:
    """The doubtful questions in ``file``, each with the topic that it is taken for."""
    return [(question, topic) for question, topic in json.loads(file.read_text(encoding="utf-8"))]


def batch(order: Order) -> Batch:
    """The batch that ``order`` asks for."""
    long = not order.mix.alone and order.step % _LONG_EVERY == _LONG_EVERY - 1
    length = order.n_ctx if long else min(_SHORT_ROW, order.n_ctx)
    corpus = Corpus(order.seed * 1_000_003 + order.step)
    # Apart from the conversations: what is cut is not to follow from what is said.
    draw = random.Random(f"cut {order.seed} {order.step}")
    rows = [_row(order, corpus, draw, length) for _ in range(order.tokens // length)]
    if long:
        # One chat, in which all that was said before is seen.
        rows = [row._replace(positions=list(range(length))) for row in rows]
    return Batch(*map(list, zip(*rows, strict=True)))


def _row(order: Order, corpus: Corpus, draw: random.Random, length: int) -> Row:
    row = Row([], [], [], [])
    while len(row.inputs) <= length:
        part = _question(order, corpus) if order.mix.alone else _part(order, corpus, draw, length)
        numbers = {at: topic_numbers()[name] for at, name in part.topics.items()}
        row.inputs.extend(part.tokens)
        row.targets.extend(
            token if learned else IGNORED
            for token, learned in zip(part.tokens, part.learned, strict=True)
        )
        row.topics.extend(numbers.get(at, IGNORED) for at in range(len(part.tokens)))
        row.positions.extend(range(len(part.tokens)))
    # What is to be learned at a token is what follows it.
    return Row(
        row.inputs[:length],
        row.targets[1 : length + 1],
        row.topics[1 : length + 1],
        row.positions[:length],
    )


def _question(order: Order, corpus: Corpus) -> Encoded:
    """A question up to the first token of an answer that is not told."""
    turns = [corpus.question(), Turn("assistant", "")]
    encoded = vocabulary.encoded(tokenizer_of(order.tokenizer_file), turns)
    begun = _begun(encoded, 1)
    return begun._replace(learned=[False] * len(begun.tokens))


def _part(order: Order, corpus: Corpus, draw: random.Random, length: int) -> Encoded:
    """What a row goes on with.

    In short rows only the first words of the first answer are told of doubts, and mostly of
    conversations.
    """
    tokenizer, mix = tokenizer_of(order.tokenizer_file), order.mix
    kinds = {"introduction": mix.introductions, "story": mix.stories}
    if length <= _SHORT_ROW and doubts_of(order.doubts_file):
        kinds["doubt"] = mix.doubts
    kinds["conversation"] = 1 - sum(kinds.values())
    match draw.choices(list(kinds), list(kinds.values()))[0]:
        case "introduction":
            return vocabulary.encoded(tokenizer, corpus.introduction())
        case "story":
            return vocabulary.encoded(tokenizer, corpus.story())
        case "doubt":
            # The topic heads learn as well what they took it for: the first block's states for
            # it then stay what the others learn to go by.
            question, topic = draw.choice(doubts_of(order.doubts_file))
            turns = [Turn("user", question, topic), corpus.answer(topic)]
            return _begun(vocabulary.encoded(tokenizer, turns))
    encoded = vocabulary.encoded(tokenizer, corpus.conversation())
    is_cut = draw.random() < _cut_share(encoded)
    return _begun(encoded) if is_cut and length <= _SHORT_ROW else encoded


def _cut_share(encoded: Encoded) -> float:
    topic = encoded.topics.get(encoded.learned.index(True))
    if topic is None:
        return _CUT_SHARE_WITHOUT_TOPIC
    return 0.0 if topic in _names_of_rows() else _CUT_SHARE


@cache
def _names_of_rows() -> frozenset[str]:
    return frozenset(topic.name for topic in generated.topics() if topic.origin == "row")


def _begun(encoded: Encoded, tokens: int = _CUT_TOKENS) -> Encoded:
    """Only up to the first tokens of the first answer."""
    stop = encoded.learned.index(True) + tokens
    return Encoded(encoded.tokens[:stop], encoded.learned[:stop], encoded.topics)


def batches(orders: Sequence[Order], workers: int) -> Iterator[Batch]:
    """The batches of ``orders``, drawn by ``workers`` processes ahead of their use."""
    ahead: deque[AsyncResult[Batch]] = deque()
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        for order in orders:
            ahead.append(pool.apply_async(batch, (order,)))
            if len(ahead) > _AHEAD * workers:
                yield ahead.popleft().get()
        while ahead:
            yield ahead.popleft().get()
