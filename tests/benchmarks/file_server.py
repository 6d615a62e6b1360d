"""Serves one file on loopback as the Hub does, as fast as the kernel sends it.

``python -m tests.benchmarks.file_server FILE SHA256 [RATE]`` prints its port, and on a line of
its standard input how many bytes it has sent. RATE is a line's bytes a second. Between the lines
``hold`` and ``go`` it keeps whoever asks waiting.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Final

from workbench.models.download.rate import Limit

_SEND_BYTES: Final = 256 << 10
COMMIT: Final = "0" * 39 + "1"


class _Sent:
    def __init__(self, rate: float | None) -> None:
        self.n_bytes = 0
        self.lock = threading.Lock()
        self.line = Limit(rate)
        self.goes = threading.Event()
        self.goes.set()


def _serve(connection: socket.socket, file: Path, etag: str, sent: _Sent) -> None:
    with connection, file.open("rb") as source:
        size = os.fstat(source.fileno()).st_size
        told = b""
        while True:
            while b"\r\n\r\n" not in told:
                if not (received := connection.recv(1 << 16)):
                    return
                told += received
            head, _, told = told.partition(b"\r\n\r\n")
            sent.goes.wait()
            first, end, status = 0, size, "200 OK"
            for line in head.decode().lower().split("\r\n"):
                if line.startswith("range: bytes="):
                    start, _, last = line.removeprefix("range: bytes=").partition("-")
                    first, end, status = int(start), int(last or size - 1) + 1, "206 Partial"
            answer = (
                f'HTTP/1.1 {status}\r\nContent-Length: {end - first}\r\nETag: "{etag}"\r\n'
                f"X-Repo-Commit: {COMMIT}\r\nContent-Range: bytes {first}-{end - 1}/{size}\r\n\r\n"
            )
            connection.sendall(answer.encode())
            if head.startswith(b"HEAD"):
                continue
            while first < end:
                n_bytes = min(_SEND_BYTES, end - first)
                n = os.sendfile(connection.fileno(), source.fileno(), first, n_bytes)
                first += n
                with sent.lock:
                    sent.n_bytes += n
                time.sleep(sent.line.spend(n))


def _quietly(connection: socket.socket, file: Path, etag: str, sent: _Sent) -> None:
    try:
        _serve(connection, file, etag, sent)
    except OSError:
        # Whoever asked was killed.
        return


def main() -> None:
    file, etag = Path(sys.argv[1]), sys.argv[2]
    sent = _Sent(float(sys.argv[3]) if sys.argv[3:] else None)
    server = socket.create_server(("127.0.0.1", 0), backlog=64)

    def accept() -> None:
        while True:
            connection, _ = server.accept()
            # What is sent is then what has arrived, but for little.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BYTES)
            arguments = (connection, file, etag, sent)
            threading.Thread(target=_quietly, args=arguments, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    print(server.getsockname()[1], flush=True)
    for line in sys.stdin:
        if line.strip() == "hold":
            sent.goes.clear()
        elif line.strip() == "go":
            sent.goes.set()
        print(sent.n_bytes, flush=True)


if __name__ == "__main__":
    main()
