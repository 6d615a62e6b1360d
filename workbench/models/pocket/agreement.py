"""The proof that the exported file says what the trained network says."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import gguf
import torch
from tokenizers import Tokenizer

from workbench.models.pocket import chatml, export, vocabulary
from workbench.models.pocket.asked import greedy_answers
from workbench.models.pocket.chatml import Turn
from workbench.models.pocket.network import Network, Shape
from workbench.models.pocket.prompts import PROMPTS

# llama.cpp rounds the activations of quantised products to eight bits as well; two candidates
# as near as this may change places.
_NEAR_TIE: Final = 0.05
# A story comes to dozens of places where it may go on in several ways.
_MOST_PARTED: Final = 8


def check(
    work: Path, out: Path, shape: Shape, kind: gguf.GGMLQuantizationType, *, limit: int = 300
) -> None:
    """Compare greedy answers of the network and of the file; raises AssertionError.

    The network runs with its weights as ``kind`` rounds them. Where an answer parts from the
    file's, the file's token must have been the network's next best by less than a near tie.
    """
    network, tokenizer = export.loaded(work, shape)
    export.round_weights(network, kind)
    expected = _greedy(network, tokenizer, PROMPTS, limit)
    answers = asyncio.run(greedy_answers(out, PROMPTS, limit))
    margins = {}
    for prompt, tokens, answer in zip(PROMPTS, expected, answers, strict=True):
        said = [token.id for token in answer.tokens][:limit]
        if said != tokens:
            margins[prompt] = _margin(network, tokenizer, prompt, tokens, said)
    same = len(PROMPTS) - len(margins)
    print(f"{same} of {len(PROMPTS)} greedy answers are the network's to the last token")
    for prompt, margin in margins.items():
        print(f"  parted at a difference of {margin:.3f} nats: {prompt}")
    worst = max(margins.values(), default=0.0)
    assert len(margins) <= _MOST_PARTED, f"{len(margins)} answers parted"
    assert worst <= _NEAR_TIE, f"an answer parted at {worst:.3f} nats"


def _greedy(
    network: Network, tokenizer: Tokenizer, prompts: Sequence[str], limit: int
) -> list[list[int]]:
    """The tokens of the likeliest answers, computed together; the one that ends it is the last."""
    end = tokenizer.token_to_id(chatml.END)
    asked = [vocabulary.asked(tokenizer, [Turn("user", prompt)]) for prompt in prompts]
    lengths = torch.tensor([len(tokens) for tokens in asked])
    width = int(lengths.max()) + limit
    # What lies behind a row's end is not seen from inside it: attention looks back only.
    rows = torch.tensor([tokens + [end] * (width - len(tokens)) for tokens in asked])
    at = lengths.clone()
    going = torch.arange(len(prompts))
    with torch.no_grad():
        for _ in range(limit):
            states = network.states(rows[going, : int(at[going].max())])[-1]
            last = states[torch.arange(len(going)), at[going] - 1]
            token = network.logits(last).argmax(-1)
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


def _margin(
    network: Network, tokenizer: Tokenizer, prompt: str, tokens: list[int], said: list[int]
) -> float:
    """By how much the network prefers its own token where the answers part, in nats."""
    at = next(
        index
        for index in range(max(len(tokens), len(said)))
        if tokens[index : index + 1] != said[index : index + 1]
    )
    if at >= min(len(tokens), len(said)):
        return float("inf")
    asked = vocabulary.asked(tokenizer, [Turn("user", prompt)])
    with torch.no_grad():
        logits = network(torch.tensor([asked + tokens[:at]]))[0, -1]
    return float(logits[tokens[at]] - logits[said[at]])
