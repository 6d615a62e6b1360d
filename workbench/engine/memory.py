"""What the context remembers: the prompt's common beginning is never evaluated twice."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.engine.llama.context import Context


class PromptMemory:
    """The tokens that a context's sequence holds, in step with llama.cpp's own memory."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._tokens: list[int] = []

    def __len__(self) -> int:
        return len(self._tokens)

    def reuse(self, prompt: Sequence[int]) -> int:
        """Keep what ``prompt`` begins with, forget the rest; return the tokens kept.

        At least one token of the prompt is left to evaluate: sampling needs its logits.
        """
        kept = 0
        for held, wanted in zip(self._tokens, prompt[:-1], strict=False):
            if held != wanted:
                break
            kept += 1
        if kept < len(self._tokens) and not self._context.cut(kept):
            # Recurrent and hybrid models cannot forget only the end.
            self._context.clear()
            kept = 0
        del self._tokens[kept:]
        return kept

    def add(self, tokens: Sequence[int]) -> None:
        """Note that ``tokens`` have been decoded."""
        self._tokens.extend(tokens)

    def resync(self, tokens: Sequence[int]) -> None:
        """After an aborted decode of ``tokens``: note those llama.cpp has kept."""
        kept = self._context.n_held() - len(self._tokens)
        self._tokens.extend(tokens[: max(kept, 0)])
