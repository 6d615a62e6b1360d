"""The loop: evaluate the prompt, then draw token after token and stream the text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

from workbench.engine.llama.context import ABORTED, CONTEXT_FULL, AbortFlag, Context
from workbench.engine.llama.devices import gpus
from workbench.engine.llama.model import Model
from workbench.engine.memory import PromptMemory
from workbench.engine.overflow import Overflow, Shift
from workbench.engine.pace import Pace
from workbench.engine.protocol import (
    Event,
    Finished,
    FinishReason,
    PromptProgress,
    TextArrived,
    Timings,
    Token,
)
from workbench.engine.sampler import Sampler
from workbench.engine.text import TextFilter
from workbench.parameters.kinds import Values


class Lane:
    """One answer in the making: its sampler, its text, its counters."""

    def __init__(self, sampler: Sampler, text: TextFilter, *, seed: int, max_tokens: int) -> None:
        """``max_tokens`` below 0 sets no limit."""
        self.index = 0
        self.sampler = sampler
        self.text = text
        self.seed = seed
        self.tokens: list[int] = []
        # Not yet reported.
        self.drawn: list[Token] = []
        self.limit(max_tokens)

    def limit(self, max_tokens: int) -> None:
        """Let the answer have at most ``max_tokens`` tokens; below 0 there is no limit."""
        self.n_limit = max_tokens if max_tokens >= 0 else None

    def adjust(self, values: dict[str, Any], held: Sequence[int]) -> None:
        """Go on by other values; ``held`` are the tokens so far, the prompt's first."""
        self.sampler.adjust(values, held)
        self.limit(values["max_tokens"])


class Generation:
    """One request's way through the context: the prompt, then one lane's answer."""

    def __init__(
        self,
        model: Model,
        context: Context,
        memory: PromptMemory,
        abort: AbortFlag,
        *,
        request: int,
        started: float,
        pace: Pace,
        emit: Callable[[Event], None],
        adjustment: Callable[[], Values | None],
        completed: Callable[[Values], dict[str, Any]],
    ) -> None:
        """``started`` is the ``perf_counter`` reading from which time to first token counts.

        ``adjustment`` is asked before every token for values to go on by; ``completed`` adds
        those that are left out.
        """
        self._model = model
        self._context = context
        self._memory = memory
        self._abort = abort
        self._request = request
        self._started = started
        self._emit = emit
        self._adjustment = adjustment
        self._completed = completed
        self._pace = pace
        # When the first token came and when the last one did; a pause to make room moves
        # both on.
        self._first = 0.0
        self._last = 0.0
        self._ttft_ms = 0.0
        self._n_decoded = 0

    def run(self, prompt: Sequence[int], lane: Lane, overflow: Overflow, notes: list[str]) -> None:
        """Answer ``prompt`` and report the end. Raises DecodeError."""
        n_cached = self._memory.reuse(prompt)
        prompt_started = perf_counter()
        read = self._read(prompt, n_cached)
        prompt_seconds = perf_counter() - prompt_started
        reason: FinishReason = "cancelled"
        if read:
            lane.sampler.read_prompt(prompt)
            # The first token comes from the prompt's own logits and takes no decode.
            token = lane.sampler.sample(self._context)
            self._first = self._last = perf_counter()
            self._ttft_ms = (self._first - self._started) * 1e3
            lane.drawn.append(Token())
            reason = self._write(lane, token, overflow)
        lane.text.finish()
        self._report(lane, now=True)
        n_read = len(prompt) - n_cached
        seconds = self._last - self._first
        self._emit(
            Finished(
                request=self._request,
                lane=lane.index,
                reason=reason,
                seed=lane.seed,
                notes=notes,
                devices=gpus(),
                timings=Timings(
                    prompt_tokens=len(prompt),
                    cached_tokens=n_cached,
                    prompt_ms=prompt_seconds * 1e3,
                    prompt_tps=_rate(n_read if read else 0, prompt_seconds),
                    completion_tokens=len(lane.tokens),
                    decode_ms=seconds * 1e3,
                    tps=_rate(self._n_decoded, seconds),
                    ttft_ms=self._ttft_ms,
                    n_context=len(self._memory),
                    n_ctx=self._context.n_ctx,
                ),
            )
        )

    def _read(self, prompt: Sequence[int], n_done: int) -> bool:
        """Evaluate the prompt from ``n_done`` on; False if it was stopped."""
        self._memory.checkpoint()
        n_cached, started = n_done, perf_counter()
        while n_done < len(prompt):
            # llama.cpp computes n_ubatch tokens at a time whatever it is handed, so smaller
            # pieces cost nothing and show how far the prompt has come.
            end = min(n_done + self._context.n_ubatch, len(prompt))
            if self._memory.wants_checkpoints and end == len(prompt) > n_done + 1:
                # The last token alone: the same prompt can then be answered once more.
                end -= 1
            tokens = prompt[n_done:end]
            status = ABORTED if self._abort else self._context.decode(tokens)
            if status:
                self._memory.resync(tokens)
                return False
            self._memory.add(tokens)
            n_done = end
            if n_done == len(prompt) - 1:
                self._memory.checkpoint()
            if n_done == len(prompt) or self._pace.due():
                milliseconds = (perf_counter() - started) * 1e3
                self._emit(
                    PromptProgress(self._request, n_done, len(prompt), n_cached, milliseconds)
                )
        return True

    def _write(self, lane: Lane, token: int | None, overflow: Overflow) -> FinishReason:
        """Draw tokens until the answer ends."""
        while (ended := self._take(lane, token)) is None:
            assert token is not None
            if len(self._memory) >= self._context.n_ctx:
                ended = self._make_room(lane, token, overflow)
            else:
                ended = self._decode(token)
            if ended is not None:
                break
            if (values := self._adjustment()) is not None:
                lane.adjust(self._completed(values), self._memory.tokens)
            token = lane.sampler.sample(self._context)
            now = perf_counter()
            lane.drawn.append(Token((now - self._last) * 1e3))
            self._last = now
            self._n_decoded += 1
        return ended

    def _take(self, lane: Lane, token: int | None) -> FinishReason | None:
        """Count a drawn token and stream its text; the reason if the answer ends here."""
        # None: the grammar is complete, and nothing may follow.
        if token is None:
            return "stop"
        piece, control, ends = self._model.cached_piece(token)
        if ends:
            return "stop"
        lane.tokens.append(token)
        lane.text.feed(piece, control=control)
        self._report(lane)
        if lane.text.stopped:
            return "stop"
        if self._abort:
            return "cancelled"
        if lane.n_limit is not None and len(lane.tokens) >= lane.n_limit:
            return "length"
        return None

    def _decode(self, token: int) -> FinishReason | None:
        status = self._context.decode_one(token)
        if status:
            return "context" if status == CONTEXT_FULL else "cancelled"
        self._memory.add((token,))
        return None

    def _make_room(self, lane: Lane, token: int, overflow: Overflow) -> FinishReason | None:
        """Go on with ``token``, the answer's last, in a context that is full."""
        paused = perf_counter()
        try:
            room = overflow.make_room(self._memory.tokens, lane.tokens)
            if room is None:
                return "context"
            if isinstance(room, Shift):
                self._memory.shift(*room)
                return self._decode(token)
            return None if self._read(room, self._memory.reuse(room)) else "cancelled"
        finally:
            # Making room is not writing: tokens/s leave it out.
            pause = perf_counter() - paused
            self._first += pause
            self._last += pause

    def _report(self, lane: Lane, *, now: bool = False) -> None:
        if not (now or self._pace.due()):
            return
        thoughts, text = lane.text.take()
        drawn, lane.drawn = lane.drawn, []
        self._emit(
            TextArrived(
                request=self._request,
                lane=lane.index,
                thoughts=thoughts,
                text=text,
                n_tokens=len(lane.tokens),
                decode_ms=(self._last - self._first) * 1e3,
                ttft_ms=self._ttft_ms,
                n_context=len(self._memory),
                drawn=drawn,
            )
        )


def _rate(count: int, seconds: float) -> float:
    """Per second; 0 where there was nothing to count."""
    return count / seconds if count and seconds > 0 else 0.0
