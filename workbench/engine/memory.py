"""What the context remembers: the prompt's common beginning is never evaluated twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from workbench.engine.llama.context import Context

# A turn needs two; a person who goes back goes back a few turns.
_MOST_CHECKPOINTS: Final = 16
_MOST_CHECKPOINT_BYTES: Final = 512 * 1024 * 1024


class Checkpoint(NamedTuple):
    """What cannot be cut of the memory's state after ``n_tokens``."""

    n_tokens: int
    state: bytearray


class SavedMemory(NamedTuple):
    """All that is needed to take a conversation up again in another context."""

    tokens: list[int]
    state: bytearray | memoryview
    checkpoints: list[Checkpoint]


class PromptMemory:
    """The tokens that a context's sequence holds, in step with llama.cpp's own memory.

    Recurrent, hybrid and sliding-window models cannot forget only the end of what they
    read. For them copies of the part that cannot be cut are kept at places where a
    conversation may be taken up again, as llama-server does with its checkpoints.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._tokens: list[int] = []
        self._checkpoints: list[Checkpoint] = []

    def __len__(self) -> int:
        return len(self._tokens)

    @property
    def tokens(self) -> Sequence[int]:
        """What is held, from the beginning of the prompt."""
        return self._tokens

    @property
    def wants_checkpoints(self) -> bool:
        """Whether this model can only go back to checkpoints."""
        return not self._context.can_cut

    def common(self, prompt: Sequence[int]) -> int:
        """How many tokens ``prompt`` begins with are held, its last one left out.

        At least one token of the prompt is left to evaluate: sampling needs its logits.
        """
        count = 0
        for held, wanted in zip(self._tokens, prompt[:-1], strict=False):
            if held != wanted:
                break
            count += 1
        return count

    def reuse(self, prompt: Sequence[int]) -> int:
        """Keep what ``prompt`` begins with, forget the rest; return the tokens kept."""
        kept = self.common(prompt)
        if kept < len(self._tokens) and not self._context.cut(kept):
            kept = self._go_back(kept)
        del self._tokens[kept:]
        self._checkpoints = [each for each in self._checkpoints if each.n_tokens <= kept]
        return kept

    def add(self, tokens: Sequence[int]) -> None:
        """Note that ``tokens`` have been decoded."""
        self._tokens.extend(tokens)

    def checkpoint(self) -> None:
        """Make it possible to come back to this place."""
        if not self.wants_checkpoints or not self._tokens:
            return
        kept = [each for each in self._checkpoints if each.n_tokens != len(self._tokens)]
        kept.append(Checkpoint(len(self._tokens), self._context.state(partial=True)))
        while len(kept) > 1 and (
            len(kept) > _MOST_CHECKPOINTS
            or sum(len(each.state) for each in kept) > _MOST_CHECKPOINT_BYTES
        ):
            del kept[0]
        self._checkpoints = kept

    def resync(self, tokens: Sequence[int]) -> None:
        """After an aborted decode of ``tokens``: note those llama.cpp has kept."""
        kept = self._context.n_held() - len(self._tokens)
        self._tokens.extend(tokens[: max(kept, 0)])

    def shift(self, n_keep: int, n_discard: int) -> None:
        """Take ``n_discard`` tokens out after the first ``n_keep``."""
        self._context.shift(n_keep, n_discard)
        del self._tokens[n_keep : n_keep + n_discard]

    def forget(self) -> None:
        """Hold nothing."""
        self._context.clear()
        self._tokens.clear()
        self._checkpoints.clear()

    def saved(self) -> SavedMemory:
        """A copy of what is held."""
        return SavedMemory(list(self._tokens), self._context.state(), list(self._checkpoints))

    def restore(self, saved: SavedMemory) -> bool:
        """Hold what was saved elsewhere; False, and nothing held, if llama.cpp refuses it."""
        self.forget()
        restored = (
            len(saved.tokens) <= self._context.n_ctx
            and self._context.restore(saved.state)
            and self._context.n_held() == len(saved.tokens)
        )
        if restored:
            self._tokens = list(saved.tokens)
            self._checkpoints = list(saved.checkpoints)
        else:
            self._context.clear()
        return restored

    def _go_back(self, most: int) -> int:
        """Restore the last checkpoint of at most ``most`` tokens; return its length, or 0."""
        for checkpoint in reversed(self._checkpoints):
            if (
                checkpoint.n_tokens <= most
                and self._context.restore(checkpoint.state, partial=True)
                and self._context.cut(checkpoint.n_tokens)
            ):
                return checkpoint.n_tokens
        self._context.clear()
        return 0
