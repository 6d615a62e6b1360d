from __future__ import annotations

import pytest

from workbench.panes.stats.course import Course


def course(*speeds: float) -> Course:
    made = Course()
    for speed in speeds:
        made.add([1000 / speed] * 5)
        made.look()
    return made


def test_the_speed_is_that_since_the_last_look() -> None:
    made = course(10)
    assert made.speed == pytest.approx(10)
    made.add([5.0] * 3)
    made.add([15.0] * 3)
    made.look()
    assert made.speed == pytest.approx(100)
    # Nothing came: no point, and no speed of nothing.
    made.look()
    assert made.speed == pytest.approx(100)
    assert made.rows(4, 1)[0].count(" ") == 2


@pytest.mark.parametrize(
    ("speeds", "scale"),
    [((9.9,), 10), ((10.0,), 10), ((10.1,), 15), ((84, 3), 100), ((1234,), 1500), ((0.13,), 0.15)],
)
def test_the_scale_is_round_and_holds_all(speeds: tuple[float, ...], scale: float) -> None:
    assert course(*speeds).scale(10) == pytest.approx(scale)


def test_the_scale_is_that_of_what_is_shown() -> None:
    assert course(900, 10, 10).scale(3) == 1000
    assert course(900, 10, 10).scale(2) == 10
    assert Course().scale(9) == 0


def test_bars_are_as_high_as_the_speed() -> None:
    assert course(25, 50, 75, 100).rows(4, 1) == ["▂▄▆█"]
    assert course(25, 50, 75, 100).rows(6, 2) == ["    ▄█", "  ▄███"]
    # However slow, it is no pause.
    assert course(100, 0.5).rows(2, 1) == ["█▁"]
    assert course(*[50] * 300).rows(4, 1) == ["████"]


def test_a_short_answer_is_a_point_and_the_rest_of_a_long_one_is_not() -> None:
    short = Course()
    short.add([10.0])
    short.end()
    assert short.speed == pytest.approx(100)
    long = course(50)
    long.add([10.0])
    long.end()
    assert long.speed == pytest.approx(50)
    long.clear()
    assert long.speed is None
