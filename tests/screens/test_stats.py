"""The stats pane on the real engine."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest
from textual.geometry import Region

from tests.screens.bench import Bench, bench
from tests.waiting import wait_until
from workbench.panes.lines import Lines

LONG = {"max_tokens": -1, "ignore_eos": True, "seed": 1}


def value(b: Bench, name: str) -> list[str]:
    """A row's figure and unit."""
    rows = b.screen.stats.text.splitlines()
    [row] = [row for row in rows if row.strip().startswith(name)]
    return row.strip().removeprefix(name).split()


def megabytes(b: Bench, name: str) -> float:
    number, unit = value(b, name)
    return float(number) * {"MB": 1, "GB": 1000}[unit]


async def test_an_answer_fills_every_row(slow_model: Path) -> None:
    async with bench(slow_model, {**LONG, "max_tokens": 12}) as b:
        assert value(b, "tokens/s") == ["-"]
        assert value(b, "answer") == ["-"]
        await b.ask("Tell me a story.")
        await b.idle()
        assert value(b, "answer") == ["12", "tok"]
        for name in ("tokens/s", "first token", "prompt", "context", "p90", "p99", "KV memory"):
            assert float(value(b, name)[0]) > 0, name
        assert float(value(b, "between tokens p50")[0]) > 0


async def test_memory_is_that_of_the_processes_and_the_cores_are_those_of_the_machine(
    slow_model: Path,
) -> None:
    async with bench(slow_model, LONG) as b:
        await b.ask("Tell me a story.")
        await wait_until(lambda: value(b, "CPU")[-1] == "%", "cores")
        share = float(value(b, "CPU")[-2])
        assert 0 < share <= 100
        engine = psutil.Process(b.engine_pid).memory_info().rss / 1e6
        assert megabytes(b, "RAM engine") == pytest.approx(engine, rel=0.2)
        assert megabytes(b, "RAM engine") > slow_model.stat().st_size / 1e6
        own = psutil.Process().memory_info().rss / 1e6
        assert megabytes(b, "RAM interface") == pytest.approx(own, rel=0.2)
        await b.pilot.press("escape")
        await b.idle()


async def test_an_engine_that_died_has_no_memory(slow_model: Path) -> None:
    async with bench(slow_model, LONG) as b:
        await b.ask("Tell me a story.")
        await b.phase("writing")
        await wait_until(lambda: value(b, "RAM engine") != ["-"], "the engine's memory")
        psutil.Process(b.engine_pid).kill()
        await b.phase("died")
        await wait_until(lambda: value(b, "RAM engine") == ["-"], "a dash")
        assert "✕ died" in b.screen.stats.text


async def test_a_long_prompt_is_followed(slow_model: Path) -> None:
    async with bench(slow_model, {"n_ctx": 32_768}) as b:
        await b.ask("word " * 3000)
        await b.phase("reading prompt")
        await wait_until(lambda: value(b, "prompt") != ["-"], "the prompt's speed")
        assert " of 30" in b.screen.stats.text
        assert value(b, "prompt")[1] == "t/s"
        assert int(value(b, "context")[0]) > 0
        await b.pilot.press("escape")
        await b.idle()


def _at_rest(b: Bench) -> bool:
    return not any(worker.group == "usage" and worker.is_running for worker in b.app.workers)


async def test_an_idle_pane_draws_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async with bench(values={"max_tokens": 20}) as b:
        await b.ask("Hello!")
        await b.idle()
        drawn: list[tuple[Region, ...]] = []
        refresh = Lines.refresh

        def counted(self: Lines, *regions: Region, **options: bool) -> Lines:
            drawn.append(regions)
            return refresh(self, *regions, **options)

        await wait_until(lambda: _at_rest(b), "the last measurement")
        await b.pilot.pause()
        monkeypatch.setattr(Lines, "refresh", counted)
        ticks: list[None] = []
        b.app.set_interval(0.5, lambda: ticks.append(None))
        await wait_until(lambda: len(ticks) == 4, "the time of four ticks")
        assert drawn == []


async def test_what_has_not_changed_is_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    async with bench(values={"max_tokens": 2}) as b:
        await wait_until(lambda: _at_rest(b), "the last measurement")
        drawn: list[tuple[Region, ...]] = []
        monkeypatch.setattr(Lines, "refresh", lambda self, *regions: drawn.append(regions))
        b.screen.stats.idle()
        b.screen.stats.idle()
        assert drawn == []
        b.screen.stats.busy("writing")
        assert 1 <= len(drawn) <= 2
        assert all(region.height == 1 for regions in drawn for region in regions)
        b.screen.stats.idle()


@pytest.mark.parametrize("size", [(120, 40), (118, 24), (104, 30), (80, 24), (60, 15)])
async def test_what_matters_most_is_seen_at_every_size(size: tuple[int, int]) -> None:
    async with bench(values={"max_tokens": 20}, size=size) as b:
        await b.ask("Hello!")
        await b.idle()
        beside = b.screen.stats.is_on_screen
        if not beside:
            await b.pilot.press("f4")
            await b.pilot.pause()
        lines = b.screen.stats.lines
        seen = [lines.render_line(y).text for y in range(lines.size.height)]
        for name in ("○ idle", "tokens/s", "first token", "prompt", "answer", "context"):
            assert any(name in line for line in seen), seen
        if beside:
            assert b.screen.parameters.region.height >= 8


async def test_a_narrow_screen_has_the_figures_in_the_border() -> None:
    async with bench(values={"max_tokens": 20}, size=(80, 24)) as b:
        await b.ask("Hello!")
        await b.idle()
        await wait_until(lambda: "t/s" in str(b.screen.chat.border_subtitle), "the figures")
        said = str(b.screen.chat.border_subtitle)
        assert said.startswith("pocket")
        assert "/ 1024" in said
