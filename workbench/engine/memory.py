"""What the context remembers: a beginning is never evaluated twice, whichever lane read it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
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


class _Cells:
    """The context's cells: each holds a token, for one sequence or for several."""

    def __init__(self) -> None:
        self._made = 0
        # The cells that more than one sequence holds, and how many others do.
        self._shared: Counter[int] = Counter()
        self.n_used = 0

    def take(self, count: int) -> range:
        """Cells for new tokens."""
        self.n_used += count
        self._made += count
        return range(self._made - count, self._made)

    def share(self, cells: Sequence[int]) -> None:
        """One more sequence holds them."""
        self._shared.update(cells)

    def release(self, cells: Sequence[int]) -> None:
        """One sequence less holds them."""
        for cell in cells:
            if self._shared[cell] > 0:
                self._shared[cell] -= 1
            else:
                del self._shared[cell]
                self.n_used -= 1


class PromptMemory:
    """The tokens that one sequence of a context holds, in step with llama.cpp's own memory.

    Recurrent, hybrid and sliding-window models cannot forget only the end of what they
    read. For them copies of the part that cannot be cut are kept at places where a
    conversation may be taken up again, as llama-server does with its checkpoints.
    """

    def __init__(self, context: Context, sequence: int, cells: _Cells) -> None:
        self._context = context
        self.sequence = sequence
        self._cells = cells
        self._tokens: list[int] = []
        # Where each of them lies.
        self._places: list[int] = []
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
        if kept < len(self._tokens) and not self._context.cut(self.sequence, kept):
            kept = self._go_back(kept)
        self._drop(kept, len(self._tokens))
        self._checkpoints = [each for each in self._checkpoints if each.n_tokens <= kept]
        return kept

    def take_from(self, other: PromptMemory, count: int) -> None:
        """Hold the first ``count`` tokens of another sequence, and nothing else."""
        self.forget()
        self._context.copy(other.sequence, self.sequence, count)
        self._tokens = other._tokens[:count]
        self._places = other._places[:count]
        self._cells.share(self._places)
        self._checkpoints = [each for each in other._checkpoints if each.n_tokens <= count]

    def add(self, tokens: Sequence[int]) -> None:
        """Note that ``tokens`` have been decoded."""
        self._tokens.extend(tokens)
        self._places.extend(self._cells.take(len(tokens)))

    def _drop(self, first: int, end: int) -> None:
        self._cells.release(self._places[first:end])
        del self._tokens[first:end], self._places[first:end]

    def checkpoint(self) -> None:
        """Make it possible to come back to this place."""
        if not self.wants_checkpoints or not self._tokens:
            return
        kept = [each for each in self._checkpoints if each.n_tokens != len(self._tokens)]
        state = self._context.state(self.sequence, partial=True)
        kept.append(Checkpoint(len(self._tokens), state))
        while len(kept) > 1 and (
            len(kept) > _MOST_CHECKPOINTS
            or sum(len(each.state) for each in kept) > _MOST_CHECKPOINT_BYTES
        ):
            del kept[0]
        self._checkpoints = kept

    def resync(self, tokens: Sequence[int]) -> None:
        """After an aborted decode of ``tokens``: note those llama.cpp has kept."""
        if self._context.is_recurrent:
            # Some layers' running state is then ahead of the others', and cannot be cut: what
            # was read since the last checkpoint is read again.
            self._drop(self._go_back(len(self._tokens)), len(self._tokens))
            return
        kept = self._context.n_held(self.sequence) - len(self._tokens)
        self.add(tokens[: max(kept, 0)])

    def shift(self, n_keep: int, n_discard: int) -> None:
        """Take ``n_discard`` tokens out after the first ``n_keep``."""
        self._context.shift(self.sequence, n_keep, n_discard)
        self._drop(n_keep, n_keep + n_discard)

    def forget(self) -> None:
        """Hold nothing."""
        self._context.forget(self.sequence)
        self._drop(0, len(self._tokens))
        self._checkpoints.clear()

    def saved(self) -> SavedMemory:
        """A copy of what is held."""
        state = self._context.state(self.sequence)
        return SavedMemory(list(self._tokens), state, list(self._checkpoints))

    def restore(self, saved: SavedMemory) -> bool:
        """Hold what was saved elsewhere; False, and nothing held, if llama.cpp refuses it."""
        self.forget()
        restored = (
            len(saved.tokens) <= self._context.n_ctx - self._cells.n_used
            and self._context.restore(self.sequence, saved.state)
            and self._context.n_held(self.sequence) == len(saved.tokens)
        )
        if restored:
            self.add(saved.tokens)
            self._checkpoints = list(saved.checkpoints)
        else:
            self._context.forget(self.sequence)
        return restored

    def _go_back(self, most: int) -> int:
        """Restore the last checkpoint of at most ``most`` tokens; return its length, or 0."""
        for checkpoint in reversed(self._checkpoints):
            if (
                checkpoint.n_tokens <= most
                and self._context.restore(self.sequence, checkpoint.state, partial=True)
                and self._context.cut(self.sequence, checkpoint.n_tokens)
            ):
                return checkpoint.n_tokens
        self._context.forget(self.sequence)
        return 0


class Memories:
    """What the sequences of a context hold, a sequence for each lane."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._cells = _Cells()
        self.lanes = [
            PromptMemory(context, sequence, self._cells) for sequence in range(context.n_sequences)
        ]

    @property
    def n_used(self) -> int:
        """How many of the context's cells are taken."""
        return self._cells.n_used

    @property
    def n_free(self) -> int:
        """How many are not."""
        return int(self._context.n_ctx) - self._cells.n_used

    def of(self, lane: int) -> PromptMemory:
        """A lane's memory; where nothing can be shared it is one for all."""
        return self.lanes[lane if len(self.lanes) > 1 else 0]

    def reuse(self, lane: PromptMemory, prompt: Sequence[int]) -> int:
        """Let ``lane`` hold as much of the prompt as any lane does; return how much that is.

        Its last token is always left to evaluate: sampling needs its logits.
        """
        best = max(self.lanes, key=lambda each: (each.common(prompt), each is lane))
        if best is lane:
            return lane.reuse(prompt)
        common = best.common(prompt)
        lane.take_from(best, common)
        return common

    def make_room(self, count: int, busy: Collection[PromptMemory]) -> bool:
        """Forget lanes that are not ``busy`` until there is room for ``count`` more tokens."""
        # The first is the chat's own: it goes last.
        for lane in reversed(self.lanes):
            if self.n_free >= count:
                break
            if lane not in busy:
                lane.forget()
        return self.n_free >= count

    def forget(self) -> None:
        """Hold nothing."""
        for lane in self.lanes:
            lane.forget()
        self._context.clear()
