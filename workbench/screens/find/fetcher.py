"""The Hub and the queue of downloads, each there once somebody needs it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic
from typing import Final

from workbench.models.download.queue import Downloads
from workbench.models.download.report import Report
from workbench.models.download.transfer import Rules
from workbench.models.hub.client import HubClient
from workbench.models.hub.wire import Halt
from workbench.settings import config, paths

# How often it is told how far a download is; the queue itself knows it more often.
_REPORT_SECONDS: Final = 0.5


class Fetcher:
    """All of it blocks for a moment, and comes from any thread but the interface's."""

    def __init__(self, tell: Callable[[Report], None]) -> None:
        """``tell`` hears of every change, in the queue's thread."""
        self._tell_on = tell
        self._told = 0.0
        self._lock = threading.Lock()
        self._hub: HubClient | None = None
        # Once it comes, whoever waits for the Hub's answer waits no longer.
        self._halt = Halt()
        self._queue: Downloads | None = None
        self._closed = False

    def hub(self) -> HubClient:
        """The Hub as the environment names it. Raises HubError."""
        with self._lock:
            return self._the_hub()

    def _the_hub(self) -> HubClient:
        if self._hub is None:
            self._hub = HubClient().until(self._halt)
        return self._hub

    def queue(self) -> Downloads:
        """The queue, at work from now on. Raises HubError."""
        with self._lock:
            if self._queue is None:
                # What is wrong in the file is told at the start.
                settings, _ = config.load(paths.config_file())
                rules = Rules.of(settings)
                hub = self._the_hub()
                self._queue = Downloads(paths.downloads(), hub, tell=self._tell, rules=rules)
                if not self._closed:
                    self._queue.start()
            return self._queue

    def _tell(self, report: Report) -> None:
        if report.state == "running" and report.done < report.size:
            if monotonic() - self._told < _REPORT_SECONDS:
                return
            self._told = monotonic()
        self._tell_on(report)

    def close(self) -> None:
        """Stop; what is not done goes on at the next start."""
        self._halt.set()
        with self._lock:
            self._closed = True
            if self._queue is not None:
                self._queue.close()
            if self._hub is not None:
                self._hub.close()
