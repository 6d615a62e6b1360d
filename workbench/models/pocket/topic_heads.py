"""Heads that say what a question is about; thrown away when the training is over.

A network that only learns to answer learns the questions of the corpus by heart. Which words make
a topic, which holds for other questions too, it learns sooner if it is asked for just that: the
embeddings and the first block of the network are taught so before they are taught to answer.
"""

from __future__ import annotations

from typing import Final

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

from workbench.models.pocket import generated, vocabulary
from workbench.models.pocket.chatml import Turn
from workbench.models.pocket.corpus import held_out_questions
from workbench.models.pocket.generated import topic_numbers
from workbench.models.pocket.network import Network, Shape, attention_mask

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


def held_out_accuracy(
    network: Network, heads: TopicHeads, tokenizer: Tokenizer, device: str
) -> float:
    """The share of held-out questions whose topic the first block knows."""
    topics = generated.topics()
    asked = sorted(held_out_questions(topics), key=lambda each: len(each[1]))
    right = 0
    for begun in range(0, len(asked), _AT_ONCE):
        part = asked[begun : begun + _AT_ONCE]
        prompts = [vocabulary.asked(tokenizer, [Turn("user", question)]) for _, question in part]
        width = max(map(len, prompts))
        inputs = torch.tensor([tokens + [0] * (width - len(tokens)) for tokens in prompts])
        ends = torch.tensor([len(tokens) - 1 for tokens in prompts])
        with torch.no_grad():
            (first,) = network.states(inputs.to(device), blocks=1)
            guessed = heads.by_state(first[torch.arange(len(part)), ends]).argmax(-1).tolist()
        right += sum(
            topics[number].name in topic.serving
            for (topic, _), number in zip(part, guessed, strict=True)
        )
    return right / len(asked)
