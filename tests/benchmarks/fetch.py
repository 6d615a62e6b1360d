"""Fetches one file by our own transfer, for the benchmark of it to measure and to kill.

Prints when it is placed, what the process held at most then, and when the disk has it.
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

from workbench.models.download.transfer import Rules, Transfer
from workbench.models.hub.client import HubClient


def main() -> None:
    endpoint, cache = sys.argv[1:]
    with HubClient(endpoint, token=False) as hub:
        began = time.perf_counter()
        transfer = Transfer(hub, "a/b", "c.gguf", cache=Path(cache), rules=Rules(floor=0))
        transfer.run()
        placed = time.perf_counter()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        transfer.secure()
        print(placed - began, time.perf_counter() - placed, peak, time.process_time())


if __name__ == "__main__":
    main()
