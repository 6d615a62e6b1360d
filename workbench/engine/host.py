"""The engine process: ``python -m workbench.engine.host REPORTS_A_SECOND``.

Reads requests from stdin, writes events to what was stdout. Its stdout and stderr go to the
log file, so that nothing llama.cpp prints can reach the screen.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from pathlib import Path
from typing import Final

from workbench.engine.outbox import Outbox
from workbench.engine.pace import REPORTS_A_SECOND

_PR_SET_PDEATHSIG: Final = 1


def main(reports_a_second: int = REPORTS_A_SECOND) -> None:
    """Serve until the interface goes away."""
    if sys.platform == "linux":
        # Should the interface be killed, its death kills us, also inside a long computation.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        # Should memory run out, the system takes us and leaves the interface alone.
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    events = Outbox(os.dup(1))
    os.dup2(2, 1)

    # Only now: loading llama.cpp's libraries may already print.
    from workbench.engine.service import Service

    Service(sys.stdin.buffer, events, reports_a_second).serve()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
