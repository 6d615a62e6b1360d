"""What the rows say, where they stand, and which of them go first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from workbench.engine.protocol import (
    Device,
    Finished,
    Loaded,
    LoadProgress,
    ModelInfo,
    ModelSource,
    PromptProgress,
    TextArrived,
    Timings,
    Token,
)
from workbench.engine.usage import Usage
from workbench.panes.stats import table
from workbench.panes.stats.readings import Readings

GB = 1_000_000_000


def loaded(*, n_ctx: int = 4096, name: str = "a-model", devices: Sequence[Device] = ()) -> Readings:
    readings = Readings()
    model = ModelInfo(
        source=ModelSource.of(Path("/a-model.gguf")),
        name=name,
        description="",
        size=4_920_000_000,
        n_params=8_030_000_000,
        n_ctx=n_ctx,
        n_ctx_train=131_072,
        cache_size=537_000_000,
        n_threads=4,
    )
    readings.loaded(Loaded(1, model, 5.0, list(devices)))
    return readings


def write(
    readings: Readings, gaps: Sequence[float], *, n_tokens: int = 0, request: int = 2
) -> None:
    count = n_tokens or readings.n_tokens + len(gaps)
    drawn = [Token(1, b" a", gap) for gap in gaps]
    readings.text_arrived(
        TextArrived(
            request, 0, "", "word", count, sum(gaps), 120.0, 100 + count, 100 + count, drawn
        )
    )
    readings.look()


def finish(readings: Readings, *, tps: float, devices: Sequence[Device] = ()) -> None:
    timings = Timings(20, 0, 10.0, 2000.0, 50, 1000.0, tps, 120.0, 150, 4096)
    readings.finished(Finished(2, 0, "stop", timings, 7, list(devices)))


def shown(readings: Readings, width: int = 28, height: int = 19) -> list[str]:
    return [line.plain for line in table.lines(readings, width, height)]


def row(readings: Readings, name: str) -> str:
    [found] = [line for line in shown(readings) if line.startswith(name)]
    return found


def test_before_anything_is_known_there_are_dashes_in_the_figures_column() -> None:
    lines = shown(Readings())
    assert lines[0] == "no model loaded"
    assert lines[2].split() == ["○", "idle"]
    for name in ("tokens/s", "first token", "prompt", "answer", "context", "KV", "RAM", "CPU"):
        [line, *_] = [line for line in lines if line.startswith(name)]
        assert line.index("-") == 23, name
        assert line.rstrip().endswith("-"), name
    assert not any("t/s" in line for line in lines)


def test_figures_and_their_units() -> None:
    readings = loaded()
    readings.prompt_progressed(PromptProgress(2, 0, 512, 512, 112, 250.0))
    write(readings, [20.0] * 98 + [40.0, 80.0])
    readings.measured(Usage(4_800_000_000, 81_000_000, [0.5, 1.0]))
    assert shown(readings) == [
        "a-model",
        "8.0 B parameters, 4.9 GB",
        "● writing                   ",
        "tokens/s            48.1 t/s",
        "                 ▇    50 t/s",
        "                 █",
        "                 █     0 t/s",
        "first token          120 ms ",
        "prompt              1600 t/s",
        "answer               100 tok",
        "context       200 / 4096 tok",
        "━━━━━━━━━━━━━━━━━━━━━━━━━━━━",
        "between tokens p50  20.0 ms ",
        "               p90  20.0 ms ",
        "               p99  40.0 ms ",
        "KV memory          537.0 MB ",
        "RAM engine           4.8 GB ",
        "RAM interface       81.0 MB ",
        "CPU ▄ █               75 %  ",
    ]


def test_nothing_jumps_while_the_values_change() -> None:
    names = (
        "tokens/s", "first token", "prompt", "answer", "context", "between tokens p50",
        "               p99", "KV memory", "RAM engine", "RAM interface", "CPU",
    )  # fmt: skip
    readings = loaded(n_ctx=131_072)
    readings.prompt_progressed(PromptProgress(2, 0, 512, 512, 112, 250.0))
    rows: dict[str, set[int]] = {name: set() for name in names}
    said: set[str] = set()
    for gap, n_tokens, memory, core in (
        (0.2, 9, 9_000_000, 0.05),
        (9.99, 99, 999_900_000, 0.5),
        (10.0, 9999, 12_000_000_000, 1.0),
        (1234.0, 99_999, 123_400_000_000, 0.0),
    ):
        write(readings, [gap] * 9, n_tokens=n_tokens)
        readings.measured(Usage(memory, memory, [core] * 4))
        lines = shown(readings)
        for name in names:
            [at] = [at for at, line in enumerate(lines) if line.startswith(name)]
            rows[name].add(at)
            # The figure's last digit and the first letter of its unit.
            assert lines[at][23].isdigit(), lines[at]
            assert lines[at][24] == " ", lines[at]
            assert lines[at][25] != " ", lines[at]
            assert len(lines[at]) == 28
        said.add(row(readings, "answer") + row(readings, "RAM engine") + row(readings, "tokens/s"))
    assert all(len(found) == 1 for found in rows.values()), rows
    assert len(said) == 4


def test_a_line_for_narrow_screens_keeps_its_width() -> None:
    readings = loaded(n_ctx=8192)
    write(readings, [20.0] * 5)
    lines = set()
    for gap, n_tokens in ((0.1, 7), (1000, 77), (3.3, 777), (25.0, 7777)):
        write(readings, [gap] * 5, n_tokens=n_tokens)
        lines.add(table.summary(readings))
    assert len(lines) == 4
    assert len({len(line) for line in lines}) == 1
    assert "a-model, writing,  40.0 t/s, context 7877 / 8192" in lines
    readings.enter("idle")
    assert table.summary(readings) == "a-model,  40.0 t/s, context 7877 / 8192"
    assert table.summary(Readings()) == ""


def test_how_far_it_has_come_is_said_as_there_is_room() -> None:
    readings = Readings()
    readings.load_progressed(LoadProgress(1, 0.4))
    assert shown(readings)[2] == "● loading               40 %"
    readings = loaded(n_ctx=131_072)
    for n_total, width, said in (
        (2048, 40, " 512 of 2048"),
        (2048, 28, " 512/2048"),
        (120_000, 28, "0 %"),
    ):
        readings.prompt_progressed(PromptProgress(2, 0, 512, n_total, 0, 250.0))
        line = shown(readings, width)[2]
        assert line.startswith("● reading prompt ")
        assert line.endswith(said), line
        assert len(line) == width
    assert row(readings, "prompt") == "prompt              2048 t/s"
    assert "reading prompt 0 %" in table.summary(readings)


def test_signs_tell_phases_apart_without_colour() -> None:
    readings = loaded()
    signs = set()
    for phase in ("idle", "died", "writing"):
        readings.enter(phase)
        signs.add(shown(readings)[2][0])
    assert len(signs) == 3


def test_an_answers_figures_are_its_own() -> None:
    readings = loaded()
    write(readings, [50.0] * 20, request=2)
    finish(readings, tps=20.0)
    assert readings.n_tokens == 20
    readings.prompt_progressed(PromptProgress(3, 0, 5, 5, 0, 1.0))
    assert row(readings, "answer").split() == ["answer", "-"]
    assert row(readings, "between tokens p50").split()[-1] == "-"
    # What is written when the last one's tokens are gone is not mixed with them.
    write(readings, [10.0] * 5, request=3)
    assert row(readings, "between tokens p50").split()[-2:] == ["10.0", "ms"]
    # A prompt that is read again to make room belongs to the same answer.
    readings.prompt_progressed(PromptProgress(3, 0, 5, 5, 0, 1.0))
    assert row(readings, "answer").split()[1] == "5"
    assert row(readings, "between tokens p50").split()[-2:] == ["10.0", "ms"]


def test_the_end_tells_the_speed_of_the_whole() -> None:
    readings = loaded()
    write(readings, [50.0] * 20)
    finish(readings, tps=31.4)
    assert row(readings, "tokens/s").split()[1:] == ["31.4", "t/s"]
    readings.clear()
    assert row(readings, "tokens/s").split()[1:] == ["-"]
    assert shown(readings)[0] == "a-model"


def test_a_gpu_has_a_row_where_there_is_one() -> None:
    assert not any(line.startswith("GPU") for line in shown(loaded()))
    one = loaded(devices=[Device("CUDA0", 68 * GB, 80 * GB)])
    assert row(one, "GPU") == "GPU          12.0 / 80.0 GB "
    finish(one, tps=20.0, devices=[Device("CUDA0", 60 * GB, 80 * GB)])
    assert row(one, "GPU") == "GPU          20.0 / 80.0 GB "
    two = loaded(devices=[Device("CUDA0", 10 * GB, 24 * GB), Device("CUDA1", 24 * GB, 24 * GB)])
    assert row(two, "2 GPUs") == "2 GPUs       14.0 / 48.0 GB "


@pytest.mark.parametrize(("n_cores", "n_bars"), [(1, 1), (8, 8), (16, 16), (64, 16), (192, 16)])
def test_cores_have_a_bar_each_or_share_one(n_cores: int, n_bars: int) -> None:
    readings = loaded()
    cores = [1.0] * (n_cores // 2) + [0.0] * (n_cores - n_cores // 2)
    readings.measured(Usage(GB, GB, cores))
    line = row(readings, "CPU")
    assert sum(line.count(bar) for bar in "▁▂▃▄▅▆▇█") == n_bars
    assert line.count("█") == n_bars // 2
    assert line.endswith(f"{sum(cores) / n_cores * 100:.0f} %  ")
    assert len(line) == 28


def test_cores_that_could_not_be_measured_stay_as_they_were() -> None:
    readings = loaded()
    readings.measured(Usage(GB, GB, [0.5, 0.5]))
    readings.measured(Usage(2 * GB, GB, []))
    assert row(readings, "CPU").split()[-2:] == ["50", "%"]
    assert row(readings, "RAM engine").split()[-2:] == ["2.0", "GB"]


def busy() -> Readings:
    readings = loaded(
        n_ctx=131_072,
        name="A-Model-With-A-Very-Long-Name-Indeed-72B-Instruct-Q4_K_M",
        devices=[Device("CUDA0", 1, 80 * GB)],
    )
    readings.prompt_progressed(PromptProgress(2, 0, 90_000, 90_000, 0, 9000.0))
    for number in range(300):
        write(readings, [10.0 + number % 7] * 5)
    readings.measured(Usage(40 * GB, GB, [0.3] * 64))
    return readings


@pytest.mark.parametrize("width", [0, 1, 16, 20, 26, 28, 36, 44, 56, 57, 76, 118, 200])
def test_it_fits_at_every_height(width: int) -> None:
    for readings in (Readings(), busy()):
        for height in range(30):
            lines = shown(readings, width, height)
            assert len(lines) <= height
            assert all(len(line) <= max(20, width) for line in lines)
            assert height == 0 or any("● " in line or "○ " in line for line in lines)


def test_the_least_important_rows_go_first() -> None:
    order = [
        "● writing", "tokens/s", "first token", "prompt", "answer", "context", "A-Model",
        "between tokens", "KV memory", "RAM engine", "CPU", "GPU", "0 t/s", "RAM interface",
        "━━━", "8.0 B",
    ]  # fmt: skip
    readings = busy()
    gone: list[str] = []
    for height in range(19, 0, -1):
        text = "\n".join(shown(readings, 28, height))
        gone += [name for name in order if name not in text and name not in gone]
    # Three rows may go for one that is more important, and leave room for lesser ones.
    tall = {"between tokens", "0 t/s"}
    lesser = [name for name in order if name not in tall]
    assert [name for name in gone if name not in tall] == lesser[:0:-1]


def test_wide_and_low_has_two_columns() -> None:
    text = "\n".join(shown(busy(), 76, 12))
    for name in ("tokens/s", "first token", "between tokens p50", "p99", "RAM interface", "GPU"):
        assert name in text
    assert any("first token" in line and "KV memory" in line for line in text.splitlines())
    assert any("0 t/s" in line for line in text.splitlines())
