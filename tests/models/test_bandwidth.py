from __future__ import annotations

import json
from datetime import date
from pathlib import Path

from workbench.models.bandwidth import bandwidth


def test_it_is_measured_once_a_day(tmp_path: Path) -> None:
    kept = tmp_path / "cache" / "bandwidth.json"
    measured = bandwidth(kept, 1)
    # Any memory of this century, and none there is.
    assert 1e8 < measured < 1e13
    assert bandwidth(kept, 1) == measured
    kept.write_text("{")
    assert bandwidth(kept, 1) > 1e8


def test_the_best_of_the_last_days_counts(tmp_path: Path) -> None:
    kept = tmp_path / "bandwidth.json"
    bandwidth(kept, 1)
    told = json.loads(kept.read_text())
    # More than any memory gives, so that what is measured now is less.
    told["by_day"] = {f"2020-01-0{day}": 1e15 / day for day in range(1, 8)}
    kept.write_text(json.dumps(told))
    # The first of them is too long ago once today is one of seven.
    assert bandwidth(kept, 1) == 1e15 / 2
    by_day = json.loads(kept.read_text())["by_day"]
    assert len(by_day) == 7
    assert 1e8 < by_day[date.today().isoformat()] < 1e13
    # Other threads are another thing.
    assert bandwidth(kept, 2) < 1e13
