"""One answer in the making."""

from __future__ import annotations

from typing import Any

from workbench.engine.llama.context import Context
from workbench.engine.llama.devices import gpus
from workbench.engine.llama.handle import Handle
from workbench.engine.memory import PromptMemory
from workbench.engine.overflow import Overflow
from workbench.engine.protocol import Finished, FinishReason, TextArrived, Timings, Token
from workbench.engine.sampler import Sampler
from workbench.engine.text import TextFilter


class Lane(Handle):
    """An answer: its prompt, its sampler, its text, its counters. It owns the sampler."""

    def __init__(
        self,
        request: int,
        index: int,
        prompt: list[int],
        *,
        memory: PromptMemory,
        sampler: Sampler,
        text: TextFilter,
        overflow: Overflow,
        values: dict[str, Any],
        seed: int,
        started: float,
        notes: list[str],
    ) -> None:
        """``started`` is the ``perf_counter`` reading from which time to first token counts.

        ``notes`` are said when the answer is complete.
        """
        self.request = request
        self.index = index
        self.prompt = prompt
        self.memory = memory
        self.sampler = sampler
        self.text = text
        self.overflow = overflow
        self.seed = seed
        self.notes = notes
        # What was drawn last, and is not yet evaluated; None where nothing may follow.
        self.token: int | None = None
        self.tokens: list[int] = []
        self.n_cached = 0
        self.prompt_seconds = 0.0
        self._n_read = 0
        self._started = started
        # Not yet reported.
        self._drawn: list[Token] = []
        self._gap_ms: float | None = None
        # When the first token came and when the last one did; what else the engine had to do
        # meanwhile moves both on.
        self._first = 0.0
        self._last = 0.0
        self._ttft_ms = 0.0
        self._n_decoded = 0
        self._limit(values)

    def _limit(self, values: dict[str, Any]) -> None:
        # Below 0 there is no limit.
        self.n_limit = values["max_tokens"] if values["max_tokens"] >= 0 else None

    def adjust(self, values: dict[str, Any]) -> None:
        """Go on by other values."""
        self.sampler.adjust(values, self.memory.tokens)
        self._limit(values)

    def draw(self, context: Context, row: int = -1) -> int | None:
        """Draw the next token from a row of the last decode's logits; None: nothing may follow."""
        return self.sampler.sample(context, row, freely=self.text.thinking)

    # ---- tokens ------------------------------------------------------------------------------

    def begin(self, token: int | None, now: float) -> None:
        """The prompt is evaluated, and the first token drawn."""
        self.token = token
        self._n_read = len(self.prompt) - self.n_cached
        self._first = self._last = now
        self._ttft_ms = (now - self._started) * 1e3
        self._gap_ms = None

    def go_on(self, token: int | None, now: float) -> None:
        """The next token is drawn."""
        self.token = token
        self._gap_ms = (now - self._last) * 1e3
        self._last = now
        self._n_decoded += 1

    def report(self, piece: bytes) -> None:
        """Let the drawn token, which stands for ``piece``, be told of."""
        self._drawn.append(Token(-1 if self.token is None else self.token, piece, self._gap_ms))

    def pause(self, seconds: float) -> None:
        """The engine did something else: tokens/s leave it out."""
        self._first += seconds
        self._last += seconds

    # ---- reports -----------------------------------------------------------------------------

    def arrived(self, n_used: int) -> TextArrived:
        """What has come since the last report; ``n_used`` cells of the context are taken."""
        thoughts, text = self.text.take()
        drawn, self._drawn = self._drawn, []
        return TextArrived(
            request=self.request,
            lane=self.index,
            thoughts=thoughts,
            text=text,
            n_tokens=len(self.tokens),
            decode_ms=(self._last - self._first) * 1e3,
            ttft_ms=self._ttft_ms,
            n_context=len(self.memory),
            n_used=n_used,
            drawn=drawn,
            seed=self.seed,
        )

    def finished(self, reason: FinishReason, n_ctx: int) -> Finished:
        """The answer's end."""
        seconds = self._last - self._first
        return Finished(
            request=self.request,
            lane=self.index,
            reason=reason,
            seed=self.seed,
            notes=self.notes,
            devices=gpus(),
            timings=Timings(
                prompt_tokens=len(self.prompt),
                cached_tokens=self.n_cached,
                prompt_ms=self.prompt_seconds * 1e3,
                prompt_tps=_rate(self._n_read, self.prompt_seconds),
                completion_tokens=len(self.tokens),
                decode_ms=seconds * 1e3,
                tps=_rate(self._n_decoded, seconds),
                ttft_ms=self._ttft_ms,
                n_context=len(self.memory),
                n_ctx=n_ctx,
            ),
        )

    def close(self) -> None:
        """Free the sampler."""
        self.sampler.close()


def _rate(count: int, seconds: float) -> float:
    """Per second; 0 where there was nothing to count."""
    return count / seconds if count and seconds > 0 else 0.0
