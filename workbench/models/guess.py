"""A model's build guessed from its size: for an estimate before its header is read."""

from __future__ import annotations

from math import sqrt

from workbench.models.hub.repository import Variant
from workbench.models.hub.search import Summary
from workbench.models.shape import Shape


def guessed_of(summary: Summary, variant: Variant) -> Shape | None:
    """The build of a file on the Hub, by what the Hub says of it; None if that is too little."""
    if not (summary.n_parameters and variant.size):
        return None
    return guessed(
        architecture=summary.architecture,
        n_params=summary.n_parameters,
        n_ctx=summary.n_ctx,
        size=variant.size,
    )


def guessed(*, architecture: str, n_params: int, n_ctx: int, size: int) -> Shape:
    """The usual build of a dense model of ``n_params`` parameters in ``size`` bytes.

    Layers as Llama 3 and Qwen 2.5 have them from 1 to 70 billion parameters (16 to 80), with
    heads that share a thousand keys and values each. How much of a mixture of experts one token
    goes through cannot be guessed: ``read`` is 0 then.
    """
    billions = max(0.05, n_params / 1e9)
    layers = max(4, min(100, round(16 * billions**0.38)))
    shared = 1024 if billions > 2 else 512
    return Shape(
        architecture=architecture,
        quantisation="",
        n_params=n_params,
        n_layers=layers,
        n_ctx=n_ctx,
        n_vocab=100_000,
        width=round(sqrt(n_params / (12 * layers))),
        weights=size,
        read=0 if "moe" in architecture.lower() else size,
        cells=((shared, shared),) * layers,
    )
