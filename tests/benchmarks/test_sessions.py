from __future__ import annotations

from click.testing import CliRunner

from tests.benchmarks.sessions import main


def test_every_figure_is_measured() -> None:
    arguments = ["--conversations", "20", "--messages", "200", "--times", "3", "--seconds", "1"]
    shown = CliRunner().invoke(main, arguments)
    assert shown.exit_code == 0, shown.output
    assert "20 conversations, 200 messages" in shown.output
    for figure in ("list all", "search a rare word", "open one of 2,000", "keep a stream"):
        assert figure in shown.output
