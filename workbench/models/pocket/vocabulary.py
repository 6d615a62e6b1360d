"""The vocabulary: byte-level BPE with GPT-2's rules, trained on the corpus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from workbench.models.pocket.chatml import END, SPECIAL, START, Turn
from workbench.models.pocket.conversation import Corpus

_TRAINING_CONVERSATIONS: Final = 20_000


def trained(corpus: Corpus, size: int) -> Tokenizer:
    """A tokenizer of ``size`` tokens; the special ones come first."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = (
        text
        for _ in range(_TRAINING_CONVERSATIONS)
        for turn in corpus.conversation()
        # The roles as well: a token each, met in every turn.
        for text in (turn.role, turn.content)
    )
    tokenizer.train_from_iterator(texts, trainer)
    # Beyond what the corpus has to merge there is nothing to learn.
    assert tokenizer.get_vocab_size() == size, tokenizer.get_vocab_size()
    return tokenizer


class Encoded(NamedTuple):
    """A conversation's tokens.

    ``learned`` marks those that are to be learned: the assistant's words and the end of each
    answer. ``topics`` has the index of an answer's first token, and the topic that was asked.
    """

    tokens: list[int]
    learned: list[bool]
    topics: dict[int, str]


def encoded(tokenizer: Tokenizer, turns: Sequence[Turn]) -> Encoded:
    """A conversation as chatml.TEMPLATE writes it."""
    start, end = tokenizer.token_to_id(START), tokenizer.token_to_id(END)
    newline = tokenizer.encode("\n").ids
    tokens: list[int] = []
    learned: list[bool] = []
    topics: dict[int, str] = {}
    topic = ""
    for turn in turns:
        head = [start, *tokenizer.encode(turn.role + "\n").ids]
        body = [*tokenizer.encode(turn.content).ids, end]
        wanted = turn.role == "assistant"
        if wanted and topic:
            topics[len(tokens) + len(head)] = topic
        topic = turn.topic
        tokens += head + body + newline
        learned += [False] * len(head) + [wanted] * len(body) + [False] * len(newline)
    return Encoded(tokens, learned, topics)


def asked(tokenizer: Tokenizer, turns: Sequence[Turn]) -> list[int]:
    """A conversation's tokens up to where the assistant's next answer begins."""
    tokens = encoded(tokenizer, turns).tokens
    start = tokenizer.token_to_id(START)
    return [*tokens, start, *tokenizer.encode("assistant\n").ids]
