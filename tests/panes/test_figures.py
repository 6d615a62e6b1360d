from __future__ import annotations

import pytest

from workbench.panes.figures import ago, byte_size, days_ago, duration, interval, per_second


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (2_300_000, "2.3 MB"), (4_920_000_000, "4.9 GB")],
)
def test_byte_size(size: int, text: str) -> None:
    assert byte_size(size) == text


def test_rates_and_durations_have_the_digits_that_matter() -> None:
    assert [per_second(rate) for rate in (7.314, 84.24, 1204.4)] == ["7.31", "84.2", "1204"]
    assert [duration(time) for time in (12.4, 3400)] == ["12 ms", "3.4 s"]
    assert [interval(time) for time in (0.154, 12.44, 999.4)] == ["0.15 ms", "12.4 ms", "999 ms"]
    assert [interval(time) for time in (1204, 84_240)] == ["1.20 s", "84.2 s"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "just now"),
        (59, "just now"),
        (60, "1 minute ago"),
        (720, "12 minutes ago"),
        (7200, "2 hours ago"),
        (100_000, "1 day ago"),
    ],
)
def test_times_past_are_in_one_unit(seconds: float, text: str) -> None:
    assert ago(seconds) == text


@pytest.mark.parametrize(
    ("days", "text"),
    [(-1, "0d"), (13, "13d"), (14, "2w"), (62, "8w"), (63, "2mo"), (729, "24mo"), (730, "2y")],
)
def test_days_past_are_in_few_signs(days: int, text: str) -> None:
    assert days_ago(days) == text
