"""HTTP to the Hub and to the storage behind it.

By ``http.client``: over loopback it brings 560 MB/s of a file to the disk where the Hub
library's own client brings 230 and takes a whole core for it. Only how certificates are
verified is borrowed from there.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import socket
import ssl
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Final

from workbench.models.hub.errors import OfflineError

_CONNECT_SECONDS: Final = 10.0
# What a dropped connection, a failed handshake or a broken answer raises.
WIRE_ERRORS: Final = (OSError, http.client.HTTPException)


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
        # The response takes it from the connection where the server wants to close.
        self._socket: socket.socket | None = None

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
            if not kept:
                raise
        return self._request(method, url, headers)

    def _request(
        self, method: str, url: str, headers: Mapping[str, str]
    ) -> http.client.HTTPResponse:
        if self._connection is None or self._origin != origin(url):
            self.close()
            self._connection = _connect(url)
            self._connection.connect()
            self._origin = origin(url)
            self._socket = self._connection.sock
            self._socket.settimeout(self._silence)
        parts = urllib.parse.urlsplit(url)
        target = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
        if parts.scheme == "http" and (proxy := _proxy(url)):
            target = urllib.parse.urlunsplit((parts.scheme, parts.netloc, target, "", ""))
            headers = {**headers, **_proxy_headers(proxy)}
        self._connection.request(method, target, headers=dict(headers))
        return self._connection.getresponse()

    def shut(self) -> None:
        """Make whatever waits on this connection fail now; from any thread."""
        if (waiting := self._socket) is not None:
            with contextlib.suppress(OSError):
                # Not the TLS socket's own: that one is not for two threads.
                socket.socket.shutdown(waiting, socket.SHUT_RDWR)

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
        alarm = threading.Timer(seconds, self.shut)
        alarm.daemon = True
        alarm.start()
        try:
            yield
        finally:
            alarm.cancel()


def _connect(url: str) -> http.client.HTTPConnection:
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
