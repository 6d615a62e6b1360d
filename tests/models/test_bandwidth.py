from __future__ import annotations

from pathlib import Path

from workbench.models.bandwidth import bandwidth


def test_it_is_measured_once(tmp_path: Path) -> None:
    kept = tmp_path / "cache" / "bandwidth.json"
    measured = bandwidth(kept, 1)
    # Any memory of this century, and none there is.
    assert 1e8 < measured < 1e13
    assert bandwidth(kept, 1) == measured
    kept.write_text("{")
    assert bandwidth(kept, 1) > 1e8
