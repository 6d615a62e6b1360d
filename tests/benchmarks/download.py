"""Figures of the download: speed against curl, memory, what a kill costs.

``python -m tests.benchmarks.download [FOLDER]`` writes three times 2 GB into FOLDER.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from tests.benchmarks import hands
from tests.benchmarks.file_server import COMMIT
from tests.terminal import running
from workbench.models.download import parts
from workbench.models.download.order import Orders
from workbench.models.download.place import Place
from workbench.models.hub.repository import RemoteFile

_SIZE: Final = 2_000_000_000
_ROUNDS: Final = 5
_KILLS: Final = 20
# How long keys are pressed while one file comes, and in how many starts of the app;
# the fastest disks have it all before.
_KEYS_SECONDS: Final = 3.0
_START_SECONDS: Final = 3.0
_STARTS: Final = 6
# 1 Gbit/s, and bare loopback, where the kernel holds as much as it has been asked for.
_LINES: Final = (125e6, None)


class _Server(msgspec.Struct, frozen=True):
    endpoint: str
    etag: str
    process: subprocess.Popen[str]

    def n_sent(self, said: str = "") -> int:
        """How many bytes it has sent; ``said`` has it ``hold`` or ``go``."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{said}\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


class _Fetched(msgspec.Struct, frozen=True):
    placed: float
    secured: float
    peak: float
    cpu: float


def main() -> None:
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if sys.argv[1:] else None) as made:
        folder = Path(made)
        source = folder / "source"
        etag = _random_file(source)
        with _serving(source, etag) as server:
            _speed(server, folder)
            _keys(server, folder)
        for line in _LINES:
            with _serving(source, etag, line) as server:
                _killed(server, folder, line)


def _random_file(file: Path) -> str:
    chunk = random.Random(6).randbytes(10_000_000)
    whole = hashlib.sha256()
    with file.open("wb") as written:
        for number in range(_SIZE // len(chunk)):
            numbered = number.to_bytes(8, "big") + chunk[8:]
            written.write(numbered)
            whole.update(numbered)
        os.fsync(written.fileno())
    return whole.hexdigest()


@contextlib.contextmanager
def _serving(file: Path, etag: str, rate: float | None = None) -> Iterator[_Server]:
    command = [sys.executable, "-m", "tests.benchmarks.file_server", str(file), etag]
    command += [str(rate)] if rate else []
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield _Server(f"http://127.0.0.1:{int(process.stdout.readline())}", etag, process)
        process.kill()


def _speed(server: _Server, folder: Path) -> None:
    """Ours and curl's, by turns; each begins with an empty disk cache of written bytes."""
    curl: list[tuple[float, float]] = []
    ours: list[_Fetched] = []
    for _ in range(_ROUNDS):
        curl.append(_by_curl(server, folder / "curl"))
        ours.append(_by_us(server, folder / "cache"))
    c_placed, c_synced = (statistics.median(each) for each in zip(*curl, strict=True))
    placed = statistics.median(each.placed for each in ours)
    synced = statistics.median(each.placed + each.secured for each in ours)
    print(f"{_SIZE / 1e9:.0f} GB over loopback, median of {_ROUNDS}     curl      ours   ratio")
    _row("MB/s until it can be used (ours: hash included)", c_placed, placed)
    _row("MB/s until the disk has it", c_synced, synced)
    print(f"processor seconds, ours                         {ours[-1].cpu:.1f}")
    print(f"memory of the process at most                   {ours[-1].peak / 1e6:.0f} MB")


def _row(title: str, curl: float, ours: float) -> None:
    print(f"{title:48}{_SIZE / curl / 1e6:5.0f}{_SIZE / ours / 1e6:10.0f}{curl / ours:8.2f}")


def _by_curl(server: _Server, file: Path) -> tuple[float, float]:
    began = time.perf_counter()
    command = ["curl", "--silent", "--output", str(file), f"{server.endpoint}/file"]
    subprocess.run(command, check=True)
    fetched = time.perf_counter() - began
    subprocess.run(["sync", "--data", str(file)], check=True)
    synced = time.perf_counter() - began
    file.unlink()
    return fetched, synced


def _fetch(server: _Server, cache: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.benchmarks.fetch", server.endpoint, str(cache)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _by_us(server: _Server, cache: Path) -> _Fetched:
    with _fetch(server, cache) as process:
        said, _ = process.communicate()
    shutil.rmtree(cache)
    return _Fetched(*map(float, said.split()))


def _keys(server: _Server, folder: Path) -> None:
    """Press keys in the app, by turns while a file comes as fast as it can and while none does."""
    times: dict[bool, list[float]] = {True: [], False: []}
    rates = []
    for _ in range(_STARTS):
        for fetching in times:
            echoes, rate = _echoes(server, folder / "cache", fetching=fetching)
            times[fetching] += echoes
            rates += [rate] if fetching else []
    print(f"\n{len(times[True])} keys, from the key to the screen, ms   median      p99    most")
    for fetching, title in ((False, "no download"), (True, "a download at full speed")):
        found = sorted(1000 * each for each in times[fetching])
        p99 = statistics.quantiles(found, n=100)[98]
        print(f"{title:48}{statistics.median(found):6.1f}{p99:9.1f}{found[-1]:8.1f}")
    print(f"its speed meanwhile, MB/s                       {statistics.median(rates) / 1e6:.0f}")


def _echoes(server: _Server, cache: Path, *, fetching: bool) -> tuple[list[float], float]:
    """How long each key took, and how many bytes a second came beside them."""
    incomplete = Place(cache, "a/b", "c.gguf", COMMIT, server.etag).incomplete
    server.n_sent("hold")
    with hands.quiet_home() as home:
        if fetching:
            # As if the app had been left in the midst of it.
            downloads = Path(home["XDG_STATE_HOME"]) / "workbench" / "downloads"
            Orders(downloads).add("a/b", "c", [RemoteFile("c.gguf", _SIZE)], "main")
        told = {**home, "HF_ENDPOINT": server.endpoint, "HF_HUB_CACHE": str(cache)}
        with running([sys.executable, "-m", "workbench"], environment=told) as terminal:
            terminal.wait_for("Chat with")
            # What the app imports behind its first screen is no download's doing.
            hands.drain(terminal, _START_SECONDS)
            server.n_sent("go")
            while fetching and not parts.n_there(incomplete):
                terminal.take(0.05)
            there, began = parts.n_there(incomplete), time.perf_counter()
            times = hands.echoes(
                terminal, _KEYS_SECONDS, going=lambda: not fetching or incomplete.exists()
            )
            took = time.perf_counter() - began
            came = (parts.n_there(incomplete) if incomplete.exists() else _SIZE) - there
    shutil.rmtree(cache, ignore_errors=True)
    return times, came / took


def _killed(server: _Server, folder: Path, line: float | None) -> None:
    """Kill it at random moments; what came a second time, and whether the end is right."""
    cache = folder / "cache"
    place = Place(cache, "a/b", "c.gguf", COMMIT, server.etag)
    chance = random.Random(20)
    before = server.n_sent()
    twice: list[int] = []
    moments = sorted(chance.uniform(0.0, 0.95) for _ in range(_KILLS))
    for moment in moments:
        there = parts.n_there(place.incomplete)
        sent = server.n_sent()
        with _fetch(server, cache) as process:
            while process.poll() is None and parts.n_there(place.incomplete) < moment * _SIZE:
                time.sleep(0.001)
            time.sleep(chance.uniform(0.0, 0.05))
            process.kill()
        came = parts.n_there(place.incomplete) - there
        twice.append(server.n_sent() - sent - came)
    with _fetch(server, cache) as process:
        process.communicate()
    whole = hashlib.sha256()
    with place.link.open("rb") as file:
        while chunk := file.read(1 << 20):
            whole.update(chunk)
    named = f"a line of {line / 1e6:.0f} MB/s" if line else "bare loopback"
    print(f"\nkill -9 at {_KILLS} random moments, {named}")
    print(f"sent and not kept, by a kill, at most           {max(twice) / 1e6:.1f} MB")
    print(
        f"  of the median kill                            {statistics.median(twice) / 1e6:.1f} MB"
    )
    extra = server.n_sent() - before - _SIZE
    print(f"all that came beside the {_SIZE / 1e9:.0f} GB                  {extra / 1e6:.1f} MB")
    print(f"the hash at the end                             {_right(whole.hexdigest(), server)}")
    shutil.rmtree(cache)


def _right(digest: str, server: _Server) -> str:
    return "right" if digest == server.etag else "WRONG"


if __name__ == "__main__":
    main()
