"""What every side of a comparison is run with.

llama.cpp's own defaults, which are also llama-bench's and Workbench's: batches of 2048, of
which 512 are computed at a time, an F16 KV memory, weights mapped from the file where the
build can use them as they are, flash attention where the build has it (the CPU's has). All
layers stay on the CPU.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import msgspec

N_BATCH: Final = 2048
N_UBATCH: Final = 512


class Job(msgspec.Struct, frozen=True):
    """One side's share of a round: ``repetitions`` prompts, then as many answers."""

    model: bytes
    threads: int
    n_prompt: int
    n_answer: int
    repetitions: int

    @property
    def file(self) -> Path:
        """The model file."""
        return Path(os.fsdecode(self.model))

    @property
    def n_ctx(self) -> int:
        """Room for either, in llama.cpp's steps of 256."""
        return -(-(self.n_prompt + self.n_answer) // 256) * 256


class Samples(msgspec.Struct, frozen=True):
    """Tokens per second, one for each repetition."""

    prompt: list[float]
    generation: list[float]
