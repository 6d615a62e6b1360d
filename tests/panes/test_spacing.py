from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.panes.stats.spacing import Spacing


def spacing(*gaps: float) -> Spacing:
    made = Spacing()
    made.add(gaps)
    return made


def test_percentiles_of_known_gaps() -> None:
    gaps = [float(gap) for gap in range(1, 101)]
    random.Random(1).shuffle(gaps)
    known = spacing(*gaps)
    assert [known.percentile(share) for share in (0.5, 0.9, 0.99, 1.0)] == [50, 90, 99, 100]
    assert spacing(7.0).percentile(0.5) == spacing(7.0).percentile(0.99) == 7.0
    assert spacing(1.0, 2.0, 3.0, 100.0).percentile(0.99) == 100.0
    assert spacing().percentile(0.5) is None


def test_what_comes_later_counts_as_well() -> None:
    known = spacing(5.0)
    assert known.percentile(0.5) == 5.0
    known.add([1.0, 1.0])
    assert known.percentile(0.5) == 1.0
    known.clear()
    assert known.percentile(0.5) is None
    known.add([9.0])
    assert known.percentile(0.5) == 9.0


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=200), st.sampled_from([0.5, 0.9, 0.99]))
def test_so_many_are_no_larger_and_no_fewer(gaps: list[float], share: float) -> None:
    found = spacing(*gaps).percentile(share)
    assert found in gaps
    assert found is not None
    assert sum(gap <= found for gap in gaps) >= share * len(gaps) - 1e-9
    assert sum(gap < found for gap in gaps) < share * len(gaps)


def test_some_thousands_are_exact_and_more_are_nearly_so_in_bounded_memory() -> None:
    chance = random.Random(2)
    gaps = [chance.lognormvariate(3, 0.5) for _ in range(4000)]
    exact = spacing(*gaps)
    ranked = sorted(gaps)
    assert exact.percentile(0.9) == ranked[3599]
    gaps += [chance.lognormvariate(3, 0.5) for _ in range(60_000)]
    many = spacing(*gaps)
    assert len(many._gaps) < 5000
    ranked = sorted(gaps)
    for share in (0.5, 0.9, 0.99):
        found = many.percentile(share)
        assert found is not None
        rank = sum(gap <= found for gap in ranked) / len(ranked)
        assert rank == pytest.approx(share, abs=0.02)
