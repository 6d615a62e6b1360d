from __future__ import annotations

import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from huggingface_hub import constants, hf_hub_download, scan_cache_dir
from huggingface_hub.utils import WeakFileLock  # type: ignore[attr-defined]

from tests import hub as loopback
from tests.hub import Fault, Hub
from tests.waiting import wait_until_blocking
from workbench.models.download import parts as parts_on_disk
from workbench.models.download.errors import NoRoomError, StoppedError, WrongBytesError
from workbench.models.download.place import Place
from workbench.models.download.transfer import Progress, Rules, Transfer
from workbench.models.hub.client import HubClient
from workbench.models.hub.errors import (
    GatedError,
    NotAHubError,
    NotFoundError,
    OfflineError,
    RateLimitedError,
)

REPO = "someone/Tiny-GGUF"
FILE = "Tiny-Q4_0.gguf"
NAME = f"{REPO}/{FILE}"
# Three parts, the last a short one.
CONTENT = b"GGUF" + random.Random(6).randbytes(20_000_000 - 4)
MEBIBYTE = 1 << 20
CLIENTS: list[HubClient] = []


@pytest.fixture
def hub() -> Iterator[Hub]:
    with loopback.running({NAME: CONTENT, f"{REPO}/config.json": b"{}"}) as running:
        yield running
        while CLIENTS:
            CLIENTS.pop().close()


def client(hub: Hub, token: str | Literal[False] = False) -> HubClient:
    CLIENTS.append(HubClient(hub.endpoint, token=token))
    return CLIENTS[-1]


def transfer(hub: Hub, path: str = FILE, **given: Any) -> Transfer:
    rules = Rules(**{"floor": 0, "silence": 1.0, "patience": 5.0, **given.pop("rules", {})})
    asking = client(hub, given.pop("token", False))
    return Transfer(asking, REPO, path, rules=rules, **given)


def place(hub: Hub, content: bytes = CONTENT, commit: str = "") -> Place:
    cache = Path(constants.HF_HUB_CACHE)
    return Place(cache, REPO, FILE, commit or hub.head, loopback.etag_of(content))


def partly(hub: Hub, n_bytes: int) -> int:
    """Fetch until ``n_bytes`` are there, and stop; how many are there then."""
    seen: list[Progress] = []

    def watch(progress: Progress) -> None:
        seen.append(progress)
        if progress.done >= n_bytes:
            begun.stop()

    begun = transfer(hub, report=watch, rules={"max_rate": 20e6})
    with pytest.raises(StoppedError):
        begun.run()
    return seen[-1].done


def n_bytes_asked(hub: Hub) -> int:
    return sum(last + 1 - first for first, last in hub.ranges())


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


def test_a_stopped_download_goes_on_where_it_was(hub: Hub) -> None:
    partly(hub, 6_000_000)
    there = parts_on_disk.Parts(place(hub).incomplete, whose(hub))
    n_there = there.done
    there.close()
    assert n_there >= 6_000_000
    hub.asked.clear()
    assert transfer(hub).run().read_bytes() == CONTENT
    assert n_bytes_asked(hub) == len(CONTENT) - n_there
    assert list(place(hub).blob.parent.glob("*.incomplete")) == []


def whose(hub: Hub) -> parts_on_disk.Whose:
    return parts_on_disk.Whose(REPO, FILE, hub.head, loopback.etag_of(CONTENT), len(CONTENT))


GET = """
import sys
from pathlib import Path
from workbench.models.download.transfer import Rules, Transfer
from workbench.models.hub.client import HubClient
endpoint, repo, path, cache, rate = sys.argv[1:]
rules = Rules(floor=0, max_rate=float(rate))
print(Transfer(HubClient(endpoint, token=False), repo, path, cache=Path(cache), rules=rules).run())
"""


def in_a_process(hub: Hub, rate: float = 20e6) -> subprocess.Popen[bytes]:
    arguments = [hub.endpoint, REPO, FILE, constants.HF_HUB_CACHE, str(rate)]
    return subprocess.Popen([sys.executable, "-c", GET, *arguments], stdout=subprocess.PIPE)


def test_a_killed_download_fetches_next_to_nothing_twice(hub: Hub) -> None:
    incomplete = place(hub).incomplete
    n_there = 0
    for n_bytes in (3_000_000, 9_000_000, 15_000_000):
        hub.asked.clear()
        with in_a_process(hub) as process:
            wait_until_blocking(
                lambda n=n_bytes: parts_on_disk.n_there(incomplete) > n,  # type: ignore[misc]
                "some bytes",
            )
            process.kill()
        # It asks from where the last one was: for nothing that was written.
        assert n_bytes_asked(hub) <= len(CONTENT) - n_there
        n_there = parts_on_disk.n_there(incomplete)
    hub.asked.clear()
    with in_a_process(hub) as process:
        assert process.wait(timeout=60) == 0
    assert place(hub).link.read_bytes() == CONTENT
    assert n_bytes_asked(hub) == len(CONTENT) - n_there


def test_after_a_power_cut_only_what_was_synced_counts(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    partly(hub, 6_000_000)
    begun = parts_on_disk.Parts(place(hub).incomplete, whose(hub))
    begun.sync()
    n_safe = begun.done
    part = begun.take()
    assert part is not None
    begun.write(part, part.first, memoryview(bytes(MEBIBYTE)))
    assert begun.done == n_safe + MEBIBYTE
    begun.close()
    # The machine starts again: the last MiB, which is zeros here, is not trusted.
    monkeypatch.setattr(parts_on_disk, "boot_id", lambda: "another")
    again = parts_on_disk.Parts(place(hub).incomplete, whose(hub))
    assert again.done == n_safe
    again.close()
    assert transfer(hub).run().read_bytes() == CONTENT


def test_a_placed_file_that_was_not_synced_is_looked_at_after_a_power_cut(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = transfer(hub)
    path = first.run()
    with path.open("r+b") as file:
        file.write(b"\0\0\0\0")
    monkeypatch.setattr(parts_on_disk, "boot_id", lambda: "another")
    second = transfer(hub)
    assert second.run().read_bytes() == CONTENT
    second.secure()
    assert not parts_on_disk.state_of(place(hub).incomplete).exists()


@pytest.mark.parametrize("kind", ["reset", "cut", "stall"])
def test_a_connection_that_fails_is_made_again(hub: Hub, kind: str) -> None:
    hub.faults += [Fault(kind, path=FILE, times=3, after=2_000_000)]
    assert transfer(hub).run().read_bytes() == CONTENT
    # At most what a lost connection had on the way came twice.
    assert hub.n_sent < len(CONTENT) + 3 * 2_100_000


def test_a_hub_that_is_down_for_a_moment_is_asked_again(hub: Hub) -> None:
    hub.faults += [Fault("status", path=FILE, times=2, code=503)]
    assert transfer(hub).run().read_bytes() == CONTENT


def test_a_line_that_stays_away_is_offline_and_keeps_what_is_there(hub: Hub) -> None:
    n_there = partly(hub, 6_000_000)
    hub.faults += [Fault("reset", path=FILE, times=float("inf"))]
    with pytest.raises(OfflineError, match="The connection was lost"):
        transfer(hub, rules={"patience": 1.0}).run()
    hub.faults.clear()
    n_sent = hub.n_sent
    assert transfer(hub).run().read_bytes() == CONTENT
    assert hub.n_sent - n_sent <= len(CONTENT) - n_there


def test_rate_limits_are_waited_for_or_told(hub: Hub) -> None:
    hub.faults += [Fault("status", FILE, code=429, headers={"Retry-After": "1"})]
    notes: set[str] = set()
    told = transfer(hub, report=lambda progress: notes.add(progress.note), rules={"parts": 1})
    assert told.run().read_bytes() == CONTENT
    assert any("asks to wait 1 seconds" in note for note in notes)
    hub.change(NAME, CONTENT[::-1])
    hub.faults += [Fault("status", FILE, code=429, headers={"Retry-After": "300"})]
    with pytest.raises(RateLimitedError) as error:
        transfer(hub).run()
    assert error.value.seconds == 300


def test_an_expired_address_is_signed_again(hub: Hub) -> None:
    hub.signs = True
    expired = threading.Event()

    def watch(progress: Progress) -> None:
        if progress.done > 5_000_000 and not expired.is_set():
            expired.set()
            hub.signatures = set()

    one_after_another = {"max_rate": 20e6, "parts": 1}
    assert transfer(hub, report=watch, rules=one_after_another).run().read_bytes() == CONTENT
    assert expired.is_set()
    assert sum(asked.method == "HEAD" for asked in hub.asked) >= 2


def test_a_storage_that_always_refuses_is_told(hub: Hub) -> None:
    hub.signs = True
    hub.faults += [Fault("status", path="storage", times=float("inf"), code=403)]
    with pytest.raises(Exception, match=r"refuses \(403\)"):
        transfer(hub).run()


def test_the_token_goes_to_the_hub_only(hub: Hub) -> None:
    hub.signs = True
    hub.gated.add(REPO)
    assert transfer(hub, token=loopback.TOKEN).run().read_bytes() == CONTENT
    by_host = {
        host: {asked.headers.get("authorization") for asked in hub.asked if asked.host == host}
        for host in ("hub", "storage")
    }
    assert by_host == {"hub": {f"Bearer {loopback.TOKEN}"}, "storage": {None}}


def test_gated_and_missing_files_say_what_to_do(hub: Hub) -> None:
    with pytest.raises(NotFoundError, match="no such file"):
        transfer(hub, "nothing.gguf").run()
    hub.gated.add(REPO)
    with pytest.raises(GatedError, match=f"{hub.endpoint}/{REPO}.*hf auth login"):
        transfer(hub).run()


def test_a_server_without_ranges_still_gives_the_file(hub: Hub) -> None:
    hub.faults += [Fault("no_range", path=FILE, times=float("inf"))]
    assert transfer(hub).run().read_bytes() == CONTENT
    hub.change(NAME, CONTENT[::-1])


def test_a_server_without_ranges_overwrites_nothing_that_is_there(hub: Hub) -> None:
    partly(hub, 6_000_000)
    hub.faults += [Fault("no_range", path=FILE, times=float("inf"))]
    assert transfer(hub).run().read_bytes() == CONTENT


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


def test_a_web_page_in_place_of_the_file_is_no_file(hub: Hub) -> None:
    hub.faults += [Fault("page", path=FILE, times=float("inf"))]
    with pytest.raises(NotAHubError, match="log-in page"):
        transfer(hub).run()
    hub.faults = [Fault("page", path=FILE, method="HEAD", times=float("inf"))]
    with pytest.raises(NotAHubError, match="HF_ENDPOINT"):
        transfer(hub).run()


def test_too_little_room_is_told_before_anything_is_fetched(hub: Hub) -> None:
    with pytest.raises(NoRoomError, match=r"make [\d.]+ GB of room"):
        transfer(hub, rules={"floor": 1 << 60}).run()
    assert hub.ranges() == []


def test_a_disk_that_fills_up_stops_it_and_it_goes_on_with_room(hub: Hub, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=30m", "none", str(disk)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("only root may make a small disk")
    try:
        ballast = disk / "ballast"

        def fill(progress: Progress) -> None:
            if progress.done > 4_000_000 and not ballast.exists():
                with ballast.open("wb") as file:
                    for _ in range(20):
                        file.write(bytes(MEBIBYTE))

        with pytest.raises(NoRoomError):
            transfer(hub, cache=disk, report=fill, rules={"max_rate": 10e6}).run()
        ballast.unlink()
        hub.asked.clear()
        assert transfer(hub, cache=disk).run().read_bytes() == CONTENT
        assert n_bytes_asked(hub) < len(CONTENT) - 3_000_000
    finally:
        subprocess.run(["umount", str(disk)], check=True)


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


def test_a_limit_on_the_rate_is_kept(hub: Hub) -> None:
    seen: list[Progress] = []
    transfer(hub, report=seen.append, rules={"max_rate": 8e6}).run()
    speeds = [progress.speed for progress in seen if progress.done > len(CONTENT) / 2]
    assert 6e6 < max(speeds) < 9e6


def test_stopping_a_stalled_download_takes_no_time(hub: Hub) -> None:
    hub.faults += [Fault("stall", path=FILE, times=float("inf"), after=1_000_000)]
    stalled = transfer(hub, rules={"silence": 1000.0, "patience": 1000.0})
    errors: list[BaseException] = []

    def run() -> None:
        try:
            stalled.run()
        except StoppedError as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    wait_until_blocking(lambda: len(hub.ranges()) == 3, "all connections to stall")
    stalled.stop()
    thread.join(timeout=5)
    assert errors


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
