"""One file on a Hub on loopback, and ways to fetch it."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path
from typing import Any, Final, Literal

import pytest
from huggingface_hub import constants

from tests import hub as loopback
from tests.hub import Hub
from workbench.models.download import parts as parts_on_disk
from workbench.models.download.errors import StoppedError
from workbench.models.download.place import Place
from workbench.models.download.transfer import Progress, Rules, Transfer
from workbench.models.hub.client import HubClient

REPO: Final = "someone/Tiny-GGUF"
FILE: Final = "Tiny-Q4_0.gguf"
NAME: Final = f"{REPO}/{FILE}"
# Three parts, the last a short one.
CONTENT: Final = b"GGUF" + random.Random(6).randbytes(20_000_000 - 4)
MEBIBYTE: Final = 1 << 20
# Those that tests have made, to be closed behind them.
CLIENTS: list[HubClient] = []


def client(hub: Hub, token: str | Literal[False] = False) -> HubClient:
    CLIENTS.append(HubClient(hub.endpoint, token=token))
    return CLIENTS[-1]


def transfer(hub: Hub, path: str = FILE, **given: Any) -> Transfer:
    rules = Rules(**{"floor": 0, "silence": 1.0, "patience": 5.0, **given.pop("rules", {})})
    asking = client(hub, given.pop("token", False))
    return Transfer(asking, REPO, path, rules=rules, **given)


def place(hub: Hub, content: bytes = CONTENT, commit: str = "") -> Place:
    cache = Path(constants.HF_HUB_CACHE)
    return Place(cache, REPO, FILE, commit or hub.head, loopback.etag_of(content))


def partly(hub: Hub, n_bytes: int, revision: str = "main") -> int:
    """Fetch until ``n_bytes`` are there, and stop; how many are there then."""
    seen: list[Progress] = []

    def watch(progress: Progress) -> None:
        seen.append(progress)
        if progress.done >= n_bytes:
            begun.stop()

    begun = transfer(hub, revision=revision, report=watch, rules={"max_rate": 20e6})
    with pytest.raises(StoppedError):
        begun.run()
    return seen[-1].done


def n_bytes_asked(hub: Hub) -> int:
    return sum(last + 1 - first for first, last in hub.ranges())


def whose(hub: Hub) -> parts_on_disk.Whose:
    return parts_on_disk.Whose(REPO, FILE, hub.head, loopback.etag_of(CONTENT), len(CONTENT))


GET = """
import sys
from pathlib import Path
from workbench.models.download.transfer import Rules, Transfer
from workbench.models.hub.client import HubClient
endpoint, repo, path, cache, rate = sys.argv[1:]
rules = Rules(floor=0, max_rate=float(rate))
print(Transfer(HubClient(endpoint, token=False), repo, path, cache=Path(cache), rules=rules).run())
"""


def in_a_process(hub: Hub, rate: float = 20e6) -> subprocess.Popen[bytes]:
    arguments = [hub.endpoint, REPO, FILE, constants.HF_HUB_CACHE, str(rate)]
    return subprocess.Popen([sys.executable, "-c", GET, *arguments], stdout=subprocess.PIPE)
