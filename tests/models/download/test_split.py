"""Models of several files in the queue: one download to a person."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest
from huggingface_hub import constants, hf_hub_download, scan_cache_dir

from tests.hub import Fault, Hub
from tests.models.download.test_queue import FILES, REPO, TWO, Desk, folder, hub
from tests.waiting import wait_until_blocking
from workbench.models.download import queue
from workbench.models.download.order import Orders
from workbench.models.download.transfer import Transfer

__all__ = ["folder", "hub"]

PARTS = ("two-00001-of-00002.gguf", "two-00002-of-00002.gguf")
ALL = 2 * len(TWO)


def left() -> list[str]:
    """What the cache has; the locks are the Hub's own client's, which leaves them as well."""
    cache = Path(constants.HF_HUB_CACHE)
    found = [each.relative_to(cache) for each in cache.rglob("*")]
    return [str(each) for each in found if each.parts[0] != ".locks"]


def in_the_second_part(desk: Desk) -> str:
    two = desk.add(*PARTS)
    wait_until_blocking(lambda: desk.last(two).done > len(TWO) + 500_000, "the second part")
    return two


@pytest.mark.parametrize("paused", [True, False])
def test_a_cancelled_one_leaves_no_part(hub: Hub, folder: Path, paused: bool) -> None:
    with Desk(folder, hub, max_rate=2e6, parts=1) as desk:
        two = in_the_second_part(desk)
        if paused:
            desk.queue.pause(two)
            wait_until_blocking(lambda: desk.last(two).state == "paused", "the pause")
        desk.queue.cancel(two)
        desk.wait_for(two, "cancelled")
    assert left() == []


def test_a_cancelled_one_leaves_what_was_there_before(hub: Hub, folder: Path) -> None:
    first = hf_hub_download(REPO, PARTS[0], endpoint=hub.endpoint, token=False)
    before = sorted(left())
    with Desk(folder, hub, max_rate=2e6, parts=1) as desk:
        two = in_the_second_part(desk)
        desk.queue.cancel(two)
        desk.wait_for(two, "cancelled")
    assert sorted(left()) == before
    assert Path(first).read_bytes() == TWO
    assert scan_cache_dir().warnings == []


def test_a_cancelled_one_leaves_what_another_version_has_as_well(hub: Hub, folder: Path) -> None:
    with Desk(folder, hub, max_rate=2e6, parts=1) as desk:
        two = in_the_second_part(desk)
        desk.queue.pause(two)
        wait_until_blocking(lambda: desk.last(two).state == "paused", "the pause")
        hub.change(f"{REPO}/README.md", b"# New")
        other = hf_hub_download(REPO, PARTS[0], endpoint=hub.endpoint, token=False)
        desk.queue.cancel(two)
    assert Path(other).read_bytes() == TWO
    [repository] = scan_cache_dir().repos
    assert [revision.commit_hash for revision in repository.revisions] == [hub.head]
    assert set(repository.refs) == {"main"}


def test_finished_parts_count_whatever_state_it_is_in(hub: Hub, folder: Path) -> None:
    with Desk(folder, hub, max_rate=2e6, parts=1) as desk:
        two = in_the_second_part(desk)
        desk.queue.pause(two)
        wait_until_blocking(lambda: desk.last(two).state == "paused", "the pause")
        assert len(TWO) + 500_000 <= desk.last(two).done < ALL
    with Desk(folder, hub, max_rate=2e6, parts=1) as desk:
        [report] = desk.queue.reports()
        assert len(TWO) + 500_000 <= report.done < ALL
        hub.faults += [Fault("status", PARTS[1], "HEAD", code=404, times=9)]
        desk.queue.resume(two)
        # Where it cannot go on, it is known as well that something is there.
        assert desk.wait_for(two, "failed").done >= len(TWO) + 500_000


def test_there_is_room_for_all_of_it_before_it_begins(
    hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = shutil.disk_usage
    free = ALL - 1
    monkeypatch.setattr(shutil, "disk_usage", lambda path: real(path)._replace(free=free))
    monkeypatch.setattr(queue, "_ROOM_SECONDS", 0.2)
    with Desk(folder, hub) as desk:
        two = desk.add(*PARTS)
        assert "of room" in desk.wait_for(two, "waiting").note
        assert hub.ranges() == []
        # What is there already needs none.
        free = ALL
        desk.wait_for(two, "done")


def test_all_parts_are_of_one_version(hub: Hub, folder: Path) -> None:
    """Also where the branch moves on meanwhile, and where the app is left and started again."""
    first = hub.head
    with Desk(folder, hub, max_rate=2e6, parts=1) as desk:
        two = desk.add(*PARTS)
        wait_until_blocking(lambda: desk.last(two).done > 500_000, "some bytes")
        hub.change(f"{REPO}/README.md", b"# New")
        wait_until_blocking(lambda: desk.last(two).done > len(TWO) + 500_000, "the second part")
    hub.change(f"{REPO}/{PARTS[0]}", TWO[1:])
    hub.change(f"{REPO}/{PARTS[1]}", TWO[2:])
    with Desk(folder, hub) as desk:
        path = desk.wait_for(two, "done").path
    assert path is not None
    assert path.parent.name == first
    assert path.read_bytes() == TWO
    assert path.with_name(PARTS[1]).read_bytes() == TWO[::-1]


def test_where_that_version_is_gone_all_is_fetched_as_it_is_now(hub: Hub, folder: Path) -> None:
    with Desk(folder, hub, max_rate=2e6, parts=1) as desk:
        two = in_the_second_part(desk)
    hub.change(f"{REPO}/{PARTS[0]}", TWO[1:])
    hub.change(f"{REPO}/{PARTS[1]}", TWO[2:], forget=True)
    with Desk(folder, hub) as desk:
        path = desk.wait_for(two, "done").path
    assert path is not None
    assert path.read_bytes() == TWO[1:]
    assert path.with_name(PARTS[1]).read_bytes() == TWO[2:]


def test_what_is_done_is_no_download_any_more(
    hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also while the disk takes its time with it."""
    written = threading.Event()
    monkeypatch.setattr(Transfer, "secure", lambda _: written.wait(60))
    with Desk(folder, hub) as desk:
        two = desk.add(*PARTS)
        desk.wait_for(two, "done")
        assert desk.queue.reports() == []
        # The next start would look at it again.
        assert [order.id for order in Orders(folder).all()] == [two]
        written.set()
        wait_until_blocking(lambda: not Orders(folder).all(), "the disk")


def test_what_was_done_to_it_while_it_failed_stays(hub: Hub, folder: Path) -> None:
    hub.faults += [Fault("status", PARTS[1], "HEAD", code=404, times=9)]
    with Desk(folder, hub, max_rate=2e6, parts=1) as desk:
        two, one = desk.add(*PARTS), desk.add("one.gguf")
        desk.queue.pause(one)
        wait_until_blocking(lambda: desk.last(two).done > 500_000, "some bytes")
        desk.queue.move(two, None)
        desk.wait_for(two, "failed")
        assert [report.id for report in desk.queue.reports()] == [one, two]


def test_what_another_app_cancels_while_it_fails_is_gone(hub: Hub, folder: Path) -> None:
    late = Fault("late", PARTS[1], "HEAD", seconds=2)
    hub.faults += [late]
    hub.commits[hub.head] = {name: FILES[name] for name in FILES if PARTS[1] not in name}
    with Desk(folder, hub) as desk:
        two = desk.add(*PARTS)
        wait_until_blocking(lambda: late.times < 1, "the question for the second part")
        Orders(folder).remove(two)
        desk.wait_for(two, "cancelled")
        assert desk.queue.reports() == []
    assert not list(folder.iterdir())
    assert left() == []
