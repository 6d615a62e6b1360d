"""What lanes that were begun together come to: their speed, and the context they share."""

from __future__ import annotations

from workbench.engine.protocol import TextArrived


class Together:
    """Figures of one request's lanes, from what the engine says of each."""

    def __init__(self) -> None:
        self._by_lane: dict[int, TextArrived] = {}
        # Cells of the context that are taken; tokens that lanes share take one.
        self.n_used = 0

    def add(self, event: TextArrived) -> None:
        """A lane's text goes on."""
        self._by_lane[event.lane] = event
        self.n_used = event.n_used

    @property
    def tps(self) -> float:
        """Tokens a second of all lanes, each one's first left out, as a lane's own speed does.

        0 where one has joined the others: its times are counted from another beginning.
        """
        events = self._by_lane.values()
        if len({event.request for event in events}) > 1:
            return 0.0
        n_decoded = sum(max(0, event.n_tokens - 1) for event in events)
        first = min((event.ttft_ms for event in events), default=0.0)
        last = max((event.ttft_ms + event.decode_ms for event in events), default=0.0)
        return n_decoded / (last - first) * 1e3 if last > first else 0.0
