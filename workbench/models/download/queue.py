"""The downloads that are wanted, one after the other, in a thread of their own.

The queue lives on the disk: what was not done when a process ended, however it did, is taken up
by the next one that starts. Several processes may have one open; each order is one's at a time,
and all see what any of them pauses, moves or cancels.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

import msgspec

from workbench.models.download import there
from workbench.models.download.errors import DownloadError, NoRoomError, StoppedError
from workbench.models.download.order import Order, Orders, Placed
from workbench.models.download.report import Report, State, said
from workbench.models.download.transfer import (
    Progress,
    Rules,
    Transfer,
    hub_cache,
)
from workbench.models.hub.client import HubClient
from workbench.models.hub.errors import (
    HubDownError,
    HubError,
    NotFoundError,
    OfflineError,
    RateLimitedError,
)
from workbench.models.hub.repository import RemoteFile
from workbench.models.hub.said import line

# After so long a download that waits for the line, or for room on the disk, is tried again.
_LINE_SECONDS: Final = 30.0
_ROOM_SECONDS: Final = 10.0
# How soon it is seen what another process did to the queue.
_LOOK_SECONDS: Final = 1.0
_LOCK_SECONDS: Final = 0.05
_NEVER: Final = float("inf")
ELSEWHERE: Final = "Another Workbench fetches it."


class Downloads:
    """The queue. Methods return at once, come from any thread, and raise OSError."""

    def __init__(
        self,
        folder: Path,
        hub: HubClient,
        *,
        tell: Callable[[Report], None],
        cache: Path | None = None,
        rules: Rules | None = None,
        others: bool = True,
    ) -> None:
        """``folder`` keeps the queue. ``tell`` hears of every change, in the thread that makes
        it, and of progress about five times a second in the queue's. Without ``others`` only
        what is added here is fetched here.
        """
        self._orders = Orders(folder)
        self._hub = hub
        self._tell = tell
        self._cache = cache or hub_cache()
        self._rules = rules or Rules()
        self._others = others
        self._added: set[str] = set()
        self._wake = threading.Condition()
        self._closed = False
        self._transfer: Transfer | None = None
        self._running = ""
        # What there is of it, also if the order goes away meanwhile.
        self._placed: list[Placed] = []
        # When an order that waits is tried again, and what it waits for.
        self._again: dict[str, tuple[float, str]] = {}
        # What another process works on.
        self._elsewhere: set[str] = set()
        # The orders as they were last seen, and those that ended here.
        self._seen: dict[str, Order] = {}
        self._ended: set[str] = set()
        self._thread = threading.Thread(target=self._work, name="downloads", daemon=True)

    def start(self) -> None:
        """Take up what is there."""
        self._thread.start()

    def close(self) -> None:
        """Stop; everything stays on the disk for the next start. Waits for the thread's end."""
        self._nudge(stop=True, closed=True)
        if self._thread.is_alive():
            self._thread.join()

    def reports(self) -> list[Report]:
        """All downloads as they are now, in their order; none that is done."""
        return [self._report(order) for order in self._orders.all() if not order.finished]

    def add(
        self, repo: str, name: str, files: Sequence[RemoteFile], revision: str = "main"
    ) -> Report:
        """Want ``files`` of ``repo``, the first being the one to load."""
        order = self._orders.add(repo, name, files, revision)
        self._again.pop(order.id, None)
        self._added.add(order.id)
        return self._changed(order)

    def pause(self, number: str) -> None:
        """Stop it until it is resumed; what is there stays."""
        if order := self._orders.change(number, paused=True):
            self._changed(order, stop=number == self._running)

    def resume(self, number: str) -> None:
        """Let it go on, also one that failed or waits."""
        self._again.pop(number, None)
        if order := self._orders.change(number, paused=False, failed=""):
            self._changed(order)

    def move(self, number: str, before: str | None) -> None:
        """Put it in the queue before another one, or at its end."""
        orders = [order for order in self._orders.all() if order.id != number]
        ranks = [order.rank for order in orders]
        at = next((i for i, order in enumerate(orders) if order.id == before), len(orders))
        low = ranks[at - 1] if at else (ranks[0] - 2 if ranks else 0.0)
        high = ranks[at] if at < len(ranks) else low + 2
        if moved := self._orders.change(number, rank=(low + high) / 2):
            self._changed(moved)

    def cancel(self, number: str) -> None:
        """Forget it, and throw away what was fetched of it."""
        order = self._orders.get(number)
        if order is None:
            return
        self._ended.add(number)
        self._orders.remove(number)
        if number == self._running:
            # The thread throws it away, once nothing writes any more; so does another process.
            self._nudge(stop=True)
            return
        with ExitStack() as held:
            if self._locked(order, held):
                there.discard(self._cache, order)
        self._tell(said(order, "cancelled"))

    # ---- the thread --------------------------------------------------------------------------

    def _nudge(self, *, stop: bool = False, closed: bool = False) -> None:
        with self._wake:
            self._closed = self._closed or closed
            if stop and self._transfer is not None:
                self._transfer.stop()
            self._wake.notify_all()

    def _changed(self, order: Order, *, stop: bool = False) -> Report:
        self._nudge(stop=stop)
        report = self._report(order)
        self._tell(report)
        return report

    def _work(self) -> None:
        while not self._closed:
            self._look_elsewhere()
            now = time.monotonic()
            due = [
                order for order in self._wanted() if self._again.get(order.id, (0.0, ""))[0] <= now
            ]
            if not any(self._tried(order) for order in due):
                self._rest()

    def _looked_after(self) -> list[Order]:
        return [order for order in self._orders.all() if self._others or order.id in self._added]

    def _wanted(self) -> list[Order]:
        return [order for order in self._looked_after() if not (order.paused or order.failed)]

    def _rest(self) -> None:
        with self._wake:
            if not self._closed:
                # Without an end only where there is nothing: no process then looks in vain.
                self._wake.wait(_LOOK_SECONDS if self._looked_after() or self._seen else None)

    def _tried(self, order: Order) -> bool:
        """Work on it, if no other process does; whether it came to that."""
        with ExitStack() as held:
            if not self._locked(order, held):
                if order.id not in self._elsewhere:
                    self._elsewhere.add(order.id)
                    self._seen[order.id] = order
                    self._tell(self._report(order))
                return False
            self._elsewhere.discard(order.id)
            # It may have been done, or stopped, while the lock was another's.
            now = self._orders.get(order.id)
            if now is None or now.paused or self._closed:
                return False
            self._run(now)
            return True

    def _look_elsewhere(self) -> None:
        """Tell of what other processes have ended, and of what they have paused or resumed."""
        now = {order.id: order for order in self._looked_after()}
        for number, before in self._seen.items():
            order = now.get(number)
            if number in self._ended:
                # All has been said of it, also where it ends while this looks.
                self._elsewhere.discard(number)
            elif order is None:
                self._elsewhere.discard(number)
                is_there = self._n_there(before) >= before.size
                self._tell(said(before, "done" if is_there else "cancelled", done=before.size))
            elif (order.paused, order.failed) != (before.paused, before.failed):
                self._elsewhere.discard(number)
                if not order.failed:
                    # It is wanted again: what it failed of here is over.
                    self._again.pop(number, None)
                self._tell(self._report(order))
        self._seen = now

    def _locked(self, order: Order, held: ExitStack) -> bool:
        """Hold the order, if no other process does."""
        from huggingface_hub.utils import WeakFileLock  # type: ignore[attr-defined]

        lock = self._orders.lock(order.id)
        try:
            held.enter_context(WeakFileLock(lock, timeout=_LOCK_SECONDS))
        except TimeoutError:
            return False
        held.callback(self._forget_lock, order.id)
        return True

    def _forget_lock(self, number: str) -> None:
        # Under the lock: whoever waits for it finds the order gone.
        if self._orders.get(number) is None:
            self._orders.lock(number).unlink(missing_ok=True)

    def _run(self, order: Order) -> None:
        self._running = order.id
        self._placed = list(order.placed)
        self._again.pop(order.id, None)
        try:
            self._fetch(order)
        except StoppedError:
            self._stopped(order)
        except RateLimitedError as error:
            self._wait(order, error.seconds, str(error))
        except NoRoomError as error:
            self._wait(order, _ROOM_SECONDS, str(error))
        except (OfflineError, HubDownError) as error:
            self._wait(order, _LINE_SECONDS, str(error))
        except (HubError, DownloadError) as error:
            self._failed(order, str(error))
        except Exception as error:
            # The queue outlives whatever one of its downloads comes to.
            self._failed(order, line(f"{type(error).__name__}: {error}"))
        finally:
            self._running = ""

    def _failed(self, order: Order, note: str) -> None:
        self._again[order.id] = (_NEVER, note)
        with suppress(OSError):
            self._orders.change(order.id, failed=note, finished=False)
        self._stopped(order)

    def _wait(self, order: Order, seconds: float, note: str) -> None:
        self._again[order.id] = (time.monotonic() + seconds, note)
        self._stopped(order)

    def _stopped(self, order: Order) -> None:
        """Say how it is by now: what has become of it may have come while it ran."""
        self._running = ""
        now = self._orders.get(order.id)
        if now is None:
            self._again.pop(order.id, None)
            fetched = msgspec.structs.replace(order, placed=tuple(self._placed))
            with suppress(OSError):
                there.discard(self._cache, fetched)
            self._tell(said(order, "cancelled"))
        else:
            self._tell(self._report(now))

    def _fetch(self, order: Order) -> None:
        # All parts of a model are of one commit, also where the branch moves on meanwhile.
        commit = order.placed[-1].commit if order.placed else ""
        try:
            transfers = self._fetch_files(order, commit)
        except NotFoundError:
            if not commit:
                raise
            # It is not on the Hub any more: all of it as it is now.
            transfers = self._fetch_files(order, "")
        if self._orders.change(order.id, finished=True) is None:
            raise StoppedError("cancelled")
        place = transfers[0].place if transfers else None
        self._tell(said(order, "done", done=order.size, path=place.link if place else None))
        for transfer in transfers:
            # The order stays until the disk has it all: else the next start looks at it again.
            transfer.secure()
        self._ended.add(order.id)
        self._orders.remove(order.id)

    def _fetch_files(self, order: Order, commit: str) -> list[Transfer]:
        meter = _Meter(self, order)
        transfers: list[Transfer] = []
        for number, file in enumerate(order.files):
            transfer = Transfer(
                self._hub,
                order.repo,
                file.path,
                revision=order.revision,
                commit=commit,
                n_to_come=sum(
                    max(0, each.size - there.n_there(self._cache, order, each))
                    for each in order.files[number + 1 :]
                ),
                cache=self._cache,
                rules=self._rules,
                report=meter.progressed,
            )
            with self._wake:
                if self._closed:
                    raise StoppedError("stopped")
                self._transfer = transfer
            # It may have been paused before there was something to stop.
            self.look(order)
            try:
                transfer.run()
            finally:
                self._transfer = None
            assert transfer.place is not None
            commit = transfer.place.commit
            if transfer.fetched:
                self._placed.append(Placed(file.path, commit, transfer.place.etag))
                self._orders.change(order.id, placed=self._placed[-1])
            meter.finished(file)
            transfers.append(transfer)
        return transfers

    def look(self, order: Order) -> None:
        """Stop the transfer of ``order`` if a process has paused or cancelled it."""
        now = self._orders.get(order.id)
        if now is None or now.paused:
            self._nudge(stop=True)

    def tell(self, report: Report) -> None:
        """Pass on how the order that is worked on is."""
        self._tell(report)

    # ---- what is known of an order -----------------------------------------------------------

    def _report(self, order: Order) -> Report:
        again, waits_for = self._again.get(order.id, (0.0, ""))
        # What has failed may not be in the order: it was read before, or the disk takes nothing.
        note = order.failed or (waits_for if again == _NEVER else "")
        state: State = "queued"
        if note:
            state = "failed"
        elif order.paused:
            state = "paused"
        elif order.id == self._running and order.id not in self._again:
            state = "running"
        elif waits_for:
            state, note = "waiting", waits_for
        elif order.id in self._elsewhere:
            note = ELSEWHERE
        return said(order, state, done=self._n_there(order), note=note)

    def _n_there(self, order: Order) -> int:
        return sum(there.n_there(self._cache, order, file) for file in order.files)


class _Meter:
    """The progress of an order's files as one."""

    def __init__(self, downloads: Downloads, order: Order) -> None:
        self._downloads = downloads
        self._order = order
        self._before = 0
        self._looked = time.monotonic()

    def finished(self, file: RemoteFile) -> None:
        self._before += file.size

    def progressed(self, progress: Progress) -> None:
        order = self._order
        done = min(self._before + progress.done, order.size) if order.size else progress.done
        left = order.size - done
        self._downloads.tell(
            said(
                order,
                "running",
                done=done,
                speed=progress.speed,
                remaining=left / progress.speed if progress.speed and left >= 0 else None,
                note=progress.note,
            )
        )
        if time.monotonic() - self._looked > _LOOK_SECONDS:
            self._looked = time.monotonic()
            self._downloads.look(order)
