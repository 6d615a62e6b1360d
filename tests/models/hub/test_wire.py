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
from typing import Any

import pytest

from workbench.models.hub.errors import OfflineError
from workbench.models.hub.wire import WIRE_ERRORS, Halt, Wire

CONTENT = bytes(range(256)) * 4000


class _Handler(BaseHTTPRequestHandler):
    """Says what it was asked; through CONNECT it is one end of a tunnel."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/no-head":
            time.sleep(60)
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


@contextlib.contextmanager
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A host with four addresses, of which none says yes or no; yields where it is."""
    with contextlib.ExitStack() as stack:
        port = 0
        hosts = [f"127.0.0.{number}" for number in range(2, 6)]
        for host in hosts:
            server = stack.enter_context(socket.socket())
            server.bind((host, port))
            server.listen(0)
            port = server.getsockname()[1]
            # With these the system holds as many as it will.
            for _ in range(3):
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    waiting.connect((host, port))
        real = socket.getaddrinfo

        def found(name: str, *more: Any, **given: Any) -> Any:
            if name != "silent.test":
                return real(name, *more, **given)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port)) for host in hosts]

        monkeypatch.setattr(socket, "getaddrinfo", found)
        yield f"http://silent.test:{port}"


def test_all_addresses_of_a_host_share_the_time(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = time.monotonic()
    with silent(monkeypatch) as address, wire.within(1.0), pytest.raises(WIRE_ERRORS):
        wire.request("GET", address, {})
    assert 0.9 < time.monotonic() - began < 3


def test_one_silent_address_leaves_time_for_the_next(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    with silent(monkeypatch) as address, serving() as port:
        listed = socket.getaddrinfo("silent.test", 0)
        good = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [listed[0], good])
        with wire.within(4.0):
            assert wire.request("GET", f"{address}/one", {}).read().startswith(b"/one")


@pytest.mark.parametrize("how", ["look-up", "connect"])
def test_what_cannot_be_interrupted_is_not_waited_for(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    over = threading.Event()
    with silent(monkeypatch) as address:
        if how == "look-up":
            monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(30) and [])
        threading.Timer(0.3, wire.shut).start()
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            wire.request("GET", address, {})
        assert time.monotonic() - began < 3
        over.set()


def test_a_handshake_is_ended(wire: Wire) -> None:
    # It takes what is said and answers nothing.
    with socket.create_server(("127.0.0.1", 0)) as server:
        began = time.monotonic()
        with wire.within(0.5), pytest.raises(WIRE_ERRORS):
            wire.request("GET", f"https://127.0.0.1:{server.getsockname()[1]}/", {})
        assert time.monotonic() - began < 3


def test_a_kept_connection_that_was_shut_is_not_asked_again(wire: Wire) -> None:
    with serving() as port:
        wire.request("GET", f"http://127.0.0.1:{port}/one", {}).read()
        began = time.monotonic()
        with wire.within(0.5), pytest.raises(WIRE_ERRORS):
            wire.request("GET", f"http://127.0.0.1:{port}/no-head", {})
        assert time.monotonic() - began < 3
        with pytest.raises(TimeoutError):
            wire.request("GET", f"http://127.0.0.1:{port}/one", {})


def test_a_halt_shuts_what_is_at_work(wire: Wire) -> None:
    halt = Halt()
    with serving() as port:
        threading.Timer(0.3, halt.set).start()
        began = time.monotonic()
        with halt.over(wire), pytest.raises(WIRE_ERRORS):
            wire.request("GET", f"http://127.0.0.1:{port}/no-head", {})
        assert time.monotonic() - began < 3
        late = Wire(5.0)
        with halt.over(late), pytest.raises(TimeoutError):
            late.request("GET", f"http://127.0.0.1:{port}/one", {})


@pytest.mark.parametrize(
    "address",
    [
        "ftp://host/x",
        "file:///etc/passwd",
        "http:///x",
        "http://[x/y",
        "http://host:port/",
        "http://host/\x1b[2J",
        "http://host/\xe4",
        "http://" + "x" * 70 + ".test/",
    ],
)
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
