"""How the network learns: what a step's loss is, which weights are changed how fast."""

from __future__ import annotations

import math
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from workbench.models.pocket.drawing import IGNORED, Batch
from workbench.models.pocket.muon import Muon
from workbench.models.pocket.network import Network
from workbench.models.pocket.topic_heads import TopicHeads

_WARM_UP: Final = 100
# What was learned of questions alone is then changed with care, but not too little: by 0.1 the
# first block forgets less, and the others follow it in far fewer answers (CARD.md). The embeddings
# have yet to learn to be the output.
_LEARNED_SCALE: Final = 0.3
_EMBEDDINGS_SCALE: Final = 0.6


class Learner:
    """Changes a network and its topic heads, a batch at a time."""

    def __init__(self, network: Network, heads: TopicHeads, device: str) -> None:
        self._network = network
        self._heads = heads
        self.optimisers = _optimisers(network, heads, device)

    def learn(self, rows: Batch, rate: float, *, alone: bool) -> float:
        """Learn from a batch, of questions ``alone`` or not, at a rate; returns the loss in nats.

        Of conversations that is the answers' alone.
        """
        for group in (group for each in self.optimisers for group in each.param_groups):
            group["lr"] = rate * (1.0 if alone else group["scale"])
        if alone:
            losses = [question_loss(self._network, self._heads, rows)]
        else:
            losses = [*conversation_losses(self._network, self._heads, rows)]
        self._network.zero_grad()
        self._heads.zero_grad()
        torch.stack(losses).sum().backward()
        weights = [*self._network.parameters(), *self._heads.parameters()]
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        for optimiser in self.optimisers:
            optimiser.step()
        return losses[0].item()


def question_loss(network: Network, heads: TopicHeads, rows: Batch) -> Tensor:
    """Mean cross-entropy of the questions' topics, in nats, of both heads added."""
    inputs, _, topics, positions = _tensors(rows, network)
    asked = topics != IGNORED
    with _fast_products(inputs):
        (first,) = network.states(inputs, positions, blocks=1)
        by_state = heads.by_state(first[asked])
        by_words = heads.by_words(network.token_embd(inputs), positions, asked)
    return functional.cross_entropy(by_state.float(), topics[asked]) + functional.cross_entropy(
        by_words.float(), topics[asked]
    )


def conversation_losses(network: Network, heads: TopicHeads, rows: Batch) -> tuple[Tensor, Tensor]:
    """Mean cross-entropy of the answers' tokens and that of the questions' topics, in nats."""
    inputs, targets, topics, positions = _tensors(rows, network)
    learned, asked = targets != IGNORED, topics != IGNORED
    with _fast_products(inputs):
        states = network.states(inputs, positions)
        logits = network.logits(states[-1][learned])
        by_state = heads.by_state(states[0][asked])
    return (
        functional.cross_entropy(logits.float(), targets[learned]),
        functional.cross_entropy(by_state.float(), topics[asked]),
    )


def _tensors(rows: Batch, network: Network) -> list[Tensor]:
    return [torch.tensor(each, device=network.token_embd.weight.device) for each in rows]


def _fast_products(inputs: Tensor) -> torch.autocast:
    """The weights stay in float32; products are made in bfloat16 where that is faster."""
    return torch.autocast(inputs.device.type, torch.bfloat16, enabled=inputs.is_cuda)


def learning_rate(step: int, steps: int, peak: float) -> float:
    """A linear warm-up, then a half cosine down to a fiftieth."""
    if step < _WARM_UP:
        return peak * (step + 1) / _WARM_UP
    progress = (step - _WARM_UP) / max(1, steps - _WARM_UP)
    return peak * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))


def _optimisers(network: Network, heads: TopicHeads, device: str) -> list[torch.optim.Optimizer]:
    """Of each group ``scale`` is what the rate is multiplied with once conversations are seen."""
    first, *others = network.blocks

    def matrices(part: nn.Module) -> list[nn.Parameter]:
        return [weight for weight in part.parameters() if weight.dim() == 2]

    def group(weights: list[nn.Parameter], decay: float, scale: float = 1.0) -> dict[str, Any]:
        return {"params": weights, "weight_decay": decay, "scale": scale}

    def gains(part: nn.Module) -> list[nn.Parameter]:
        return [weight for weight in part.parameters() if weight.dim() < 2]

    # What the second block is handed on of the topic heads was learned of questions, too.
    handed_on = [
        weight for block in others[:1] for weight in (block.ffn_gate.weight, block.ffn_up.weight)
    ]
    learned = [*matrices(first), *handed_on]
    known = {id(weight) for weight in learned}
    later = [weight for block in others for weight in matrices(block) if id(weight) not in known]
    return [
        Muon([group(learned, 0.1, _LEARNED_SCALE), group(later, 0.1)]),
        torch.optim.AdamW(
            [
                group([network.token_embd.weight], 0.1, _EMBEDDINGS_SCALE),
                group([*heads.parameters()], 0.1),
                group(gains(first), 0.0, _LEARNED_SCALE),
                group([*gains(nn.ModuleList(others)), *gains(network.output_norm)], 0.0),
            ],
            betas=(0.9, 0.95),
            fused=device == "cuda",
        ),
    ]
