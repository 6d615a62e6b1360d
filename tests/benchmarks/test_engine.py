"""The benchmark itself, at its smallest."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from tests.benchmarks.engine import main


def test_the_smallest_benchmark_measures_everything(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    options = ["--smallest", "--without-llama-bench", "--folder", str(tmp_path), "--json"]
    result = CliRunner().invoke(main, [*options, str(file)], catch_exceptions=False)
    assert "Workbench" in result.output
    report = json.loads(file.read_text())
    [comparison] = report["speed"]
    for side in comparison["sides"].values():
        assert side["prompt"][0] > 0
        assert side["generation"][0] > 0
    assert report["loop"]["260K-vocab-512"]["median"] > 0
    assert report["start"]["engine"][0] > 0
    assert report["stop"][0] > 0
    assert report["reopen"]["from_state"][0] > 0
