"""The screen's benchmark, at its smallest."""

from __future__ import annotations

from tests.benchmarks.screen import measure, prose
from tests.benchmarks.streaming_app import Stream


def test_a_short_stream_is_measured() -> None:
    found = measure(Stream(prose(20), rate=50, earlier=2))
    assert 0 < found.cpu < 2
    assert found.bytes_per_token > 1


def test_lanes_are_measured() -> None:
    found = measure(Stream(prose(20), rate=50, earlier=0, lanes=4))
    assert found.bytes_per_token > 4
