"""Heads that say what a question is about. What one of them knows is handed on to the second
block; they themselves are thrown away when the training is over.

A network that only learns to answer learns the questions of the corpus by heart. Which words make
a topic, which holds for other questions too, it learns sooner if it is asked for just that: the
embeddings and the first block of the network are taught so before they are taught to answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

from workbench.models.pocket import generated, vocabulary
from workbench.models.pocket.chatml import Turn
from workbench.models.pocket.corpus import held_out_questions
from workbench.models.pocket.generated import topic_numbers
from workbench.models.pocket.network import Block, Network, Shape, attention_mask

# The mean of a question's embeddings is small: so it makes a difference at once.
_MEAN_SCALE: Final = 10.0
_AT_ONCE: Final = 128


class TopicHeads(nn.Module):
    """One head reads the first block's state before the answer, the other the words' mean."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.of_state = nn.Linear(shape.n_embd, len(topic_numbers()), bias=False)
        self.of_mean = nn.Linear(shape.n_embd, len(topic_numbers()), bias=False)
        for head in (self.of_state, self.of_mean):
            nn.init.normal_(head.weight, std=0.02)

    def by_state(self, states: Tensor) -> Tensor:
        """Logits of the topics, ``(n, topics)``, by the first block's states, ``(n, n_embd)``."""
        logits: Tensor = self.of_state(functional.rms_norm(states, states.shape[-1:]))
        return logits

    def by_words(self, embedded: Tensor, positions: Tensor, asked: Tensor) -> Tensor:
        """Logits of the topics, ``(n, topics)``, by the mean of a conversation's embeddings.

        ``embedded`` is ``(batch, tokens, n_embd)``; ``asked`` marks the ``n`` last tokens before
        an answer among them.
        """
        sums = attention_mask(positions).to(embedded.dtype) @ embedded
        means = sums[asked] / (positions[asked] + 1).unsqueeze(-1)
        logits: Tensor = self.of_mean(_MEAN_SCALE * means)
        return logits

    def hand_on(self, block: Block) -> None:
        """Let ``block`` tell topics as the first block's head does: a unit of its feed-forward
        network for each, as far as it has so many.

        Gate and value of a unit are the same: it grows with the square of the topic's logit, so
        that the likeliest stands out from the others more than in the first block's state.
        """
        with torch.no_grad():
            topics = functional.normalize(self.of_state.weight, dim=-1)[: len(block.ffn_up.weight)]
            for weight in (block.ffn_gate.weight, block.ffn_up.weight):
                weight[: len(topics)] = topics * weight.norm(dim=-1).mean()


def beliefs(
    network: Network,
    heads: TopicHeads,
    tokenizer: Tokenizer,
    questions: Sequence[str],
    device: str,
) -> Tensor:
    """How probable the topics are for both heads together, ``(questions, topics)``.

    Asks as many at once as have the longest one's length: best given in order of their length.
    """
    found = []
    for begun in range(0, len(questions), _AT_ONCE):
        prompts = [
            vocabulary.asked(tokenizer, [Turn("user", question)])
            for question in questions[begun : begun + _AT_ONCE]
        ]
        width = max(map(len, prompts))
        inputs = torch.tensor([tokens + [0] * (width - len(tokens)) for tokens in prompts])
        positions = torch.arange(width).expand(len(prompts), width)
        asked = positions == torch.tensor([len(tokens) - 1 for tokens in prompts]).unsqueeze(-1)
        inputs, positions, asked = inputs.to(device), positions.to(device), asked.to(device)
        with torch.no_grad():
            (first,) = network.states(inputs, blocks=1)
            by_state = heads.by_state(first[asked]).log_softmax(-1)
            by_words = heads.by_words(network.token_embd(inputs), positions, asked).log_softmax(-1)
        found.append((by_state + by_words).softmax(-1).cpu())
    return torch.cat(found)


def held_out_accuracy(
    network: Network, heads: TopicHeads, tokenizer: Tokenizer, device: str
) -> float:
    """The share of held-out questions whose topic the heads know."""
    topics = generated.topics()
    asked = sorted(held_out_questions(topics), key=lambda each: len(each[1]))
    guessed = beliefs(network, heads, tokenizer, [question for _, question in asked], device)
    right = sum(
        topics[number].name in topic.serving
        for (topic, _), number in zip(asked, guessed.argmax(-1).tolist(), strict=True)
    )
    return right / len(asked)
