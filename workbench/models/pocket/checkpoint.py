"""What a training goes on from after an interruption."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import nn

from workbench.models.pocket.corpus import digest
from workbench.models.pocket.generated import topic_numbers


class Checkpoint:
    """Weights, heads and optimisers of a run, in ``checkpoint.pt`` of its folder."""

    def __init__(
        self,
        work: Path,
        run: Mapping[str, object],
        network: nn.Module,
        heads: nn.Module,
        optimisers: Sequence[torch.optim.Optimizer],
    ) -> None:
        """``run`` is what a run must have in common with the one that it goes on with."""
        self._file = work / "checkpoint.pt"
        # The heads know the topics by number; with other texts others would be held out.
        self._run = {**run, "topics": list(topic_numbers()), "corpus": digest()}
        self._network = network
        self._heads = heads
        self._optimisers = optimisers

    def load(self, device: str) -> int:
        """Take up what is there; returns how many steps are done.

        Raises SystemExit if it was left by another run.
        """
        if not self._file.exists():
            return 0
        saved = torch.load(self._file, weights_only=True, map_location=device)
        if saved["run"] != self._run:
            raise SystemExit(
                f"{self._file} is of a training with other measures or another corpus: "
                "give another --work, or remove it."
            )
        self._network.load_state_dict(saved["network"])
        self._heads.load_state_dict(saved["heads"])
        for optimiser, state in zip(self._optimisers, saved["optimisers"], strict=True):
            optimiser.load_state_dict(state)
        done: int = saved["step"]
        return done

    def save(self, done: int) -> None:
        """Keep all of it; an interruption leaves the file before or this one."""
        beside = self._file.with_suffix(".new")
        state = {
            "run": self._run,
            "network": self._network.state_dict(),
            "heads": self._heads.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self._optimisers],
            "step": done,
        }
        torch.save(state, beside)
        beside.replace(self._file)
