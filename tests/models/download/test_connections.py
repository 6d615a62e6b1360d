from __future__ import annotations

import threading

import pytest

from tests import hub as loopback
from tests.hub import Fault, Hub
from tests.models.download.one_file import (
    CONTENT,
    FILE,
    MEBIBYTE,
    NAME,
    REPO,
    partly,
    transfer,
)
from tests.waiting import wait_until_blocking
from workbench.models.download.errors import StoppedError
from workbench.models.download.transfer import Progress
from workbench.models.hub.errors import (
    NotAHubError,
    OfflineError,
    RateLimitedError,
)


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
    assert any(note.endswith("Again in 1 s.") for note in notes)
    hub.change(NAME, CONTENT[::-1])
    hub.faults += [Fault("status", FILE, code=429, headers={"Retry-After": "300"})]
    with pytest.raises(RateLimitedError) as error:
        transfer(hub).run()
    assert error.value.seconds == 300


def test_how_long_it_waits_is_never_nothing(hub: Hub) -> None:
    hub.faults += [Fault("status", path=FILE, code=503)]
    notes: set[str] = set()
    told = transfer(hub, report=lambda progress: notes.add(progress.note), rules={"parts": 1})
    assert told.run().read_bytes() == CONTENT
    assert any(note.endswith("Again in 1 s.") for note in notes)


def test_what_a_server_writes_is_no_command(hub: Hub) -> None:
    hub.faults += [Fault("commands", path=FILE, times=float("inf"))]
    notes: set[str] = set()
    with pytest.raises(OfflineError, match=r"The connection was lost \(]0;evil\[2J\)") as error:
        transfer(
            hub, report=lambda progress: notes.add(progress.note), rules={"patience": 1.0}
        ).run()
    assert all(text.isprintable() for text in (*notes, str(error.value)))


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


def test_a_server_without_ranges_still_gives_the_file(hub: Hub) -> None:
    hub.faults += [Fault("no_range", path=FILE, times=float("inf"))]
    assert transfer(hub).run().read_bytes() == CONTENT
    hub.change(NAME, CONTENT[::-1])


def test_a_server_without_ranges_overwrites_nothing_that_is_there(hub: Hub) -> None:
    partly(hub, 6_000_000)
    hub.faults += [Fault("no_range", path=FILE, times=float("inf"))]
    assert transfer(hub).run().read_bytes() == CONTENT


def test_a_web_page_in_place_of_the_file_is_no_file(hub: Hub) -> None:
    hub.faults += [Fault("page", path=FILE, times=float("inf"))]
    with pytest.raises(NotAHubError, match="log-in page"):
        transfer(hub).run()
    hub.faults = [Fault("page", path=FILE, method="HEAD", times=float("inf"))]
    with pytest.raises(NotAHubError, match="HF_ENDPOINT"):
        transfer(hub).run()


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


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_stopping_does_not_wait_for_the_hub(hub: Hub, method: str) -> None:
    """Neither where it is asked for the file, nor where an address is to be signed again."""
    hub.signs = True
    late = Fault("late", path=f"/resolve/{hub.head}", method="HEAD", times=9, seconds=60)
    if method == "HEAD":
        late.path = "/resolve/"
    hub.faults += [late, Fault("status", path="storage", times=float("inf"), code=403)]
    asking = transfer(hub)
    errors: list[BaseException] = []

    def run() -> None:
        try:
            asking.run()
        except StoppedError as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    wait_until_blocking(lambda: late.times < 9, "a question that is not answered")
    asking.stop()
    thread.join(timeout=5)
    assert errors


@pytest.mark.parametrize("parts", [1, 4])
def test_no_more_is_asked_for_than_a_kill_may_cost(hub: Hub, parts: int) -> None:
    transfer(hub, rules={"parts": parts}).run()
    assert max(last + 1 - first for first, last in hub.ranges()) * parts <= 16 * MEBIBYTE
