from __future__ import annotations

import pytest

from tests.hub import Hub
from tests.models.download.one_file import (
    CONTENT,
    MEBIBYTE,
    in_a_process,
    n_bytes_asked,
    partly,
    place,
    transfer,
    whose,
)
from tests.waiting import wait_until_blocking
from workbench.models.download import parts as parts_on_disk
from workbench.models.download import transfer as transfers
from workbench.models.download.transfer import Progress


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
    # The machine starts again: the last MiB, which is zeros here, is not trusted.
    monkeypatch.setattr(parts_on_disk, "boot_id", lambda: "another")
    again = parts_on_disk.Parts(place(hub).incomplete, whose(hub))
    assert again.done == n_safe
    again.close()
    begun.close()
    assert transfer(hub).run().read_bytes() == CONTENT


def test_an_orderly_restart_of_the_machine_costs_nothing(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    partly(hub, 6_000_000)
    n_there = parts_on_disk.n_there(place(hub).incomplete)
    monkeypatch.setattr(parts_on_disk, "boot_id", lambda: "another")
    hub.asked.clear()
    assert transfer(hub).run().read_bytes() == CONTENT
    assert n_bytes_asked(hub) == len(CONTENT) - n_there


def test_a_power_cut_costs_little_however_fast_bytes_come(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfers, "_SYNC_SECONDS", 0.1)
    n_lost: list[int] = []

    def watch(progress: Progress) -> None:
        if progress.done > 6_000_000:
            # What the next start would find if the machine went down now.
            written, safe = parts_on_disk._counters(parts_on_disk.state_of(incomplete), 3)
            n_lost.append(sum(written) - sum(safe))

    incomplete = place(hub).incomplete
    transfer(hub, report=watch, rules={"max_rate": 10e6}).run()
    assert len(n_lost) > 2
    assert min(n_lost[:-1]) < 4_000_000


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
