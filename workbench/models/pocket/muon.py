"""Muon: momentum whose matrices are made orthogonal, so that every direction learns alike.

Source: Keller Jordan, "Muon: an optimizer for hidden layers in neural networks" (2024); the scale
that lets AdamW's rates serve: "Muon is scalable for LLM training" (2025). Torch has one too, in
bfloat16, which is slow on a CPU that does not multiply it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import torch
from torch import Tensor, nn

_STEPS: Final = 5
_A, _B, _C = 3.4445, -4.7750, 2.0315


def orthogonal(matrices: Tensor) -> Tensor:
    """The nearest matrices with equal singular values, nearly; ``(count, rows, columns)``."""
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(_STEPS):
        square = x @ x.mT
        x = _A * x + (_B * square + _C * square @ square) @ x
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """For matrices only; embeddings and gains want AdamW. Those without a gradient stay."""

    def __init__(
        self,
        groups: Iterable[dict[str, Any]],
        *,
        momentum: float = 0.95,
    ) -> None:
        """Each group has its own ``weight_decay``."""
        super().__init__(groups, {"lr": 0.0, "momentum": momentum})

    def step(self, closure: Callable[[], Any] | None = None) -> None:  # noqa: ARG002
        """One step; matrices of one shape are made orthogonal together."""
        with torch.no_grad():
            for group in self.param_groups:
                self._step(group)

    def _step(self, group: dict[str, Any]) -> None:
        by_shape: dict[torch.Size, list[nn.Parameter]] = {}
        for weight in (weight for weight in group["params"] if weight.grad is not None):
            by_shape.setdefault(weight.shape, []).append(weight)
        for shape, weights in by_shape.items():
            updates = []
            for weight in weights:
                state = self.state[weight]
                if not state:
                    state["momentum"] = torch.zeros_like(weight)
                state["momentum"].lerp_(weight.grad, 1 - group["momentum"])
                updates.append(weight.grad.lerp(state["momentum"], group["momentum"]))
            scale = 0.2 * max(shape) ** 0.5 * group["lr"]
            for weight, update in zip(weights, orthogonal(torch.stack(updates)), strict=True):
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                weight.add_(update, alpha=-scale)
