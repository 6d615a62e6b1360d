"""The engine process with a clock around ``llama_decode``: ``... clocked_host TIMES_FILE``.

It is the very process that answers in the app; only the binding's function is another. The
file is an array of doubles, made by whoever starts the process: when each call began and
when it was over.
"""

from __future__ import annotations

import sys
from pathlib import Path
from time import perf_counter

import numpy as np

from workbench.engine import host
from workbench.engine.llama.binding import binding


def main() -> None:
    """Serve like ``workbench.engine.host``, keeping the times of every decode."""
    times = np.memmap(Path(sys.argv[1]), dtype=np.float64, mode="r+")
    decode = binding.llama_decode
    position = 0

    def clocked(context: object, batch: object) -> int:
        nonlocal position
        began = perf_counter()
        status: int = decode(context, batch)
        times[position + 1] = perf_counter()
        times[position] = began
        position += 2
        return status

    vars(binding)["llama_decode"] = clocked
    host.main()


if __name__ == "__main__":
    main()
