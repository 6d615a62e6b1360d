"""A bare Textual app: a prompt, and what is streamed as Textual's own Markdown.

``python -m ... [STREAM REPORT]``, both JSON files as for the streaming app.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

import msgspec
from textual import work
from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Markdown, TextArea

from tests.benchmarks.streaming_app import MARK, Cost, Stream


class BareApp(App[None]):
    """Streams if there is something to, and ends then."""

    def __init__(self, stream: Stream | None, report: Path | None) -> None:
        super().__init__()
        self._stream = stream
        self._report = report

    def compose(self) -> ComposeResult:
        if self._stream is not None:
            with VerticalScroll():
                yield Markdown()
        yield TextArea()

    def on_mount(self) -> None:
        area = self.query_one(TextArea)
        area.cursor_blink = False
        area.styles.height = 5
        area.focus()

    def on_ready(self) -> None:
        if self._stream is not None:
            self.run_stream(self._stream)

    @work
    async def run_stream(self, stream: Stream) -> None:
        """Write every piece when its time has come."""
        self.query_one(VerticalScroll).anchor()
        markdown = Markdown.get_stream(self.query_one(Markdown))
        await asyncio.sleep(1.0)
        os.write(1, MARK)
        started, cpu = time.perf_counter(), time.process_time()
        for number, piece in enumerate(stream.pieces, 1):
            await asyncio.sleep(max(0.0, started + number / stream.rate - time.perf_counter()))
            await markdown.write(piece)
        await markdown.stop()
        await asyncio.sleep(0.3)
        os.write(1, MARK)
        cost = Cost(time.process_time() - cpu, time.perf_counter() - started, 0.0)
        assert self._report is not None
        self._report.write_bytes(msgspec.json.encode(cost))
        self.exit()


if __name__ == "__main__":
    streamed = len(sys.argv) > 1
    BareApp(
        msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Stream) if streamed else None,
        Path(sys.argv[2]) if streamed else None,
    ).run()
