"""Answers of the network in torch: greedy, many at once."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from tokenizers import Tokenizer

from workbench.models.pocket import chatml, generated, vocabulary
from workbench.models.pocket.chatml import Turn
from workbench.models.pocket.corpus import held_out
from workbench.models.pocket.nearest import Topics
from workbench.models.pocket.network import Network

_AT_ONCE = 128


def greedy(
    network: Network, tokenizer: Tokenizer, prompts: Sequence[str], limit: int, device: str = "cpu"
) -> list[tuple[str, bool]]:
    """The likeliest answers, token after token, and whether each ended by itself."""
    end = tokenizer.token_to_id(chatml.END)
    answers: list[list[int]] = []
    for begun in range(0, len(prompts), _AT_ONCE):
        part = prompts[begun : begun + _AT_ONCE]
        answers += greedy_tokens(network, tokenizer, part, limit, device)
    return [(tokenizer.decode(tokens), end in tokens) for tokens in answers]


def greedy_tokens(
    network: Network, tokenizer: Tokenizer, prompts: Sequence[str], limit: int, device: str = "cpu"
) -> list[list[int]]:
    """The tokens of the likeliest answers, computed together; the one that ends it is the last."""
    end = tokenizer.token_to_id(chatml.END)
    asked = [vocabulary.asked(tokenizer, [Turn("user", prompt)]) for prompt in prompts]
    lengths = torch.tensor([len(tokens) for tokens in asked], device=device)
    width = int(lengths.max()) + limit
    # What lies behind a row's end is not seen from inside it: attention looks back only.
    rows = torch.tensor([tokens + [end] * (width - len(tokens)) for tokens in asked], device=device)
    at = lengths.clone()
    going = torch.arange(len(prompts), device=device)
    with torch.no_grad():
        for _ in range(limit):
            logits = network(rows[going, : int(at[going].max())])
            token = logits[torch.arange(len(going), device=device), at[going] - 1].argmax(-1)
            going, token = going[token != end], token[token != end]
            if not len(going):
                break
            rows[going, at[going]] = token
            at[going] += 1
    still_going = set(going.tolist())
    return [
        row[len(tokens) : stop] + [end] * (index not in still_going)
        for index, (row, tokens, stop) in enumerate(
            zip(rows.tolist(), asked, at.tolist(), strict=True)
        )
    ]


def held_out_answers(
    network: Network, tokenizer: Tokenizer, device: str
) -> tuple[int, int, list[str]]:
    """How many held-out wordings are answered on their topic, of how many, and the others."""
    topics = generated.topics()
    nearest = Topics(topics)
    asked = [(topic, question) for topic in topics for question in held_out(topic)]
    network.eval()
    answers = greedy(network, tokenizer, [question for _, question in asked], 120, device)
    network.train()
    wrong = [
        f"{topic.name} | {question} | {text} | {nearest.of(text)}{'' if ended else ' (no end)'}"
        for (topic, question), (text, ended) in zip(asked, answers, strict=True)
        if not nearest.is_right(topic, text)
    ]
    return len(asked) - len(wrong), len(asked), wrong
