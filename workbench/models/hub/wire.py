"""HTTP to the Hub and to the storage behind it.

By ``http.client``: over loopback it brings 560 MB/s of a file to the disk where the Hub
library's own client brings 230 and takes a whole core for it. Only how certificates are
verified is borrowed from there.

Whatever a wire waits for, be it the look-up of a name, can be ended from another thread.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import socket
import ssl
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Final

from workbench.models.hub.dialling import Dialling
from workbench.models.hub.errors import OfflineError

# Of the look-up of the name, all of its addresses and the handshake together.
_CONNECT_SECONDS: Final = 10.0
# What a dropped connection, a failed handshake or a broken answer raises.
WIRE_ERRORS: Final = (OSError, http.client.HTTPException)


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of ``url``. Raises InvalidURL for what is no address."""
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise http.client.InvalidURL(str(error)) from error
    # http.client would fail with errors that are none of a connection's.
    if not (url.isascii() and url.isprintable()):
        raise http.client.InvalidURL("an address has letters, digits and signs only")
    return parts.scheme, (parts.hostname or "").lower(), port


def joined(url: str, location: str) -> str:
    """Where ``location`` leads that an answer of ``url`` names. Raises InvalidURL."""
    try:
        target = urllib.parse.urljoin(url, location)
    except ValueError as error:
        raise http.client.InvalidURL(str(error)) from error
    origin(target)
    return target


class Wire:
    """One connection, kept alive; a request to another host makes it a new one.

    Of one thread, but for ``shut``.
    """

    def __init__(self, silence: float) -> None:
        """``silence``: after how many seconds without a byte the other side counts as gone."""
        self._silence = silence
        self._connection: http.client.HTTPConnection | None = None
        self._origin: tuple[str, str, int] | None = None
        # The connection's own once more: TLS, and the response of a server that wants to close,
        # take that one away.
        self._socket: socket.socket | None = None
        self._dialling: Dialling | None = None
        self._until = float("inf")
        self._is_shut = False
        self._lock = threading.Lock()

    def request(
        self, method: str, url: str, headers: Mapping[str, str]
    ) -> http.client.HTTPResponse:
        """Send, and wait for the head of the answer. Raises one of WIRE_ERRORS."""
        kept = self._is_open_to(url)
        try:
            return self._request(method, url, headers)
        except (ConnectionError, http.client.BadStatusLine):
            self.close()
            # A server may close a kept connection at any time; a new one is no second try. Where
            # it was shut on this side there is no time left for one.
            if not kept or self._is_shut:
                raise
        return self._request(method, url, headers)

    def _is_open_to(self, url: str) -> bool:
        connection = self._connection
        return (
            connection is not None and connection.sock is not None and self._origin == origin(url)
        )

    def _request(
        self, method: str, url: str, headers: Mapping[str, str]
    ) -> http.client.HTTPResponse:
        if not self._is_open_to(url):
            self._open(url)
        assert self._connection is not None
        parts = urllib.parse.urlsplit(url)
        target = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
        if parts.scheme == "http" and (proxy := _proxy(url)):
            target = urllib.parse.urlunsplit((parts.scheme, parts.netloc, target, "", ""))
            headers = {**headers, **_proxy_headers(proxy)}
        self._connection.request(method, target, headers=dict(headers))
        return self._connection.getresponse()

    def _open(self, url: str) -> None:
        self.close()
        self._connection = _connection_to(url)
        self._connection._create_connection = self._dial  # type: ignore[attr-defined]
        self._connection.connect()
        self._connection.sock.settimeout(self._silence)
        self._origin = origin(url)

    def _dial(self, address: tuple[str, int], timeout: float, _source: object) -> socket.socket:
        """What ``http.client`` calls for a connected socket."""
        until = min(self._until, time.monotonic() + timeout)
        with self._lock:
            self._stop_if_shut()
            self._dialling = Dialling(*address, until)
        dialled = self._dialling.wait()
        with self._lock:
            self._dialling = None
            # It is shut by this one.
            self._socket = dialled.dup()
        if self._is_shut:
            dialled.close()
            self._stop_if_shut()
        # For the handshake.
        dialled.settimeout(max(0.01, until - time.monotonic()))
        return dialled

    def _stop_if_shut(self) -> None:
        if self._is_shut:
            raise TimeoutError("it was shut")

    @property
    def is_shut(self) -> bool:
        """Whether it is of no use any more."""
        return self._is_shut

    def shut(self) -> None:
        """Make whatever waits on it fail now, and whatever is asked later; from any thread."""
        with self._lock:
            self._is_shut = True
            if self._dialling is not None:
                self._dialling.abandon()
            if self._socket is not None:
                with contextlib.suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the connection up; the next request makes a new one."""
        if self._connection is not None:
            self._connection.close()
        with self._lock:
            if self._socket is not None:
                self._socket.close()
            self._connection = self._socket = self._origin = None

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Have what is done inside fail when the time is over, however slowly bytes drip."""
        self._until = time.monotonic() + seconds
        alarm = threading.Timer(seconds, self.shut)
        alarm.daemon = True
        alarm.start()
        try:
            yield
        finally:
            alarm.cancel()
            self._until = float("inf")


class Halt(threading.Event):
    """An event that has the wires fail that are at work until it comes."""

    def __init__(self) -> None:
        super().__init__()
        self._wires: list[Wire] = []
        self._lock = threading.Lock()

    def set(self) -> None:
        """Let it come; from any thread."""
        super().set()
        with self._lock:
            for wire in self._wires:
                wire.shut()

    @contextlib.contextmanager
    def over(self, wire: Wire) -> Iterator[None]:
        """Have ``wire`` shut if it comes while what is inside is done, or has come before."""
        with self._lock:
            self._wires.append(wire)
            if self.is_set():
                wire.shut()
        try:
            yield
        finally:
            with self._lock:
                self._wires.remove(wire)


def _connection_to(url: str) -> http.client.HTTPConnection:
    scheme, host, port = origin(url)
    if scheme not in ("http", "https") or not host:
        raise http.client.InvalidURL(f"{scheme}://{host} is no web address")
    proxy = _proxy(url)
    to_host, to_port = (proxy.hostname, proxy.port) if proxy else (host, port)
    if scheme == "http":
        return http.client.HTTPConnection(to_host or "", to_port, timeout=_CONNECT_SECONDS)
    connection = http.client.HTTPSConnection(
        to_host or "", to_port, timeout=_CONNECT_SECONDS, context=_tls()
    )
    if proxy:
        connection.set_tunnel(host, port, _proxy_headers(proxy))
    return connection


_tls_lock = threading.Lock()
_tls_context: ssl.SSLContext | None = None


def _tls() -> ssl.SSLContext:
    """The Hub library's: it knows where systems keep the certificates that they trust."""
    global _tls_context
    with _tls_lock:
        if _tls_context is None:
            from huggingface_hub.utils import httpx  # type: ignore[attr-defined]

            _tls_context = httpx.create_ssl_context()
    return _tls_context


def _proxy(url: str) -> urllib.parse.SplitResult | None:
    """The proxy that the environment names for ``url``."""
    scheme, host, _ = origin(url)
    proxies = urllib.request.getproxies()
    named = proxies.get(scheme) or proxies.get("all")
    if not named or urllib.request.proxy_bypass(host):
        return None
    proxy = urllib.parse.urlsplit(named if "://" in named else f"http://{named}")
    if proxy.scheme != "http":
        raise OfflineError(
            f"The proxy of this environment is a {proxy.scheme} one, and only HTTP proxies are "
            "known here: set https_proxy to one, or unset it."
        )
    return proxy


def _proxy_headers(proxy: urllib.parse.SplitResult) -> dict[str, str]:
    if not proxy.username:
        return {}
    pair = f"{urllib.parse.unquote(proxy.username)}:{urllib.parse.unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
