from __future__ import annotations

import hashlib
import random
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from shutil import disk_usage
from typing import Any, Self

import pytest
from huggingface_hub import constants, hf_hub_download, scan_cache_dir

from tests import hub as loopback
from tests.hub import Fault, Hub
from tests.small_disk import small_disk
from tests.waiting import wait_until_blocking
from workbench.models.download import queue
from workbench.models.download.order import Order, Orders
from workbench.models.download.queue import Downloads
from workbench.models.download.report import Report
from workbench.models.download.transfer import FLOOR_BYTES, Rules, Transfer
from workbench.models.hub.client import HubClient
from workbench.models.hub.repository import RemoteFile

REPO = "someone/Tiny-GGUF"
ONE = random.Random(1).randbytes(12_000_000)
TWO = random.Random(2).randbytes(3_000_000)
FILES = {f"{REPO}/one.gguf": ONE, f"{REPO}/two-00001-of-00002.gguf": TWO}
FILES |= {f"{REPO}/two-00002-of-00002.gguf": TWO[::-1]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "queue"


@pytest.fixture
def hub() -> Iterator[Hub]:
    with loopback.running(FILES) as running:
        yield running


class Desk:
    """A queue, and the last that was heard of each of its downloads."""

    def __init__(self, folder: Path, hub: Hub, cache: Path | None = None, **given: Any) -> None:
        self.client = HubClient(hub.endpoint, token=False)
        self.heard: list[Report] = []
        rules = Rules(**{"floor": 0, "patience": 0.5, **given})
        self.queue = Downloads(
            folder, self.client, tell=self.heard.append, cache=cache, rules=rules
        )

    def add(self, *names: str) -> str:
        contents = [FILES[f"{REPO}/{name}"] for name in names]
        files = [
            RemoteFile(name, len(content), loopback.etag_of(content))
            for name, content in zip(names, contents, strict=True)
        ]
        return self.queue.add(REPO, names[0], files).id

    def last(self, number: str) -> Report:
        return [report for report in self.heard if report.id == number][-1]

    def wait_for(self, number: str, state: str) -> Report:
        wait_until_blocking(
            lambda: any(each.id == number and each.state == state for each in self.heard), state
        )
        return [each for each in self.heard if (each.id, each.state) == (number, state)][-1]

    def __enter__(self) -> Self:
        self.queue.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.queue.close()
        self.client.close()


def test_downloads_are_fetched_one_after_the_other(hub: Hub, folder: Path) -> None:
    with Desk(folder, hub) as desk:
        one = desk.add("one.gguf")
        two = desk.add("two-00001-of-00002.gguf", "two-00002-of-00002.gguf")
        done = desk.wait_for(two, "done")
        assert desk.wait_for(one, "done").path is not None
    assert done.path is not None
    assert done.path.name == "two-00001-of-00002.gguf"
    assert done.path.read_bytes() == TWO
    assert (done.done, done.size) == (6_000_000, 6_000_000)
    assert hf_hub_download(REPO, "two-00002-of-00002.gguf", local_files_only=True)
    states = [(report.id, report.state) for report in desk.heard]
    assert states.index((one, "done")) < states.index((two, "running"))
    assert list(folder.iterdir()) == []


def test_progress_has_speed_and_remaining_time(hub: Hub, folder: Path) -> None:
    with Desk(folder, hub, max_rate=8e6) as desk:
        one = desk.add("one.gguf")
        desk.wait_for(one, "done")
    running = [report for report in desk.heard if report.state == "running"]
    middle = [report for report in running if 0.3 < report.done / report.size < 0.9]
    assert middle
    for report in middle:
        assert report.remaining is not None
        assert 0 < report.remaining < 10
        assert 1e6 < report.speed < 2e7
    # About five a second of the second and a half.
    assert len(running) < 30


def test_a_paused_download_goes_on_where_it_was(hub: Hub, folder: Path) -> None:
    with Desk(folder, hub, max_rate=8e6) as desk:
        one = desk.add("one.gguf")
        wait_until_blocking(lambda: desk.last(one).done > 2_000_000, "some bytes")
        desk.queue.pause(one)
        wait_until_blocking(lambda: desk.last(one).state == "paused", "the pause")
    # Another app finds it paused, and leaves it so.
    with Desk(folder, hub) as desk:
        [report] = desk.queue.reports()
        there = report.done
        assert report.state == "paused"
        assert there > 2_000_000
        hub.asked.clear()
        desk.queue.resume(one)
        assert desk.wait_for(one, "done").path is not None
    assert sum(last + 1 - first for first, last in hub.ranges()) == len(ONE) - there


def test_a_silent_hub_keeps_nobody_from_leaving(hub: Hub, folder: Path) -> None:
    hub.faults += [Fault("late", method="HEAD", seconds=30, times=float("inf"))]
    with Desk(folder, hub) as desk:
        one = desk.add("one.gguf")
        wait_until_blocking(lambda: hub.asked, "the question")
        began = time.monotonic()
    assert time.monotonic() - began < 3
    assert [each.state for each in desk.heard if each.id == one][-1] in ("queued", "running")


def test_what_was_running_is_taken_up_by_the_next_start(hub: Hub, folder: Path) -> None:
    with Desk(folder, hub, max_rate=8e6) as desk:
        one = desk.add("one.gguf")
        wait_until_blocking(lambda: desk.last(one).done > 2_000_000, "some bytes")
    assert desk.last(one).state in ("queued", "running")
    with Desk(folder, hub) as desk:
        path = desk.wait_for(one, "done").path
    assert path is not None
    assert path.read_bytes() == ONE


def test_a_cancelled_download_leaves_nothing(hub: Hub, folder: Path) -> None:
    with Desk(folder, hub, max_rate=8e6) as desk:
        one = desk.add("one.gguf")
        two = desk.add("two-00001-of-00002.gguf")
        wait_until_blocking(lambda: desk.last(one).done > 2_000_000, "some bytes")
        desk.queue.cancel(one)
        desk.wait_for(one, "cancelled")
        desk.queue.cancel(two)
        desk.wait_for(two, "cancelled")
        assert desk.queue.reports() == []
    cache = scan_cache_dir()
    assert not cache.incomplete_files
    assert not list(Path(constants.HF_HUB_CACHE).rglob("*.parts"))
    assert list(folder.iterdir()) == []


def test_another_process_sees_a_pause(hub: Hub, folder: Path) -> None:
    with Desk(folder, hub, max_rate=2e6) as desk:
        one = desk.add("one.gguf")
        wait_until_blocking(lambda: desk.last(one).done > 500_000, "some bytes")
        other = Desk(folder, hub)
        other.queue.pause(one)
        wait_until_blocking(lambda: desk.last(one).state == "paused", "the pause")
        other.client.close()


def test_the_order_can_be_changed(hub: Hub, folder: Path) -> None:
    desk = Desk(folder, hub)
    names = ["one.gguf", "two-00001-of-00002.gguf", "two-00002-of-00002.gguf"]
    one, two, three = map(desk.add, names)

    def order() -> list[str]:
        return [report.id for report in desk.queue.reports()]

    assert order() == [one, two, three]
    desk.queue.move(three, before=one)
    assert order() == [three, one, two]
    desk.queue.move(three, before=two)
    assert order() == [one, three, two]
    desk.queue.move(one, before=None)
    assert order() == [three, two, one]
    desk.client.close()


def test_the_same_download_is_wanted_once(hub: Hub, folder: Path) -> None:
    desk = Desk(folder, hub)
    one = desk.add("one.gguf")
    desk.queue.pause(one)
    assert desk.add("one.gguf") == one
    [report] = desk.queue.reports()
    assert report.state == "queued"
    desk.client.close()


def test_a_line_that_is_away_is_waited_for(hub: Hub, folder: Path) -> None:
    hub.faults += [Fault("reset", path="one.gguf", times=float("inf"))]
    with Desk(folder, hub) as desk:
        one = desk.add("one.gguf")
        waiting = desk.wait_for(one, "waiting")
        assert "The connection was lost" in waiting.note
        # The next one is not kept up by it, if it can be had.
        two = desk.add("two-00001-of-00002.gguf")
        desk.wait_for(two, "done")
        hub.faults.clear()
        desk.queue.resume(one)
        desk.wait_for(one, "done")


def test_a_download_that_cannot_be_had_fails_with_its_reason(hub: Hub, folder: Path) -> None:
    hub.gated.add(REPO)
    with Desk(folder, hub) as desk:
        one = desk.add("one.gguf")
        assert (
            f"accept its conditions on {hub.endpoint}/{REPO}" in desk.wait_for(one, "failed").note
        )
        [report] = desk.queue.reports()
    assert report.state == "failed"
    assert report.note


def test_what_fails_where_it_cannot_be_written_down_has_failed(hub: Hub, folder: Path) -> None:
    hub.gated.add(REPO)
    desk = Desk(folder, hub)
    one = desk.add("one.gguf")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # No file takes a byte.
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with desk:
            assert "accept its conditions" in desk.wait_for(one, "failed").note
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "waiting" not in {each.state for each in desk.heard}


def test_a_full_disk_is_waited_for(hub: Hub, folder: Path) -> None:
    with Desk(folder, hub, floor=1 << 60) as desk:
        one = desk.add("one.gguf")
        assert "of room" in desk.wait_for(one, "waiting").note


def test_the_floor_is_watched_while_bytes_come(
    hub: Hub, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "_ROOM_SECONDS", 0.5)
    with small_disk(tmp_path / "disk", FLOOR_BYTES + 40_000_000) as disk:
        rules = {"floor": FLOOR_BYTES, "max_rate": 4e6}
        with Desk(folder, hub, cache=disk, **rules) as desk:
            one = desk.add("one.gguf")
            wait_until_blocking(lambda: desk.last(one).done > 1_000_000, "some bytes")
            ballast = disk / "ballast"
            ballast.write_bytes(bytes(38_000_000))
            waiting = desk.wait_for(one, "waiting")
            assert "1.0 GB shall stay so: make 0.1 GB of room" in waiting.note
            # There still is nearly a GB for all others, and it goes on by itself, not from zero.
            assert disk_usage(disk).free > 0.99 * FLOOR_BYTES
            ballast.unlink()
            n_asked = len(hub.ranges())
            assert desk.wait_for(one, "done").path is not None
            asked_again = hub.ranges()[n_asked:]
            assert sum(last + 1 - first for first, last in asked_again) <= len(ONE) - waiting.done


QUEUE = """
import sys
from pathlib import Path
from tests.models.download.test_queue import Desk
from tests.hub import Hub
hub = Hub({})
hub.endpoint, folder = sys.argv[1:]
with Desk(Path(folder), hub, max_rate=4e6) as desk:
    desk.wait_for(desk.add("one.gguf"), "done")
"""


def test_a_killed_process_leaves_its_queue_to_the_next(hub: Hub, folder: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", QUEUE, hub.endpoint, str(folder)]) as process:
        desk = Desk(folder, hub)
        wait_until_blocking(
            lambda: any(each.done > 500_000 for each in desk.queue.reports()), "some bytes"
        )
        process.kill()
    with desk:
        [report] = desk.queue.reports()
        path = desk.wait_for(report.id, "done").path
    assert path is not None
    assert path.read_bytes() == ONE


def test_orders_that_are_no_orders_are_left_out(folder: Path) -> None:
    orders = Orders(folder)
    folder.mkdir()
    (folder / "torn.json").write_text('{"id": "torn"')
    evil = Order(id="evil", repo=REPO, name="x", files=(RemoteFile("../../x", 1),), rank=1.0)
    orders.put(evil)
    (folder / "wrong.json").write_text((folder / "evil.json").read_text())
    assert orders.all() == []
    assert orders.get("evil") is None


def test_what_another_process_fetches_is_said_to_be_fetched(folder: Path, hub: Hub) -> None:
    with Desk(folder, hub, max_rate=6e6) as desk:
        file = RemoteFile("one.gguf", len(ONE), hashlib.sha256(ONE).hexdigest())
        number = desk.queue.add(REPO, "one", [file]).id
        desk.wait_for(number, "running")
        with Desk(folder, hub) as other:
            assert "Another Workbench fetches it" in other.wait_for(number, "queued").note
            desk.wait_for(number, "done")
            other.wait_for(number, "done")


def test_what_another_process_does_to_a_download_is_told(folder: Path, hub: Hub) -> None:
    """Whether it runs there, waits its turn here, or is paused."""
    hub.faults += [Fault("reset", path="two-00001", times=float("inf"))]
    with Desk(folder, hub, max_rate=2e6) as desk:
        one, two = desk.add("one.gguf"), desk.add("two-00001-of-00002.gguf")
        desk.wait_for(one, "running")
        with Desk(folder, hub, max_rate=2e6) as other:
            other.wait_for(one, "queued")
            desk.queue.pause(one)
            other.wait_for(one, "paused")
            desk.queue.pause(two)
            other.wait_for(two, "paused")
            desk.queue.cancel(one)
            desk.queue.cancel(two)
            other.wait_for(one, "cancelled")
            other.wait_for(two, "cancelled")
        ends = [each.id for each in desk.heard if each.state in ("done", "cancelled")]
    assert ends == [one, two]


def test_what_is_wanted_again_while_the_disk_takes_it_ends_again(
    folder: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = threading.Event()
    monkeypatch.setattr(Transfer, "secure", lambda _: taken.wait(10))
    with Desk(folder, hub) as desk:
        one = desk.add("one.gguf")
        desk.wait_for(one, "done")
        again = desk.add("one.gguf")
        assert again != one
        taken.set()
        desk.wait_for(again, "done")
        wait_until_blocking(lambda: not desk.queue.reports(), "nothing to be left")
