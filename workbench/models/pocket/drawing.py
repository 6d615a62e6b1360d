"""The batches of training: rows of conversations, drawn ahead by processes of their own."""

from __future__ import annotations

import multiprocessing
import random
from collections import deque
from collections.abc import Iterator, Sequence
from functools import cache
from multiprocessing.pool import AsyncResult
from pathlib import Path
from typing import Final, NamedTuple

from tokenizers import Tokenizer

from workbench.models.pocket import vocabulary
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
# questions than few whole answers. With 80 % cut instead of 60, and with rows whose conversations
# see nothing of each other, a network of 6 layers answered 74.6 % of held-out questions on their
# topic instead of 71.5, after as many tokens (12 million). With 90 %, and cut always at the first
# answer, it forgot names from one exchange to the next.
_CUT_SHARE: Final = 0.75
_CUT_TOKENS: Final = 5
_AHEAD: Final = 8


class Row(NamedTuple):
    """Conversations one after the other: ``n`` numbers each.

    ``targets`` are the tokens that follow ``inputs``; ``topics`` are the numbers of the topics
    that were asked, at the last token before each answer. Both are -100 where there is nothing
    to learn. ``positions`` begin at 0 with each conversation that sees nothing of others.
    ``hidden`` marks what the first block alone sees.
    """

    inputs: list[int]
    targets: list[int]
    topics: list[int]
    positions: list[int]
    hidden: list[bool]


class Batch(NamedTuple):
    """Rows of one length: all their inputs, all their targets, and so on."""

    inputs: list[list[int]]
    targets: list[list[int]]
    topics: list[list[int]]
    positions: list[list[int]]
    hidden: list[list[bool]]


class Order(NamedTuple):
    """What is wanted of a batch: ``tokens`` in all, of questions alone or of conversations.

    ``n_ctx`` is the length of the longest rows; ``seed`` and ``step`` say what is drawn.
    """

    tokenizer_file: Path
    seed: int
    step: int
    tokens: int
    n_ctx: int
    questions: bool


@cache
def tokenizer_of(file: Path) -> Tokenizer:
    """The tokenizer in ``file``."""
    return Tokenizer.from_file(str(file))


def batch(order: Order) -> Batch:
    """The batch that ``order`` asks for."""
    long = not order.questions and order.step % _LONG_EVERY == _LONG_EVERY - 1
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
    row = Row([], [], [], [], [])
    tokenizer = tokenizer_of(order.tokenizer_file)
    while len(row.inputs) <= length:
        part = (
            _question(tokenizer, corpus)
            if order.questions
            else _conversation(tokenizer, corpus, draw, whole=length > _SHORT_ROW)
        )
        numbers = {at: topic_numbers()[name] for at, name in part.topics.items()}
        row.inputs.extend(part.tokens)
        row.targets.extend(
            token if learned else IGNORED
            for token, learned in zip(part.tokens, part.learned, strict=True)
        )
        row.topics.extend(numbers.get(at, IGNORED) for at in range(len(part.tokens)))
        row.positions.extend(range(len(part.tokens)))
        row.hidden.extend(part.asking)
    # What is to be learned at a token is what follows it.
    return Row(
        row.inputs[:length],
        row.targets[1 : length + 1],
        row.topics[1 : length + 1],
        row.positions[:length],
        row.hidden[:length],
    )


def _question(tokenizer: Tokenizer, corpus: Corpus) -> Encoded:
    """A question up to the first token of an answer that is not told."""
    encoded = vocabulary.encoded(tokenizer, [corpus.question(), Turn("assistant", "")])
    stop = encoded.learned.index(True) + 1
    return Encoded(encoded.tokens[:stop], [False] * stop, encoded.topics, [False] * stop)


def _conversation(
    tokenizer: Tokenizer, corpus: Corpus, draw: random.Random, *, whole: bool
) -> Encoded:
    """A conversation, mostly only up to the first words of an answer unless it is to be whole.

    Only the first block sees what asks for a topic then.
    """
    encoded = vocabulary.encoded(tokenizer, corpus.conversation())
    if whole or draw.random() >= _CUT_SHARE:
        return encoded._replace(asking=[False] * len(encoded.tokens))
    learned = encoded.learned
    begun = [at for at in range(1, len(learned)) if learned[at] and not learned[at - 1]]
    stop = draw.choice(begun) + _CUT_TOKENS
    return Encoded(
        encoded.tokens[:stop], encoded.learned[:stop], encoded.topics, encoded.asking[:stop]
    )


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
