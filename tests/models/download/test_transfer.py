from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import pytest
from huggingface_hub import hf_hub_download, scan_cache_dir
from huggingface_hub.utils import WeakFileLock  # type: ignore[attr-defined]

from tests.hub import Fault, Hub
from tests.models.download.one_file import (
    CONTENT,
    FILE,
    MEBIBYTE,
    NAME,
    REPO,
    in_a_process,
    n_bytes_asked,
    partly,
    place,
    transfer,
)
from tests.small_disk import small_disk
from tests.waiting import wait_until_blocking
from workbench.models.download import transfer as transfers
from workbench.models.download.connections import Connections
from workbench.models.download.errors import NoRoomError, WrongBytesError
from workbench.models.download.transfer import FLOOR_BYTES, Progress
from workbench.models.hub.errors import (
    GatedError,
    NotAHubError,
    NotFoundError,
    OfflineError,
)


def test_a_file_arrives_where_the_hubs_client_looks_for_it(hub: Hub) -> None:
    path = transfer(hub).run()
    assert path.read_bytes() == CONTENT
    n_asked = len(hub.asked)
    assert hf_hub_download(REPO, FILE, local_files_only=True) == str(path)
    assert hf_hub_download(REPO, FILE, endpoint=hub.endpoint, token=False) == str(path)
    assert [asked.method for asked in hub.asked[n_asked:]] == ["HEAD"]
    cache = scan_cache_dir()
    assert cache.warnings == []
    assert not cache.incomplete_files
    [repository] = cache.repos
    assert (repository.repo_id, set(repository.refs)) == (REPO, {"main"})
    assert repository.size_on_disk == len(CONTENT)


def test_a_file_that_is_there_is_not_fetched_again(hub: Hub) -> None:
    fetched = hf_hub_download(REPO, FILE, endpoint=hub.endpoint, token=False)
    n_sent = hub.n_sent
    assert str(transfer(hub).run()) == fetched
    assert hub.n_sent == n_sent


def test_a_small_file_is_verified_by_gits_id(hub: Hub) -> None:
    assert transfer(hub, "config.json").run().read_bytes() == b"{}"
    hub.change(f"{REPO}/config.json", b"[]")
    hub.faults.append(Fault("corrupt", path="config.json"))
    with pytest.raises(WrongBytesError):
        transfer(hub, "config.json").run()


def test_an_empty_file_is_a_file(hub: Hub) -> None:
    hub.change(f"{REPO}/empty.gguf", b"")
    assert transfer(hub, "empty.gguf").run().read_bytes() == b""


def test_what_is_begun_shows_as_unfinished_and_no_more(hub: Hub) -> None:
    partly(hub, 5_000_000)
    cache = scan_cache_dir()
    assert cache.warnings == []
    assert [file.file_path for file in cache.incomplete_files] == [place(hub).incomplete]


def test_gated_and_missing_files_say_what_to_do(hub: Hub) -> None:
    with pytest.raises(NotFoundError, match="no such file"):
        transfer(hub, "nothing.gguf").run()
    hub.gated.add(REPO)
    with pytest.raises(GatedError, match=f"{hub.endpoint}/{REPO}.*hf auth login"):
        transfer(hub).run()


def test_wrong_bytes_are_thrown_away_and_fetched_again_when_asked(hub: Hub) -> None:
    hub.faults += [Fault("corrupt", path=FILE, after=1_000_000)]
    with pytest.raises(WrongBytesError, match="thrown away"):
        transfer(hub).run()
    assert not list(place(hub).blob.parent.iterdir())
    assert transfer(hub).run().read_bytes() == CONTENT


def test_an_older_version_that_was_begun_is_finished(hub: Hub) -> None:
    n_there = partly(hub, 6_000_000)
    first = hub.head
    hub.change(NAME, CONTENT[::-1])
    hub.asked.clear()
    path = transfer(hub).run()
    assert path.read_bytes() == CONTENT
    assert path == place(hub, commit=first).link
    assert n_bytes_asked(hub) <= len(CONTENT) - n_there


def test_a_commit_is_what_it_is_whatever_of_a_branch_is_begun(hub: Hub) -> None:
    partly(hub, 6_000_000)
    first = hub.head
    hub.change(NAME, CONTENT[::-1])
    second = hub.head
    assert transfer(hub, revision=second).run().read_bytes() == CONTENT[::-1]
    assert place(hub, commit=first).incomplete.exists()
    assert transfer(hub, revision=first).run().read_bytes() == CONTENT


@pytest.mark.parametrize("named", [True, False])
def test_what_is_begun_of_one_version_is_no_answer_for_another(hub: Hub, named: bool) -> None:
    first = hub.head
    n_there = partly(hub, 6_000_000, revision=first)
    hub.change(NAME, CONTENT[::-1])
    asked_for = hub.head if named else "main"
    path = transfer(hub, revision=asked_for).run()
    assert path == place(hub, CONTENT[::-1]).link
    assert path.read_bytes() == CONTENT[::-1]
    # Nor is it lost by that.
    hub.asked.clear()
    assert transfer(hub, revision=first).run().read_bytes() == CONTENT
    assert n_bytes_asked(hub) <= len(CONTENT) - n_there


def test_the_same_bytes_are_taken_up_whatever_version_is_asked_for(hub: Hub) -> None:
    n_there = partly(hub, 6_000_000)
    hub.asked.clear()
    assert transfer(hub, revision=hub.head).run().read_bytes() == CONTENT
    assert n_bytes_asked(hub) <= len(CONTENT) - n_there


def test_a_branch_that_moves_on_meanwhile_spoils_nothing(hub: Hub) -> None:
    first = hub.head

    def watch(progress: Progress) -> None:
        if progress.done > 3_000_000 and hub.head == first:
            hub.change(NAME, CONTENT[::-1])

    one_after_another = {"max_rate": 20e6, "parts": 1}
    path = transfer(hub, report=watch, rules=one_after_another).run()
    assert hub.head != first
    assert path == place(hub, commit=first).link
    assert path.read_bytes() == CONTENT


def test_a_version_that_is_gone_is_begun_again(hub: Hub) -> None:
    partly(hub, 6_000_000)
    hub.change(NAME, CONTENT[::-1], forget=True)
    notes: set[str] = set()
    path = transfer(hub, report=lambda progress: notes.add(progress.note)).run()
    assert path.read_bytes() == CONTENT[::-1]
    assert "The file has changed on the Hub: begun again." in notes
    assert list(place(hub).blob.parent.glob("*.incomplete")) == []


def test_too_little_room_is_told_before_anything_is_fetched(hub: Hub) -> None:
    with pytest.raises(NoRoomError, match=r"make [\d.]+ GB of room"):
        transfer(hub, rules={"floor": 1 << 60}).run()
    assert hub.ranges() == []


def test_a_disk_that_fills_up_stops_it_and_it_goes_on_with_room(hub: Hub, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 30 * MEBIBYTE) as disk:
        ballast = disk / "ballast"

        def fill(progress: Progress) -> None:
            if progress.done > 4_000_000 and not ballast.exists():
                ballast.write_bytes(bytes(20 * MEBIBYTE))

        with pytest.raises(NoRoomError):
            transfer(hub, cache=disk, report=fill, rules={"max_rate": 10e6}).run()
        ballast.unlink()
        hub.asked.clear()
        assert transfer(hub, cache=disk).run().read_bytes() == CONTENT
        assert n_bytes_asked(hub) < len(CONTENT) - 3_000_000


def test_a_download_without_connections_does_not_wait_for_them(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Left(Connections):
        """Each takes another for the one that brings all of it."""

        def start(self) -> None:
            self._whole.acquire()
            super().start()

    monkeypatch.setattr(transfers, "Connections", Left)
    hub.faults += [Fault("no_range", path=FILE, times=float("inf"))]
    with pytest.raises(OfflineError, match="ended before all was there"):
        transfer(hub).run()


def test_secure_has_the_disk_take_it_all(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []

    def sync(handle: int) -> None:
        synced.append(os.fstat(handle).st_ino)

    fetching = transfer(hub)
    path = fetching.run()
    monkeypatch.setattr(os, "fsync", sync)
    fetching.secure()
    assert synced == [path.stat().st_ino]
    fetching.secure()
    assert len(synced) == 1


def test_the_floor_is_watched_while_bytes_come(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    real = shutil.disk_usage
    left = 1 << 62
    seen: list[Progress] = []

    def usage(path: Path) -> object:
        # What others write on this disk meanwhile is none of this test's.
        return real(path)._replace(free=left)

    def fill(progress: Progress) -> None:
        nonlocal left
        seen.append(progress)
        if progress.done > 2_000_000:
            left = FLOOR_BYTES - 1

    monkeypatch.setattr(shutil, "disk_usage", usage)
    rules = {"floor": FLOOR_BYTES, "max_rate": 4e6}
    with pytest.raises(NoRoomError, match=r"make 0\.1 GB of room"):
        transfer(hub, report=fill, rules=rules).run()
    # Not long after, and what is there stays.
    assert seen[-1].done < len(CONTENT) - 4_000_000
    left = 1 << 62
    hub.asked.clear()
    assert transfer(hub).run().read_bytes() == CONTENT
    assert n_bytes_asked(hub) <= len(CONTENT) - seen[-1].done


def test_two_processes_fetch_it_once(hub: Hub) -> None:
    with in_a_process(hub) as one:
        wait_until_blocking(hub.ranges, "the first to begin")
        with in_a_process(hub) as other:
            assert one.wait(timeout=60) == other.wait(timeout=60) == 0
    assert place(hub).link.read_bytes() == CONTENT
    assert n_bytes_asked(hub) == len(CONTENT)


def test_whoever_else_holds_the_hubs_lock_is_waited_for(hub: Hub) -> None:
    where = place(hub)
    where.prepare()
    notes: set[str] = set()
    waiting = transfer(hub, report=lambda progress: notes.add(progress.note))
    with WeakFileLock(where.lock):
        thread = threading.Thread(target=waiting.run)
        thread.start()
        wait_until_blocking(lambda: notes, "a note")
        assert notes == {"Another program fetches the same file; waiting for it."}
        assert hub.ranges() == []
    thread.join()
    assert where.link.read_bytes() == CONTENT


def test_names_cannot_leave_their_place(hub: Hub) -> None:
    # Whoever asks has looked at the names; here it is the etag that is made up.
    hub.commits[hub.head][NAME] = CONTENT
    hub.faults += [
        Fault(
            "status", FILE, "HEAD", code=200, headers={"X-Repo-Commit": hub.head, "ETag": '"../x"'}
        )
    ]
    with pytest.raises(NotAHubError):
        transfer(hub).run()
