"""The vocabulary: byte-level BPE with GPT-2's rules, trained on the corpus."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from workbench.models.pocket.asking import torn
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
    texts = (turn.content for _ in range(_TRAINING_CONVERSATIONS) for turn in corpus.conversation())
    tokenizer.train_from_iterator(texts, trainer)
    # Beyond what the corpus has to merge there is nothing to learn.
    assert tokenizer.get_vocab_size() == size, tokenizer.get_vocab_size()
    return tokenizer


def encoded(
    tokenizer: Tokenizer, turns: Sequence[Turn], draw: random.Random | None = None
) -> tuple[list[int], list[bool]]:
    """A conversation's tokens as chatml.TEMPLATE writes it, and which of them are to be learned.

    With ``draw`` a person's words are torn here and there. Learned are the assistant's words and
    the end of each answer.
    """
    start, end = tokenizer.token_to_id(START), tokenizer.token_to_id(END)
    newline = tokenizer.encode("\n").ids
    tokens: list[int] = []
    learned: list[bool] = []
    for turn in turns:
        head = [start, *tokenizer.encode(turn.role + "\n").ids]
        parts = [turn.content]
        if draw and turn.role == "user":
            parts = torn(turn.content, draw)
        body = [token for part in parts for token in tokenizer.encode(part).ids] + [end]
        tokens += head + body + newline
        wanted = turn.role == "assistant"
        learned += [False] * len(head) + [wanted] * len(body) + [False] * len(newline)
    return tokens, learned


def asked(tokenizer: Tokenizer, turns: Sequence[Turn]) -> list[int]:
    """A conversation's tokens up to where the assistant's next answer begins."""
    tokens, _ = encoded(tokenizer, turns)
    start = tokenizer.token_to_id(START)
    return [*tokens, start, *tokenizer.encode("assistant\n").ids]
