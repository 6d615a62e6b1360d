"""Questions of which the topic heads are in doubt, and what they take them for.

Of the corpus's questions they are soon sure. So the later blocks would never meet what the first
one makes of a question that may be about this or that, as other people's may, and would answer it
as it comes.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import torch
from tokenizers import Tokenizer
from torch.nn import functional

from workbench.models.pocket.conversation import Corpus
from workbench.models.pocket.generated import topic_numbers
from workbench.models.pocket.network import Network
from workbench.models.pocket.topic_heads import TopicHeads, beliefs

# For each step some three dozen doubts are drawn: most of them are met two or three times then.
_DRAWN_PER_STEP: Final = 30
_MOST_DRAWN: Final = 100_000
# What people ask is mostly between topics that have much in common, as two questions at random
# have not: a question is mixed with one about one of so many that are the nearest.
_N_RELATED: Final = 16
# Of the corpus's own questions the heads are surer than this.
_SURE: Final = 0.98
# What they take for anything may be anything.
_LOST: Final = 0.2
# A topic is drawn by its probability to this power: mostly the likeliest, but not always where
# the next is nearly as likely.
_SHARPNESS: Final = 2.0


def find(
    file: Path,
    seed: int,
    steps: int,
    network: Network,
    heads: TopicHeads,
    tokenizer: Tokenizer,
    device: str,
) -> None:
    """Write questions to ``file`` that the heads doubt, each with what they take it for.

    They are for a training of ``steps`` steps, of which none has been made yet.
    """
    # By their length: so little is computed for what is missing of the longest.
    count = min(_MOST_DRAWN, _DRAWN_PER_STEP * steps)
    texts = sorted(_mixed_questions(seed, count, related(heads)), key=len)
    probabilities = beliefs(network, heads, tokenizer, texts, device)
    best = probabilities.max(-1).values
    doubtful = ((best < _SURE) & (best > _LOST)).nonzero().squeeze(-1)
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.multinomial(
        probabilities[doubtful] ** _SHARPNESS, 1, generator=generator
    ).squeeze(-1)
    names = list(topic_numbers())
    found = [
        (texts[at], names[number])
        for at, number in zip(doubtful.tolist(), drawn.tolist(), strict=True)
    ]
    beside = file.with_suffix(".new")
    beside.write_text(json.dumps(found), encoding="utf-8")
    beside.replace(file)
    print(f"{len(found):,} doubtful questions of {len(texts):,}", flush=True)


def related(heads: TopicHeads) -> dict[str, list[str]]:
    """For each topic those that it has most words in common with, by the weights of its head."""
    weights = functional.normalize(heads.of_mean.weight.detach(), dim=-1)
    nearest = (weights @ weights.T).fill_diagonal_(-1.0).topk(_N_RELATED).indices
    names = list(topic_numbers())
    return {
        name: [names[number] for number in row]
        for name, row in zip(names, nearest.tolist(), strict=True)
    }


def _mixed_questions(seed: int, count: int, near: Mapping[str, Sequence[str]]) -> list[str]:
    """Questions mixed up; none that the corpus has, or holds out, in these words."""
    corpus, draw = Corpus(seed), random.Random(f"doubts {seed}")
    found: list[str] = []
    while len(found) < count:
        one = corpus.question()
        other = corpus.question(draw.choice(near[one.topic]))
        text = _mixed(draw, one.content, other.content)
        if corpus.is_free(text):
            found.append(text)
    return found


def _mixed(draw: random.Random, one: str, other: str) -> str:
    """A question that goes on as another, has words of another, or lacks some; perhaps itself."""
    words, others = one.split(), other.split()
    kind = draw.randrange(3)
    if kind == 0:
        begun = draw.randint(1, len(words))
        return " ".join(words[:begun] + others[draw.randrange(len(others)) :])
    if kind == 1:
        for _ in range(draw.choice((1, 1, 2))):
            words[draw.randrange(len(words))] = draw.choice(others)
        return " ".join(words)
    return " ".join([word for word in words if draw.random() < 0.6] or words)
