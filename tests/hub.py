"""A Hub on loopback, for the real huggingface-hub client and for ours.

It answers as the Hub does (searches in pages, repositories, ``resolve`` with or without a signed
address on another host), and fails as networks do, where a test says so.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import socket
import struct
import threading
import time
import urllib.parse
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import msgspec

COMMIT: Final = "0" * 39 + "1"
TOKEN: Final = "hf_" + "t" * 20
_CHUNK: Final = 64 << 10
# Smaller files are no LFS files, and have git's own id as etag.
_LFS_BYTES: Final = 1000


class Fault(msgspec.Struct):
    """What goes wrong with requests whose path has ``path`` in it, ``times`` of them.

    After ``after`` bytes of the body: *stall* says no more, *reset* and *cut* end the connection,
    by RST or by FIN, *slow* gives ``rate`` bytes a second, *corrupt* changes a byte. In place of
    an answer: *status* ``code`` with ``headers``, *page* a web page, *commands* what a terminal
    would act on. *no_range* gives all of the file. *late* answers after ``seconds``.
    """

    kind: str
    path: str = ""
    method: str = "GET"
    times: float = 1
    after: int = 0
    code: int = 503
    headers: dict[str, str] = {}
    rate: int = 0
    seconds: float = 0.0


class Asked(msgspec.Struct, frozen=True):
    """A request that came; ``host`` is *hub* or *storage*."""

    host: str
    method: str
    path: str
    headers: dict[str, str]


class Hub:
    """What the Hub has; to be changed by tests while it serves."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        # By commit: owner/name/path -> bytes.
        self.commits: dict[str, dict[str, bytes]] = {COMMIT: dict(files)}
        self.head = COMMIT
        # What the Hub says of repositories beside their files.
        self.described: dict[str, dict[str, Any]] = {}
        self.gated: set[str] = set()
        self.signs = False
        self.signatures: set[str] = set()
        self.page_size = 30
        self.faults: list[Fault] = []
        self.asked: list[Asked] = []
        self.n_sent = 0
        self.endpoint = ""
        self.storage = ""
        self.over = threading.Event()
        self.lock = threading.Lock()

    @property
    def files(self) -> dict[str, bytes]:
        """The files of the newest commit."""
        return self.commits[self.head]

    def change(self, name: str, content: bytes, *, forget: bool = False) -> None:
        """Commit another content of a file; ``forget`` the older commits."""
        commit = f"{int(self.head, 16) + 1:040x}"
        changed = {**self.files, name: content}
        self.commits = {commit: changed} if forget else {**self.commits, commit: changed}
        self.head = commit

    def ranges(self) -> list[tuple[int, int]]:
        """The ranges of bytes that were asked for, first and last."""
        found = []
        for asked in self.asked:
            if asked.method == "GET" and (told := asked.headers.get("range")):
                first, _, last = told.removeprefix("bytes=").partition("-")
                found.append((int(first), int(last)))
        return found

    def fault(self, method: str, path: str) -> Fault | None:
        """What goes wrong with this request."""
        with self.lock:
            for fault in self.faults:
                if fault.times > 0 and fault.method == method and fault.path in path:
                    fault.times -= 1
                    return fault
        return None


@contextlib.contextmanager
def serving(files: Mapping[str, bytes]) -> Iterator[str]:
    """Serve ``files``, named ``owner/repository/path``; yields the endpoint."""
    with running(files) as hub:
        yield hub.endpoint


@contextlib.contextmanager
def running(files: Mapping[str, bytes]) -> Iterator[Hub]:
    """The same; yields the Hub itself."""
    hub = Hub(files)
    with contextlib.ExitStack() as stack:
        for host in ("hub", "storage"):
            server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"host": host}))
            server.hub = hub
            stack.enter_context(server)
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            address = f"http://127.0.0.1:{server.server_port}"
            setattr(hub, "endpoint" if host == "hub" else "storage", address)
        stack.callback(hub.over.set)
        yield hub


class _Server(ThreadingHTTPServer):
    hub: Hub
    # Requests that hang at a test's end are nobody's concern.
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients may go away at any time."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    host = "hub"
    server: _Server
    fault: Fault | None = None

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        pass

    def _answer(self) -> None:
        hub = self.server.hub
        headers = {name.lower(): value for name, value in self.headers.items()}
        hub.asked.append(Asked(self.host, self.command, self.path, headers))
        self.fault = fault = hub.fault(self.command, f"{self.host}{self.path}")
        if fault and fault.kind == "late":
            hub.over.wait(fault.seconds)
        elif fault and fault.kind == "status":
            self._say(fault.code, b"", fault.headers)
            return
        elif fault and fault.kind == "page":
            self._say(200, b"<html>Please log in</html>", {"Content-Type": "text/html"})
            return
        elif fault and fault.kind == "commands":
            self.wfile.write(b"\x1b]0;evil\x07\x1b[2J\r\n\r\n")
            self.close_connection = True
            return
        path, _, query = self.path.partition("?")
        names = [urllib.parse.unquote(name) for name in path.strip("/").split("/")]
        asked = urllib.parse.parse_qs(query)
        if self.host == "storage":
            self._stored(names, asked)
            return
        if names[:2] == ["api", "models"]:
            if len(names) == 2:
                self._found(asked)
            else:
                self._described(names[2:])
            return
        self._resolved(names)

    # ---- api ---------------------------------------------------------------------------------

    def _found(self, asked: dict[str, list[str]]) -> None:
        hub = self.server.hub
        text = asked.get("search", [""])[0].lower()
        author = asked.get("author", [""])[0]
        repos = sorted({"/".join(name.split("/")[:2]) for name in hub.files} | set(hub.described))
        repos = [repo for repo in repos if text in repo.lower() and repo.startswith(author)]
        if (gated := asked.get("gated")) is not None:
            repos = [repo for repo in repos if (repo in hub.gated) == (gated[0] == "true")]
        if asked.get("sort") == ["downloads"]:
            repos.sort(key=lambda repo: -hub.described.get(repo, {}).get("downloads", 0))
        first = int(asked.get("cursor", ["0"])[0])
        last = first + min(hub.page_size, int(asked.get("limit", ["1000"])[0]))
        headers = {}
        if last < len(repos):
            rest = urllib.parse.urlencode({**asked, "cursor": [str(last)]}, doseq=True)
            headers["Link"] = f'<{hub.endpoint}/api/models?{rest}>; rel="next"'
        self._json([self._info(repo) for repo in repos[first:last]], headers)

    def _info(self, repo: str) -> dict[str, Any]:
        hub = self.server.hub
        return {"id": repo, "gated": repo in hub.gated and "manual", **hub.described.get(repo, {})}

    def _described(self, names: list[str]) -> None:
        hub = self.server.hub
        repo = "/".join(names[:2])
        files = {
            name.removeprefix(f"{repo}/"): content
            for name, content in hub.files.items()
            if name.startswith(f"{repo}/")
        }
        if not files:
            self._say(401, b"{}", {"X-Error-Code": "RepoNotFound"})
            return
        siblings = []
        for path, content in files.items():
            sibling: dict[str, Any] = {"rfilename": path, "size": len(content)}
            if len(content) >= _LFS_BYTES:
                sibling["lfs"] = {"sha256": etag_of(content), "size": len(content)}
            siblings.append(sibling)
        self._json({**self._info(repo), "sha": hub.head, "siblings": siblings}, {})

    def _json(self, answer: object, headers: dict[str, str]) -> None:
        body = json.dumps(answer).encode()
        self._say(200, body, {"Content-Type": "application/json", **headers})

    # ---- files -------------------------------------------------------------------------------

    def _resolved(self, names: list[str]) -> None:
        hub = self.server.hub
        owner, repository, _resolve, revision, *path = names
        commit = hub.head if revision == "main" else revision
        if commit not in hub.commits:
            self._say(404, b"", {"X-Error-Code": "RevisionNotFound"})
            return
        repo = f"{owner}/{repository}"
        if repo in hub.gated and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._say(401, b"", {"X-Error-Code": "GatedRepo"})
            return
        name = "/".join([repo, *path])
        content = hub.commits[commit].get(name)
        if content is None:
            known = any(each.startswith(f"{repo}/") for each in hub.commits[commit])
            code = "EntryNotFound" if known else "RepoNotFound"
            self._say(404 if known else 401, b"", {"X-Error-Code": code})
            return
        headers = {"X-Repo-Commit": commit, "ETag": f'"{etag_of(content)}"'}
        if not hub.signs:
            self._file(content, headers)
            return
        signature = f"s{len(hub.signatures)}-{time.monotonic_ns()}"
        hub.signatures.add(signature)
        quoted = urllib.parse.quote(name)
        headers |= {
            "X-Linked-Etag": headers.pop("ETag"),
            "X-Linked-Size": str(len(content)),
            "Location": f"{hub.storage}/{commit}/{quoted}?signature={signature}",
        }
        self._say(302, b"", headers)

    def _stored(self, names: list[str], asked: dict[str, list[str]]) -> None:
        hub = self.server.hub
        if asked.get("signature", [""])[0] not in hub.signatures:
            self._say(403, b"<Error>expired</Error>", {"Content-Type": "application/xml"})
            return
        commit, *name = names
        self._file(hub.commits[commit]["/".join(name)], {"ETag": '"of-the-storage"'})

    def _file(self, content: bytes, headers: dict[str, str]) -> None:
        told = self.headers.get("Range", "")
        if not told or self.command == "HEAD" or (self.fault and self.fault.kind == "no_range"):
            self._say(200, content, headers)
            return
        first, _, last = told.removeprefix("bytes=").partition("-")
        start, end = int(first), min(int(last or len(content)) + 1, len(content))
        if start >= len(content):
            self._say(416, b"", {"Content-Range": f"bytes */{len(content)}"})
            return
        headers = {**headers, "Content-Range": f"bytes {start}-{end - 1}/{len(content)}"}
        self._say(206, content[start:end], headers)

    def _say(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        for at in range(0, len(body), _CHUNK):
            chunk = body[at : at + _CHUNK]
            if self.fault and at + len(chunk) > self.fault.after:
                chunk = self._faulty(chunk, self.fault)
                if not chunk:
                    return
            self.wfile.write(chunk)
            self.server.hub.n_sent += len(chunk)

    def _faulty(self, chunk: bytes, fault: Fault) -> bytes:
        """The chunk as it then comes; nothing if nothing more does."""
        over = self.server.hub.over
        match fault.kind:
            case "stall":
                over.wait()
            case "slow":
                piece = max(1, fault.rate // 50)
                while len(chunk) > piece and not over.wait(piece / fault.rate):
                    self.wfile.write(chunk[:piece])
                    chunk = chunk[piece:]
                return b"" if over.is_set() else chunk
            case "corrupt":
                fault.after = 1 << 62
                return bytes([chunk[0] ^ 1]) + chunk[1:]
            case "reset":
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.connection.close()
            case "cut":
                self.connection.shutdown(socket.SHUT_RDWR)
            case _:
                return chunk
        self.close_connection = True
        return b""


def etag_of(content: bytes) -> str:
    """The SHA-256 of a large file, git's id of a small one."""
    if len(content) >= _LFS_BYTES:
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
