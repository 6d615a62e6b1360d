"""HTTP to the Hub and to the storage behind it.

By ``http.client``: over loopback it brings 560 MB/s of a file to the disk where the Hub
library's own client brings 230 and takes a whole core for it. Only how certificates are
verified is borrowed from there.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import queue
import socket
import ssl
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from workbench.models.hub.errors import OfflineError

# For all addresses of a host together; huggingface.co has eight.
_CONNECT_SECONDS: Final = 10.0
_ADDRESS_SECONDS: Final = 2.0
_LOOK_SECONDS: Final = 0.05
# What a dropped connection, a failed handshake or a broken answer raises.
WIRE_ERRORS: Final = (OSError, http.client.HTTPException)

_Address: TypeAlias = tuple[int, int, int, str, Any]


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of ``url``. Raises http.client.InvalidURL, one of WIRE_ERRORS."""
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise http.client.InvalidURL(f"it is no web address: {error}") from error
    if not url.isascii():
        raise http.client.InvalidURL("it is no web address: it has other letters than ASCII's")
    return parts.scheme, (parts.hostname or "").lower(), port


class Wire:
    """One connection, kept alive; a request to another host makes it a new one.

    Of one thread, but for ``shut``.
    """

    def __init__(self, silence: float) -> None:
        """``silence``: after how many seconds without a byte the other side counts as gone."""
        self._silence = silence
        self._connection: http.client.HTTPConnection | None = None
        self._origin: tuple[str, str, int] | None = None
        # A second handle of the connection's, there from before it is connected: others take the
        # first one, TLS and the response of a server that wants to close.
        self._socket: socket.socket | None = None
        self._shut = False
        self._until = float("inf")

    def request(
        self, method: str, url: str, headers: Mapping[str, str]
    ) -> http.client.HTTPResponse:
        """Send, and wait for the head of the answer. Raises one of WIRE_ERRORS."""
        kept = self._connection is not None and self._origin == origin(url)
        try:
            return self._request(method, url, headers)
        except (ConnectionError, http.client.BadStatusLine):
            self.close()
            # A server may close a kept connection at any time; a new one is no second try.
            if not kept or self._shut:
                raise
        return self._request(method, url, headers)

    def _request(
        self, method: str, url: str, headers: Mapping[str, str]
    ) -> http.client.HTTPResponse:
        if self._connection is None or self._origin != origin(url):
            self.close()
            self._connection = self._connected(url)
            self._origin = origin(url)
        parts = urllib.parse.urlsplit(url)
        target = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
        if parts.scheme == "http" and (proxy := _proxy(url)):
            target = urllib.parse.urlunsplit((parts.scheme, parts.netloc, target, "", ""))
            headers = {**headers, **_proxy_headers(proxy)}
        self._connection.request(method, target, headers=dict(headers))
        return self._connection.getresponse()

    def shut(self) -> None:
        """Make whatever waits on this connection fail now; from any thread."""
        self._shut = True
        if (waiting := self._socket) is not None:
            with contextlib.suppress(OSError):
                waiting.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the connection up; the next request makes a new one."""
        if self._connection is not None:
            self._connection.close()
        if self._socket is not None:
            self._socket.close()
        self._connection = self._socket = None

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Have what is done inside fail when the time is over, however slowly bytes drip."""
        self._shut = False
        self._until = time.monotonic() + seconds
        alarm = threading.Timer(seconds, self.shut)
        alarm.daemon = True
        alarm.start()
        try:
            yield
        finally:
            alarm.cancel()
            self._until = float("inf")

    # ---- connecting --------------------------------------------------------------------------

    def _connected(self, url: str) -> http.client.HTTPConnection:
        connection = _connection(url)
        connection._create_connection = self._reach  # type: ignore[attr-defined]
        try:
            connection.connect()
        except BaseException:
            connection.close()
            raise
        connection.sock.settimeout(self._silence)
        return connection

    def _reach(self, address: tuple[str, int], *_given: object) -> socket.socket:
        """A connection to the first of a host's addresses that answers, within the time."""
        until = min(self._until, time.monotonic() + _CONNECT_SECONDS)
        found = self._looked_up(address, until)
        error: OSError = TimeoutError("the host did not answer in time")
        for number, (family, kind, protocol, _, place) in enumerate(found):
            left = until - time.monotonic()
            if left <= 0 or self._shut:
                break
            reached = socket.socket(family, kind, protocol)
            self._hold(reached)
            reached.settimeout(min(left, max(_ADDRESS_SECONDS, left / (len(found) - number))))
            try:
                reached.connect(place)
            except OSError as failure:
                error = failure
                reached.close()
                continue
            # A handshake follows, with what time is left.
            reached.settimeout(max(0.01, until - time.monotonic()))
            reached.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return reached
        raise error

    def _looked_up(self, address: tuple[str, int], until: float) -> Sequence[_Address]:
        """The addresses of a host: nothing can interrupt a system that looks them up."""
        answers: queue.SimpleQueue[Sequence[_Address] | OSError] = queue.SimpleQueue()

        def look_up() -> None:
            try:
                answers.put(socket.getaddrinfo(*address, type=socket.SOCK_STREAM))
            except (OSError, UnicodeError) as error:
                answers.put(error if isinstance(error, OSError) else OSError(str(error)))

        threading.Thread(target=look_up, name="look-up", daemon=True).start()
        while time.monotonic() < until and not self._shut:
            with contextlib.suppress(queue.Empty):
                answer = answers.get(timeout=_LOOK_SECONDS)
                if isinstance(answer, OSError):
                    raise answer
                return answer
        raise TimeoutError("the host's address did not come in time")

    def _hold(self, reached: socket.socket) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = reached.dup()


def _connection(url: str) -> http.client.HTTPConnection:
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
