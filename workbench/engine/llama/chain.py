"""Chains of llama.cpp's samplers."""

from __future__ import annotations

from typing import Any

from workbench.engine.llama.binding import binding
from workbench.engine.llama.context import Context
from workbench.engine.llama.handle import DecodeError, Handle


class SamplerChain(Handle):
    """A chain of llama.cpp's samplers; its last stage must select a token."""

    def __init__(self) -> None:
        self._chain: Any = binding.llama_sampler_chain_init(
            binding.llama_sampler_chain_default_params()
        )

    def add(self, stage: Any) -> None:
        """Append a stage, which the chain then owns."""
        # A NULL stage is no error to llama.cpp until it samples; then it is a segmentation
        # fault. The binding's NULL is a pointer object that is false.
        if not stage:
            raise DecodeError("llama.cpp refused a sampler's parameters")
        binding.llama_sampler_chain_add(self._chain, stage)

    def take_last(self) -> Any:
        """Remove the last stage and hand it over, its random state with it."""
        return binding.llama_sampler_chain_remove(
            self._chain, binding.llama_sampler_chain_n(self._chain) - 1
        )

    def accept(self, token: int) -> None:
        """Let the stages see a token that was not drawn."""
        binding.llama_sampler_accept(self._chain, token)

    def sample(self, context: Context, row: int) -> int:
        """Draw from a row of the last decode's logits; the chain has then accepted the token."""
        return int(binding.llama_sampler_sample(self._chain, context.pointer, row))

    @property
    def pointer(self) -> Any:
        """The ``llama_sampler *``."""
        return self._chain

    def close(self) -> None:
        """Free the chain and its stages."""
        if self._chain:
            binding.llama_sampler_free(self._chain)
            self._chain = None
