from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from textual.content import Content

from workbench.models.download.report import Report
from workbench.models.fit import Fit, Place
from workbench.models.hub.repository import RemoteFile, Variant
from workbench.models.hub.search import Summary
from workbench.panes.browser import rows

FIT = Fit(
    "tight",
    exact=False,
    n_ctx=8192,
    most=32768,
    places=(Place("host", 8_000_000_000, 4_700_000_000, 900_000_000, 300_000_000),),
    resident=6_000_000_000,
    tps=7.93,
)
VARIANT = Variant(
    "x-Q4_K_M", "model", "Q4_K_M", (RemoteFile("x.gguf", 4_700_000_000),), 4_700_000_000
)


@pytest.mark.parametrize("width", [20, 44, 58, 120])
def test_rows_keep_to_their_columns(width: int) -> None:
    summary = Summary("owner/A-very-long-name-of-a-repository-GGUF", 7_600_000_000, downloads=10**7)
    report = Report(
        id="1", repo="a/b", name="x/a-long-name-Q4_K_M", state="running", done=43, size=100,
        speed=12_100_000, remaining=200,
    )  # fmt: skip
    lines = [
        rows.of_variant(VARIANT, FIT, "here", width),
        *rows.of_fit(VARIANT, FIT, "", width),
        *rows.facts(summary, width),
        rows.of_download(report, width),
        *rows.quiet([report, report], width),
    ]
    if width > 30:
        lines.append(rows.of_summary(summary, width))
    assert max(line.cell_length for line in lines) <= width


def test_what_has_room_for_it_says_how_old_it_is_and_its_licence() -> None:
    day = (datetime.now(UTC) - timedelta(days=3)).date().isoformat()
    summary = Summary("owner/x", 7_600_000_000, likes=2, licence="mit", updated=day)
    for width, said in ((55, []), (56, ["3d"]), (90, ["3d", "mit"])):
        heads = ["params", "down", "likes", "age", "licence"][: 3 + len(said)]
        assert rows.summary_head(width).split() == heads
        line = rows.of_summary(summary, width)
        assert line.plain.split() == ["owner/x", "7.6B", "0", "2", *said]
        # One under the other.
        assert line.cell_length == width - 1
    for licence, shown in (("a-very-long-licence", "a-very-long…"), ("漢字" * 4, "漢字漢字漢 …")):
        line = rows.of_summary(Summary("owner/x", licence=licence, updated="some day"), 90)
        assert line.cell_length == 89
        assert line.plain.endswith(f" 0       {shown}")


def test_a_guess_says_that_it_is_one() -> None:
    row = rows.of_variant(VARIANT, FIT, "", 58).plain
    assert row.split() == ["Q4_K_M", "4.7", "GB", "~tight", "~7.9", "t/s"]
    said = rows.of_fit(VARIANT, FIT, "", 80, Content("By n_ctx 8,192."))[-1].plain
    assert said == "By n_ctx 8,192."
    assert rows.of_fit(VARIANT, FIT, "", 80)[0].plain == "about 5.9 GB are needed, 8.0 GB are free"


def test_a_download_is_one_line_where_there_is_room() -> None:
    report = Report(
        id="1", repo="a/b", name="x-Q4_K_M", state="running", done=43, size=100,
        speed=12_100_000, remaining=200,
    )  # fmt: skip
    [line] = rows.quiet([report], 44)
    assert line.plain.split() == ["↓", "x-Q4_K_M", "43%", "12.1", "MB/s", "3:20"]
    narrow = " ".join(each.plain for each in rows.quiet([report], 26)).split()
    assert narrow == ["↓", "x-Q4_K_M", "43%", "12.1", "MB/s", "3:20", "left"]
    assert rows.quiet([], 44) == []


def test_a_name_keeps_the_end_that_tells_quantisations_apart() -> None:
    assert rows.shortened("Mistral-7B-Instruct-v0.3-Q4_K_M", 16).plain == "Mistral-…-Q4_K_M"
