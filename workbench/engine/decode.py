"""The loop: evaluate the prompts, then draw a token in every lane, evaluate them as one batch,
and so on, streaming the texts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from time import perf_counter
from typing import Any

from workbench.engine.lane import Lane
from workbench.engine.llama.context import CONTEXT_FULL, AbortFlag, Context, Row
from workbench.engine.llama.model import Model
from workbench.engine.memory import Memories
from workbench.engine.overflow import Shift
from workbench.engine.pace import Pace
from workbench.engine.protocol import Event, FinishReason, Noted, PromptProgress
from workbench.engine.requests import RequestQueue
from workbench.parameters.kinds import ParameterError, Values


class Generation:
    """Lanes on their way through one context, side by side."""

    def __init__(
        self,
        model: Model,
        context: Context,
        memories: Memories,
        abort: AbortFlag,
        *,
        requests: RequestQueue,
        pace: Pace,
        emit: Callable[[Event], None],
        completed: Callable[[Values], dict[str, Any]],
    ) -> None:
        """``completed`` adds to values those that are left out."""
        self._model = model
        self._context = context
        self._memories = memories
        self._abort = abort
        self._requests = requests
        self._pace = pace
        self._emit = emit
        self._completed = completed
        self._lanes: list[Lane] = []

    def run(self, lanes: Iterable[Lane], joining: Callable[[], Iterable[Lane]]) -> None:
        """Answer in every lane and report the ends. Raises DecodeError.

        ``joining`` is asked after every token for lanes that begin beside the others.
        """
        try:
            self._begin(lanes)
            while self._lanes:
                self._step()
                self._begin(joining())
        finally:
            for lane in self._lanes:
                lane.close()

    @property
    def lanes(self) -> Sequence[Lane]:
        """Those that are being answered."""
        return self._lanes

    # ---- the prompts -------------------------------------------------------------------------

    def _begin(self, lanes: Iterable[Lane]) -> None:
        same: dict[tuple[int, ...], list[Lane]] = {}
        for lane in lanes:
            same.setdefault(tuple(lane.prompt), []).append(lane)
        if not same:
            return
        begun = list(self._lanes)
        # From here on they are closed whatever happens.
        self._lanes += [lane for group in same.values() for lane in group]
        if len(same) > 1:
            for first, *_ in same.values():
                # What it will not go on from must not take the room of the others.
                first.memory.reuse(first.prompt)
        for group in same.values():
            paused = perf_counter()
            self._begin_alike(group, begun)
            for lane in begun:
                lane.pause(perf_counter() - paused)
            begun += group
        self._arm()

    def _begin_alike(self, group: Sequence[Lane], begun: Sequence[Lane]) -> None:
        """Begin lanes of one prompt; those that have ``begun`` before wait for it."""
        first, *rest = group
        self._requests.arm(first.request)
        first.n_cached = self._memories.reuse(first.memory, first.prompt)
        for lane in rest:
            lane.memory.forget()
        started = perf_counter()
        ended = self._read_new(first, group, begun)
        seconds = perf_counter() - started
        for lane in group:
            lane.prompt_seconds = seconds
            if lane is not first:
                lane.n_cached = len(lane.prompt)
            if ended is not None or self._is_stopped(lane):
                self._end(lane, ended or "cancelled")
                continue
            if lane is not first:
                lane.memory.take_from(first.memory, len(first.memory))
            lane.sampler.read_prompt(lane.prompt)
            # The first token comes from the prompt's own logits and takes no decode.
            lane.begin(lane.draw(self._context), perf_counter())

    def _read_new(
        self, lane: Lane, group: Sequence[Lane], begun: Sequence[Lane]
    ) -> FinishReason | None:
        """Evaluate what no lane holds of a prompt; the reason if it cannot be answered."""
        n_new = len(lane.prompt) - lane.n_cached
        if not self._memories.make_room(n_new, [each.memory for each in self._lanes]):
            for each in group:
                each.notes.append(
                    "Beside what the other lanes hold the context has no room for this prompt: "
                    "raise n_ctx."
                )
            return "context"
        return self._read(lane, lane.prompt, lane.n_cached, group, begun)

    def _read(
        self,
        lane: Lane,
        prompt: Sequence[int],
        n_done: int,
        group: Sequence[Lane],
        begun: Sequence[Lane] = (),
    ) -> FinishReason | None:
        """Evaluate a prompt from ``n_done`` on; the reason if that cannot be.

        It is for all lanes of ``group``, and goes on as long as one of them wants it.
        """
        memory = lane.memory
        memory.checkpoint()
        n_cached, started = n_done, perf_counter()
        while n_done < len(prompt):
            # llama.cpp computes n_ubatch tokens at a time whatever it is handed, so smaller
            # pieces cost nothing and show how far the prompt has come.
            end = min(n_done + self._context.n_ubatch, len(prompt))
            if memory.wants_checkpoints and end == len(prompt) > n_done + 1:
                # The last token alone: the same prompt can then be answered once more.
                end -= 1
            tokens = prompt[n_done:end]
            if self._abort or all(map(self._is_stopped, group)):
                return "cancelled"
            status = self._context.decode(tokens, n_done, memory.sequence)
            if status:
                memory.resync(tokens)
                return "context" if status == CONTEXT_FULL else "cancelled"
            memory.add(tokens)
            n_done = end
            if n_done == len(prompt) - 1:
                memory.checkpoint()
            if n_done == len(prompt) or self._pace.due():
                self._context.synchronize()
                milliseconds = (perf_counter() - started) * 1e3
                self._emit(
                    PromptProgress(
                        lane.request, lane.index, n_done, len(prompt), n_cached, milliseconds
                    )
                )
            for other in begun:
                if other in self._lanes and self._is_stopped(other):
                    self._end(other, "cancelled")
        return None

    def _is_stopped(self, lane: Lane) -> bool:
        return self._requests.stopped(lane.request, lane.index)

    # ---- the answers -------------------------------------------------------------------------

    def _step(self) -> None:
        """Take up the token that each lane has drawn, and draw the next ones."""
        for lane in list(self._lanes):
            ended = self._take(lane)
            if ended is not None:
                self._end(lane, ended)
        if self._pace.due():
            for lane in self._lanes:
                self._emit(lane.arrived(self._memories.n_used))
        if not self._has_room() or not self._lanes:
            return
        status = self._context.step([_row(lane) for lane in self._lanes])
        if status:
            # Stopped, all of them: where there are several requests no stop comes this way.
            for lane in list(self._lanes):
                assert lane.token is not None
                lane.memory.resync((lane.token,))
                self._end(lane, "context" if status == CONTEXT_FULL else "cancelled")
            return
        for row, lane in enumerate(self._lanes):
            assert lane.token is not None
            lane.memory.add((lane.token,))
            self._draw(lane, row)

    def _draw(self, lane: Lane, row: int) -> None:
        if (values := self._requests.adjustment(lane.request, lane.index)) is not None:
            try:
                lane.adjust(self._completed(values))
            except ParameterError as error:
                note = f"The answer goes on by the former parameters: {error}."
                self._emit(Noted(lane.request, lane.index, note))
        lane.go_on(lane.draw(self._context, row), perf_counter())

    def _take(self, lane: Lane) -> FinishReason | None:
        """Count a drawn token and stream its text; the reason if the answer ends here."""
        # None: the grammar is complete, and nothing may follow.
        if lane.token is None:
            lane.report(b"")
            return "stop"
        piece, control, ends = self._model.cached_piece(lane.token)
        lane.report(piece)
        if ends:
            return "stop"
        lane.tokens.append(lane.token)
        lane.text.feed(piece, control=control)
        if lane.text.stopped:
            return "stop"
        if self._is_stopped(lane):
            return "cancelled"
        if lane.n_limit is not None and len(lane.tokens) >= lane.n_limit:
            return "length"
        return None

    def _end(self, lane: Lane, reason: FinishReason) -> None:
        self._lanes.remove(lane)
        lane.text.finish()
        self._emit(lane.arrived(self._memories.n_used))
        self._emit(lane.finished(reason, self._context.n_ctx))
        lane.close()
        self._arm()

    def _arm(self) -> None:
        """Let a stop end a computation that is for one request alone."""
        requests = {lane.request for lane in self._lanes}
        self._requests.arm(requests.pop() if len(requests) == 1 else None)

    # ---- room --------------------------------------------------------------------------------

    def _has_room(self) -> bool:
        """Make room for a token in every lane; False if the next ones are drawn already."""
        while not self._memories.make_room(len(self._lanes), [lane.memory for lane in self._lanes]):
            if len(self._lanes) == 1:
                return self._shorten(self._lanes[0])
            # Whoever has taken most gives it back; the others go on.
            longest = max(self._lanes, key=lambda lane: len(lane.memory))
            longest.notes.append(
                "The lanes have filled the context together, and this one was the longest: "
                "raise n_ctx. Beside others no lane drops or shifts."
            )
            self._end(longest, "context")
            longest.memory.forget()
        return True

    def _shorten(self, lane: Lane) -> bool:
        """Go on by the lane's own policy, as ``_has_room`` does."""
        paused = perf_counter()
        room = lane.overflow.make_room(lane.memory.tokens, lane.tokens)
        if room is None:
            self._end(lane, "context")
            return False
        if isinstance(room, Shift):
            lane.memory.shift(*room)
            lane.pause(perf_counter() - paused)
            return True
        ended = self._read(lane, room, lane.memory.reuse(room), [lane])
        lane.pause(perf_counter() - paused)
        if ended is None:
            self._draw(lane, -1)
        else:
            self._end(lane, ended)
        return False


def _row(lane: Lane) -> Row:
    assert lane.token is not None
    return Row(lane.token, len(lane.memory), lane.memory.sequence)
