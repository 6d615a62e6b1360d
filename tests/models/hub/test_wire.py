from __future__ import annotations

import base64
import contextlib
import http.client
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from workbench.models.hub.errors import OfflineError
from workbench.models.hub.wire import WIRE_ERRORS, Wire

CONTENT = bytes(range(256)) * 4000


class _Handler(BaseHTTPRequestHandler):
    """Says what it was asked; through CONNECT it is one end of a tunnel."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        proxied = self.headers.get("Proxy-Authorization", "")
        body = CONTENT if self.path == "/content" else f"{self.path} {proxied}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.path == "/silence":
            time.sleep(60)
        self.wfile.write(body)

    def do_CONNECT(self) -> None:
        host, _, port = self.path.partition(":")
        self.send_response(200)
        self.end_headers()
        with socket.create_connection((host, int(port))) as other:
            back = threading.Thread(target=_copy, args=(other, self.connection))
            back.start()
            _copy(self.connection, other)
            back.join()
        self.close_connection = True

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        pass


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False


@contextlib.contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[int]:
    with _Server(("127.0.0.1", 0), _Handler) as server:
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def wire() -> Iterator[Wire]:
    wire = Wire(5.0)
    yield wire
    wire.close()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for this machine, and its key, in one file."""
    file = tmp_path / "localhost.pem"
    made = subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", str(tmp_path / "key.pem"), "-out", str(file)),
        ],
        capture_output=True,
        check=False,
    )
    if made.returncode:
        pytest.skip("there is no openssl to make a certificate with")
    with file.open("a") as both:
        both.write((tmp_path / "key.pem").read_text())
    return file


def test_a_connection_is_kept(wire: Wire) -> None:
    with serving() as port:
        for path in ("/one", "/two"):
            response = wire.request("GET", f"http://127.0.0.1:{port}{path}", {})
            assert response.read().decode().strip() == path


def test_a_proxy_of_the_environment_is_taken(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as port:
        monkeypatch.setenv("http_proxy", f"http://me:se%20cret@127.0.0.1:{port}")
        response = wire.request("GET", "http://hub.invalid/path?x=1", {})
        pair = base64.b64encode(b"me:se cret").decode()
        assert response.read().decode() == f"http://hub.invalid/path?x=1 Basic {pair}"


def test_a_proxy_of_another_kind_is_said(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "socks5://127.0.0.1:1080")
    with pytest.raises(OfflineError, match="socks5"):
        wire.request("GET", "https://hub.invalid/", {})


def test_silence_is_ended(wire: Wire) -> None:
    with serving() as port:
        response = wire.request("GET", f"http://127.0.0.1:{port}/silence", {})
        began = time.monotonic()
        with wire.within(0.3), pytest.raises(http.client.IncompleteRead):
            response.read()
        assert time.monotonic() - began < 3


@pytest.mark.parametrize("address", ["ftp://host/x", "file:///etc/passwd", "http:///x"])
def test_other_addresses_are_refused(wire: Wire, address: str) -> None:
    with pytest.raises(WIRE_ERRORS):
        wire.request("GET", address, {})


TLS = """
import sys, threading, time
from workbench.models.hub.wire import WIRE_ERRORS, Wire
wire = Wire(30.0)
try:
    for _ in range(2):
        print(len(wire.request("GET", sys.argv[1] + "/content", {}).read()))
    threading.Timer(0.3, wire.shut).start()
    began = time.monotonic()
    try:
        wire.request("GET", sys.argv[1] + "/silence", {}).read()
    except WIRE_ERRORS:
        print("shut", time.monotonic() - began < 5)
except WIRE_ERRORS as error:
    print(error)
"""


def over_tls(port: int, **environment: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", TLS, f"https://localhost:{port}"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    ).stdout


@pytest.mark.parametrize("through_proxy", [False, True])
def test_tls_is_verified_also_through_a_proxy(certificate: Path, through_proxy: bool) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with serving(context) as port, serving() as proxy:
        environment = {"https_proxy": f"http://127.0.0.1:{proxy}"} if through_proxy else {}
        known = over_tls(port, SSL_CERT_FILE=str(certificate), **environment)
        assert known.split() == [str(len(CONTENT))] * 2 + ["shut", "True"]
        assert "CERTIFICATE_VERIFY_FAILED" in over_tls(port, **environment)
