"""What this machine offers the engine."""

from __future__ import annotations

import psutil


def physical_cores() -> int:
    """Physical cores this process may use; at least 1.

    llama.cpp's threads wait for each other in spin loops, so hyper-threads and cores taken
    away by CPU affinity make it slower, not faster.
    """
    physical = psutil.cpu_count(logical=False) or psutil.cpu_count() or 1
    process = psutil.Process()
    # macOS knows no affinity.
    allowed = len(process.cpu_affinity()) if hasattr(process, "cpu_affinity") else physical
    return max(1, min(physical, allowed))
