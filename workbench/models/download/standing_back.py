"""Downloads stand back behind whoever waits for a key's echo or for a token."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from typing import Final

# Ten are enough to come behind all that has none, where a download keeps every core busy.
_NICE: Final = 10


def stand_back() -> None:
    """Let this thread have what others leave of the processor; only Linux knows of threads."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
