"""Answers of the network in torch: greedy, many at once."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from tokenizers import Tokenizer

from workbench.models.pocket import generated, vocabulary
from workbench.models.pocket.conversation import Turn
from workbench.models.pocket.corpus import held_out
from workbench.models.pocket.nearest import Topics
from workbench.models.pocket.network import Network

_AT_ONCE = 128


def greedy(
    network: Network, tokenizer: Tokenizer, prompts: Sequence[str], limit: int, device: str = "cpu"
) -> list[tuple[str, bool]]:
    """The likeliest answers, token after token, and whether each ended by itself."""
    said: list[tuple[str, bool]] = []
    for begun in range(0, len(prompts), _AT_ONCE):
        said += _greedy(network, tokenizer, prompts[begun : begun + _AT_ONCE], limit, device)
    return said


def _greedy(
    network: Network, tokenizer: Tokenizer, prompts: Sequence[str], limit: int, device: str
) -> list[tuple[str, bool]]:
    end = tokenizer.token_to_id(vocabulary.END)
    asked = [vocabulary.asked(tokenizer, [Turn("user", prompt)]) for prompt in prompts]
    lengths = torch.tensor([len(tokens) for tokens in asked], device=device)
    width = int(lengths.max()) + limit
    # What lies behind a row's end is not seen from inside it: attention looks back only.
    rows = torch.tensor([tokens + [end] * (width - len(tokens)) for tokens in asked], device=device)
    every = torch.arange(len(prompts), device=device)
    open_rows = torch.ones(len(prompts), dtype=torch.bool, device=device)
    at = lengths.clone()
    with torch.no_grad():
        for _ in range(limit):
            logits = network(rows[:, : int(at.max())])
            token = logits[every, at - 1].argmax(-1)
            open_rows &= token != end
            rows[every[open_rows], at[open_rows]] = token[open_rows]
            at[open_rows] += 1
            if not open_rows.any():
                break
    ended = (~open_rows).tolist()
    return [
        (tokenizer.decode(row[len(tokens) : stop]), done)
        for row, tokens, stop, done in zip(rows.tolist(), asked, at.tolist(), ended, strict=True)
    ]


def held_out_answers(
    network: Network, tokenizer: Tokenizer, device: str
) -> tuple[int, int, list[str]]:
    """How many held-out wordings are answered on their topic, of how many, and the others."""
    topics = generated.topics()
    nearest = Topics(topics)
    asked = [(topic.name, question) for topic in topics for question in held_out(topic)]
    also = {topic.name: topic.also for topic in topics}
    network.eval()
    answers = greedy(network, tokenizer, [question for _, question in asked], 120, device)
    network.train()
    wrong = [
        f"{name} | {question} | {text} | {nearest.of(text)}{'' if ended else ' (no end)'}"
        for (name, question), (text, ended) in zip(asked, answers, strict=True)
        if not {name, *also[name]} & set(nearest.of(text))
    ]
    return len(asked) - len(wrong), len(asked), wrong
