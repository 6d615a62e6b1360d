"""What happens when prompt and answer no longer fit into the context."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from workbench.engine.llama.context import Context
from workbench.engine.protocol import ChatMessage

Policy = Literal["stop", "drop", "shift"]


class PromptError(ValueError):
    """The prompt cannot be answered: it is empty, or does not fit into the context."""


class Shift(NamedTuple):
    """Take ``n_discard`` tokens out of the memory after the first ``n_keep``."""

    n_keep: int
    n_discard: int


class Shorter(NamedTuple):
    """A conversation that fits, and its prompt."""

    messages: list[ChatMessage]
    tokens: list[int]


class Overflow:
    """Makes room by the policy a person chose, and says so before it does.

    - ``stop``: a prompt that is too long is refused, an answer ends.
    - ``drop``: the oldest turns leave the prompt, the system message stays; the rest is
      rendered and, as far as it has moved, evaluated again.
    - ``shift``: half of what follows the system message leaves the KV cache, and the rest
      moves up; nothing is evaluated again. Where a model's memory cannot: as ``drop``.
    """

    def __init__(
        self,
        policy: Policy,
        messages: Sequence[ChatMessage],
        *,
        context: Context,
        render: Callable[[Sequence[ChatMessage]], list[int]],
        announce: Callable[[str], None],
    ) -> None:
        """``render`` makes messages the prompt's tokens; it may raise."""
        self._policy = policy
        self._messages = list(messages)
        self._has_dropped = False
        self._context = context
        self._render = render
        self._announce = announce
        # The answer needs room too, or the next token would be at the limit again.
        self._most = context.n_ctx - max(1, context.n_ctx // 4)

    def prompt(self) -> list[int]:
        """The prompt's tokens, fit for the context. Raises PromptError."""
        tokens = self._render(self._messages)
        if not tokens:
            raise PromptError("the prompt is empty: there is nothing to answer")
        n_ctx = self._context.n_ctx
        if len(tokens) < n_ctx:
            return tokens
        shorter = self._shorter(lambda rendered: rendered) or self._last(n_ctx)
        if shorter is None:
            advice = "even the last message alone does not fit: raise n_ctx, or make it shorter"
        elif self._policy == "stop":
            advice = "raise n_ctx, make it shorter, or set context_overflow to drop"
        else:
            return self._drop(shorter, len(tokens))
        raise PromptError(
            f"the conversation has {len(tokens)} tokens and the context holds {n_ctx}: {advice}"
        )

    def make_room(self, held: Sequence[int], answer: Sequence[int]) -> Shift | list[int] | None:
        """Room for the answer to go on; None if it must end.

        ``held`` are the tokens in the memory, ``answer`` those drawn so far. Returns a shift
        to be done, or a new prompt that ends with ``answer``.
        """
        if self._policy == "stop":
            return None
        if self._policy == "shift" and self._context.can_shift():
            n_keep = self._n_system(held)
            n_discard = (len(held) - n_keep) // 2
            if n_discard < 1:
                return None
            self._announce(
                f"The context is full: its oldest {n_discard} tokens after the system prompt are "
                "shifted out."
            )
            return Shift(n_keep, n_discard)
        shorter = self._shorter(lambda rendered: [*rendered, *answer])
        return None if shorter is None else self._drop(shorter, len(held))

    def _shorter(self, whole: Callable[[list[int]], list[int]]) -> Shorter | None:
        """As few of the oldest turns less as will do; None if all but the last are not enough."""
        messages = self._messages
        while (remaining := _without_oldest_turn(messages)) is not None:
            messages = remaining
            tokens = whole(self._render(messages))
            if len(tokens) <= self._most:
                return Shorter(messages, tokens)
        return None

    def _last(self, n_ctx: int) -> Shorter | None:
        """The last turn alone, where it fits at all: there is less room for its answer."""
        messages = self._messages
        while (remaining := _without_oldest_turn(messages)) is not None:
            messages = remaining
        tokens = self._render(messages)
        fits = len(tokens) < n_ctx and len(messages) < len(self._messages)
        return Shorter(messages, tokens) if fits else None

    def _drop(self, shorter: Shorter, n_tokens: int) -> list[int]:
        """Go on with fewer messages than the ``n_tokens`` that did not fit, and say so."""
        n_dropped = len(self._messages) - len(shorter.messages)
        which = f"another {n_dropped}" if self._has_dropped else f"the oldest {n_dropped}"
        self._announce(
            f"The context is full: {which} messages "
            f"({n_tokens - len(shorter.tokens)} tokens) are left out."
        )
        self._messages = shorter.messages
        self._has_dropped = True
        return shorter.tokens

    def _n_system(self, held: Sequence[int]) -> int:
        """How many tokens the memory begins with whatever a person says."""
        system = [each for each in self._messages[:1] if each.role == "system"]
        bare = self._render([*system, ChatMessage("user", "?")])
        return next(
            (at for at, (a, b) in enumerate(zip(held, bare, strict=False)) if a != b),
            min(len(held), len(bare)),
        )


def _without_oldest_turn(messages: Sequence[ChatMessage]) -> list[ChatMessage] | None:
    """The messages without the first turn after the system message; None if it is the last."""
    first = 1 if messages and messages[0].role == "system" else 0
    following = (at for at in range(first + 1, len(messages)) if messages[at].role == "user")
    end = next(following, None)
    return [*messages[:first], *messages[end:]] if end is not None else None
