"""Several connections that fetch the parts of one file."""

from __future__ import annotations

import errno
import http.client
import math
import re
import threading
import time
from http import HTTPStatus
from typing import Final

from workbench.models.download.errors import DiskError, NoRoomError, StoppedError
from workbench.models.download.parts import Part, Parts
from workbench.models.download.rate import Limit
from workbench.models.download.standing_back import stand_back
from workbench.models.hub.client import HubClient
from workbench.models.hub.errors import (
    HubDownError,
    HubError,
    NotAHubError,
    OfflineError,
    RateLimitedError,
)
from workbench.models.hub.said import line
from workbench.models.hub.wire import WIRE_ERRORS, Halt, Wire, joined, origin

# How much is read at once: less from a slow line, so that little is lost with it.
_LEAST_BYTES: Final = 16 << 10
_MOST_BYTES: Final = 1 << 20
_READ_SECONDS: Final = (0.05, 0.2)
# What all connections together have asked for and not brought to the disk: so much at most comes
# a second time after a kill, however fast the line is and however much the kernel holds of it.
# Where a line is long the connections wait for their next answer by turns.
_MOST_ASKED: Final = 16 << 20
_PAUSE_SECONDS: Final = (0.5, 30.0)
_MOST_RENEWALS: Final = 3
# Two connections that bring so much leave nothing for a third one but processor time.
_ENOUGH_BYTES: Final = 200e6
_ENOUGH_CONNECTIONS: Final = 2
_JOIN_SECONDS: Final = 0.5
_RANGE: Final = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
_EXPIRED: Final = (401, 403, 404, 410)


class ChangedError(Exception):
    """The file on the other side is not the one that was begun."""


class _AgainError(Exception):
    """The same part, at another address and at once."""


class Connections:
    """Threads that fetch what ``parts`` lacks, until all is there, one fails, or it is stopped.

    A connection that fails is made again, from where it was, each time after a longer pause; all
    of it fails when no byte came for ``patience`` seconds.
    """

    def __init__(
        self,
        hub: HubClient,
        parts: Parts,
        location: str,
        *,
        count: int,
        limit: Limit,
        silence: float,
        patience: float,
    ) -> None:
        self._halt = Halt()
        self._hub = hub.until(self._halt)
        self._parts = parts
        self._limit = limit
        self._patience = patience
        self._location = location
        self._renewals = 0
        self._lock = threading.Lock()
        # Held by the one connection that a server without ranges leaves.
        self._whole = threading.Lock()
        self._last_byte = time.monotonic()
        self.error: Exception | None = None
        # Why nothing comes, while nothing comes.
        self.note = ""
        self._n_asked = _MOST_ASKED // count
        self._wires = [Wire(silence) for _ in range(count)]
        self._threads = [
            threading.Thread(
                target=self._work,
                args=(wire, number >= _ENOUGH_CONNECTIONS),
                name="download",
                daemon=True,
            )
            for number, wire in enumerate(self._wires)
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    @property
    def at_work(self) -> bool:
        """Whether any of them may still bring something."""
        return any(thread.is_alive() for thread in self._threads)

    def stop(self) -> None:
        """End, also in the midst of a read; returns when no thread writes any more."""
        self._halt.set()
        for wire in self._wires:
            wire.shut()
        for thread in self._threads:
            thread.join()

    def _work(self, wire: Wire, in_reserve: bool) -> None:
        stand_back()
        try:
            if in_reserve:
                self._wait_until_needed()
            self._fetch_parts(wire)
        except StoppedError:
            pass
        except Exception as error:
            # Whatever it is, it is told where the download is waited for.
            with self._lock:
                self.error = self.error or error
            self._halt.set()
        finally:
            wire.close()

    def _wait_until_needed(self) -> None:
        before = self._parts.done
        while not self._halt.wait(_JOIN_SECONDS):
            done = self._parts.done
            if done - before < _ENOUGH_BYTES * _JOIN_SECONDS or done == self._parts.whose.size:
                return
            before = done

    def _fetch_parts(self, wire: Wire) -> None:
        failures = 0
        while not self._halt.is_set() and (part := self._parts.take(self._n_asked)):
            before = self._last_byte
            try:
                self._fetch(wire, part)
                failures = 0
                continue
            except _AgainError:
                wire.close()
                continue
            except (*WIRE_ERRORS, HubDownError, OfflineError, RateLimitedError) as error:
                wire.close()
                self._stop_if_halted()
                # Another connection's bytes are a sign of life as well.
                failures = 1 if self._last_byte != before else failures + 1
                wait = self._wait_after(error, failures)
            finally:
                self._parts.give_back(part)
            self._halt.wait(wait)

    def _wait_after(self, error: Exception, failures: int) -> float:
        """For how long to leave the other side alone. Raises HubError if it is over."""
        low, high = _PAUSE_SECONDS
        wait = min(high, low * 2.0 ** min(failures - 1, 10))
        if isinstance(error, RateLimitedError):
            wait = max(wait, error.seconds)
        told = (
            error
            if isinstance(error, HubError)
            else OfflineError(f"The connection was lost ({_cause(error)}).")
        )
        if time.monotonic() + wait > self._last_byte + self._patience:
            raise told
        self.note = f"{told} Again in {math.ceil(wait)} s."
        return wait

    def _stop_if_halted(self) -> None:
        if self._halt.is_set():
            raise StoppedError("stopped")

    # ---- one part ----------------------------------------------------------------------------

    def _fetch(self, wire: Wire, part: Part) -> None:
        location = self._location
        headers = self._hub.headers_for(location)
        headers["Range"] = f"bytes={part.first}-{part.end - 1}"
        response = wire.request("GET", location, headers)
        status = response.status
        if status == HTTPStatus.PARTIAL_CONTENT:
            self._compare(response, part)
            self._pour(response, part, part.first, part.end)
            if not response.isclosed():
                # The server wanted to send more.
                wire.close()
        elif status == HTTPStatus.OK:
            self._parts.give_back(part)
            self._fetch_whole(response)
        elif 300 <= status < 400 and "Location" in response.headers:
            self._move(location, joined(location, response.headers["Location"]))
        elif status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise ChangedError
        elif status in _EXPIRED:
            self._renew(location, self._hub.refusal(response, location, self._parts.whose.repo))
        else:
            raise self._hub.refusal(response, location, self._parts.whose.repo)

    def _compare(self, response: http.client.HTTPResponse, part: Part) -> None:
        """Whether these are the bytes that were asked for."""
        told = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if told is None or int(told[1]) != part.first:
            raise http.client.HTTPException("other bytes came than were asked for")
        if told[3] not in ("*", str(self._parts.whose.size)):
            raise ChangedError

    def _fetch_whole(self, response: http.client.HTTPResponse) -> None:
        """All of the file from its beginning: the server knows no ranges.

        What is there already is read over; only one connection is of use.
        """
        size = self._parts.whose.size
        if response.headers.get("Content-Length") != str(size):
            if "html" in response.headers.get("Content-Type", ""):
                raise NotAHubError(
                    f"What answers at {origin(self._location)[1]} is a web page, not the file: "
                    "perhaps the log-in page of a network. Open a web page in a browser."
                )
            raise ChangedError
        if not self._whole.acquire(blocking=False):
            # Another connection brings it all.
            raise StoppedError("stopped")
        try:
            at = 0
            while part := self._parts.take():
                try:
                    if part.first < at:
                        # Another connection held it until it found out the same.
                        raise http.client.HTTPException("a part was left behind")
                    self._pour(response, None, at, part.first)
                    self._pour(response, part, part.first, part.end)
                    at = part.end
                finally:
                    self._parts.give_back(part)
        finally:
            self._whole.release()

    def _pour(
        self,
        response: http.client.HTTPResponse,
        part: Part | None,
        at: int,
        end: int,
    ) -> None:
        """Bring the answer's next bytes to the disk, or nowhere without ``part``."""
        whole = memoryview(bytearray(_MOST_BYTES))
        n_wanted = _LEAST_BYTES
        short, long = _READ_SECONDS
        while at < end:
            n_most = min(n_wanted, end - at, self._limit.most or _MOST_BYTES)
            began = time.monotonic()
            n = response.readinto(whole[:n_most])
            self._stop_if_halted()
            if not n:
                raise http.client.IncompleteRead(b"", end - at)
            if part is not None:
                self._write(part, at, whole[:n])
            at += n
            self._alive()
            took = time.monotonic() - began
            if took < short:
                n_wanted = min(_MOST_BYTES, n_wanted * 2)
            elif took > long:
                n_wanted = max(_LEAST_BYTES, n_wanted // 2)
            if wait := self._limit.spend(n):
                self._halt.wait(wait)

    def _write(self, part: Part, at: int, data: memoryview) -> None:
        try:
            self._parts.write(part, at, data)
        except OSError as error:
            raise disk_error(error) from error

    def _alive(self) -> None:
        self._last_byte = time.monotonic()
        self._renewals = 0
        self.note = ""

    # ---- where it is -------------------------------------------------------------------------

    def _move(self, old: str, new: str) -> None:
        with self._lock:
            if self._location == old:
                self._count_renewal(HubError(f"{origin(old)[1]} sends from one place to another."))
                self._location = new
        raise _AgainError

    def _renew(self, old: str, refusal: HubError) -> None:
        """Have a signed address signed again: they are valid for an hour or so."""
        whose = self._parts.whose
        with self._lock:
            # Else another connection has had it done.
            if self._location == old:
                self._count_renewal(refusal)
                resolved = self._hub.resolve(whose.repo, whose.path, whose.commit)
                if (resolved.etag, resolved.size) != (whose.etag, whose.size):
                    raise ChangedError
                self._location = resolved.location
        raise _AgainError

    def _count_renewal(self, refusal: HubError) -> None:
        self._renewals += 1
        if self._renewals > _MOST_RENEWALS:
            raise refusal


def disk_error(error: OSError) -> NoRoomError | DiskError:
    """What a failed write means."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoRoomError("The disk is full: make room; the download then goes on by itself.")
    return DiskError(f"The disk does not take the file ({error.strerror}).")


def _cause(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no byte came for a while"
    if isinstance(error, http.client.IncompleteRead):
        return "it ended too early"
    # Of a broken answer it is what the other side has written.
    return line(getattr(error, "strerror", None) or str(error))[:200] or type(error).__name__
