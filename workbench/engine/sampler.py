"""The sampler chain: from parameters to llama.cpp's samplers, in llama-server's order."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

from workbench.engine.llama.backend import binding
from workbench.engine.llama.chain import SamplerChain
from workbench.engine.llama.model import Model
from workbench.parameters.table import BY_KEY, Value, Values

_RANDOM_SEED: Final = BY_KEY["seed"].default
_LARGEST_SEED: Final = int(BY_KEY["seed"].maximum)


def chosen_seed(seed: Value) -> int:
    """The seed to draw with: the given one, or a fresh one where a random one is asked."""
    return random.randint(0, _LARGEST_SEED) if seed == _RANDOM_SEED else int(seed)


class Sampler(SamplerChain):
    """Draws the tokens of one lane.

    The order is llama.cpp's own (``common_params_sampling::samplers`` in common/common.h):
    penalties, top_k, top_p, min_p, temperature, then the draw. With temperature 0 llama.cpp
    leaves the likeliest token alone in the race.
    """

    def __init__(self, model: Model, values: Values, *, seed: int) -> None:
        """``values`` holds every answering parameter."""
        super().__init__()
        self._last_n = int(values["repeat_last_n"])
        for stage in (
            binding.llama_sampler_init_penalties(
                model.n_vocab, self._last_n, values["repeat_penalty"], 0.0, 0.0
            ),
            binding.llama_sampler_init_top_k(int(values["top_k"])),
            binding.llama_sampler_init_top_p(values["top_p"], 1),
            binding.llama_sampler_init_min_p(values["min_p"], 1),
            binding.llama_sampler_init_temp(values["temperature"]),
            binding.llama_sampler_init_dist(seed),
        ):
            self.add(stage)

    def read_prompt(self, tokens: Sequence[int]) -> None:
        """Let the penalties see the end of the prompt, as llama-server does."""
        for token in tokens[-self._last_n :] if self._last_n else ():
            self.accept(token)
