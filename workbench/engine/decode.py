"""The loop: evaluate the prompt, then draw token after token and stream the text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter

from workbench.engine.llama.context import ABORTED, CONTEXT_FULL, AbortFlag, Context
from workbench.engine.llama.model import Model
from workbench.engine.memory import PromptMemory
from workbench.engine.pace import Pace
from workbench.engine.protocol import (
    Event,
    Finished,
    FinishReason,
    PromptProgress,
    TextArrived,
    Timings,
)
from workbench.engine.sampler import Sampler
from workbench.engine.text import TextFilter


class PromptError(ValueError):
    """The prompt cannot be answered: it is empty, or does not fit into the context."""


class Lane:
    """One answer in the making: its sampler, its text, its counters."""

    def __init__(self, sampler: Sampler, *, seed: int, max_tokens: int) -> None:
        """``max_tokens`` below 0 sets no limit."""
        self.index = 0
        self.sampler = sampler
        self.seed = seed
        self.text = TextFilter()
        self.n_tokens = 0
        self.n_limit = max_tokens if max_tokens >= 0 else None


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
        emit: Callable[[Event], None],
    ) -> None:
        """``started`` is the ``perf_counter`` reading from which time to first token counts."""
        self._model = model
        self._context = context
        self._memory = memory
        self._abort = abort
        self._request = request
        self._started = started
        self._emit = emit
        self._pace = Pace()
        self._pending: list[str] = []

    def run(self, prompt: Sequence[int], lane: Lane, notes: list[str]) -> None:
        """Answer ``prompt`` and report the end. Raises PromptError or DecodeError."""
        if len(prompt) >= self._context.n_ctx:
            raise PromptError(
                f"the conversation has {len(prompt)} tokens and the context holds "
                f"{self._context.n_ctx}: raise n_ctx, or make it shorter"
            )
        n_cached = self._memory.reuse(prompt)
        prompt_started = perf_counter()
        read = self._read(prompt, n_cached)
        prompt_seconds = perf_counter() - prompt_started

        first = last = 0.0
        n_decoded = 0
        reason: FinishReason = "cancelled"
        if read:
            lane.sampler.read_prompt(prompt)
            # The first token comes from the prompt's own logits and takes no decode.
            token = lane.sampler.sample(self._context)
            first = last = perf_counter()
            while (ended := self._take(lane, token, last - first)) is None:
                status = self._context.decode([token])
                if status:
                    ended = "context" if status == CONTEXT_FULL else "cancelled"
                    break
                self._memory.add([token])
                token = lane.sampler.sample(self._context)
                last = perf_counter()
                n_decoded += 1
            reason = ended
        self._report(lane, lane.text.finish(), last - first, now=True)
        n_read = len(prompt) - n_cached
        self._emit(
            Finished(
                request=self._request,
                lane=lane.index,
                reason=reason,
                seed=lane.seed,
                notes=notes,
                timings=Timings(
                    prompt_tokens=len(prompt),
                    cached_tokens=n_cached,
                    prompt_ms=prompt_seconds * 1e3,
                    prompt_tps=_rate(n_read if read else 0, prompt_seconds),
                    completion_tokens=lane.n_tokens,
                    decode_ms=(last - first) * 1e3,
                    tps=_rate(n_decoded, last - first),
                    ttft_ms=(first - self._started) * 1e3 if first else 0.0,
                    n_context=len(self._memory),
                    n_ctx=self._context.n_ctx,
                ),
            )
        )

    def _read(self, prompt: Sequence[int], n_done: int) -> bool:
        """Evaluate the prompt from ``n_done`` on; False if it was stopped."""
        self._progress(n_done, len(prompt))
        while n_done < len(prompt):
            # llama.cpp computes n_ubatch tokens at a time whatever it is handed, so smaller
            # pieces cost nothing and show how far the prompt has come.
            tokens = prompt[n_done : n_done + self._context.n_ubatch]
            status = ABORTED if self._abort else self._context.decode(tokens)
            if status:
                self._memory.resync(tokens)
                return False
            self._memory.add(tokens)
            n_done += len(tokens)
            self._progress(n_done, len(prompt))
        return True

    def _take(self, lane: Lane, token: int, seconds: float) -> FinishReason | None:
        """Count a drawn token and stream its text; the reason if the answer ends here."""
        if self._model.ends_answer(token):
            return "stop"
        lane.n_tokens += 1
        self._report(lane, lane.text.feed(self._model.piece(token)), seconds)
        if self._abort:
            return "cancelled"
        if lane.n_limit is not None and lane.n_tokens >= lane.n_limit:
            return "length"
        if len(self._memory) >= self._context.n_ctx:
            return "context"
        return None

    def _report(self, lane: Lane, text: str, seconds: float, *, now: bool = False) -> None:
        self._pending.append(text)
        if not (now or self._pace.due()):
            return
        self._emit(
            TextArrived(
                request=self._request,
                lane=lane.index,
                text="".join(self._pending),
                n_tokens=lane.n_tokens,
                decode_ms=seconds * 1e3,
                n_context=len(self._memory),
            )
        )
        self._pending.clear()

    def _progress(self, n_done: int, n_total: int) -> None:
        if n_done == n_total or self._pace.due():
            self._emit(PromptProgress(self._request, n_done, n_total))


def _rate(count: int, seconds: float) -> float:
    """Per second; 0 where there was nothing to count."""
    return count / seconds if count and seconds > 0 else 0.0
