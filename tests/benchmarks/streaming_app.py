"""The app, told of an answer at a steady rate: ``python -m ... STREAM REPORT``, both JSON files.

The engine's reports are made here, as no model writes at so even a pace; all that follows
from them is the app's own.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path, PurePath
from typing import ClassVar

import msgspec
from textual import work

from workbench.app import WorkbenchApp
from workbench.engine.protocol import TextArrived, Token
from workbench.screens.lanes.screen import LanesScreen
from workbench.screens.messages import EngineReported
from workbench.screens.workbench import WorkbenchScreen
from workbench.steady.app import run_steadily


class Stream(msgspec.Struct, frozen=True):
    """What is streamed: pieces of text, how many a second, after how many messages.

    With ``lanes`` each of so many lanes gets them.
    """

    pieces: list[str]
    rate: float
    earlier: int
    lanes: int = 0


class Cost(msgspec.Struct, frozen=True):
    """What the interface's process used from the first piece to the last, in seconds.

    ``opened`` is how long it took to show the earlier messages.
    """

    cpu: float
    wall: float
    opened: float


class StreamingApp(WorkbenchApp):
    """Streams, writes what it cost, and ends."""

    # Textual looks beside the file of the class that it is given.
    CSS_PATH: ClassVar[list[str | PurePath]] = [
        Path(sys.modules[WorkbenchApp.__module__].__file__ or "").parent / str(file)
        for file in WorkbenchApp.CSS_PATH
    ]

    def __init__(self, stream: Stream, report: Path) -> None:
        super().__init__(model="pocket", values={})
        self._stream = stream
        self._report = report

    def on_ready(self) -> None:
        self.run_stream()

    @work
    async def run_stream(self) -> None:
        """Stream when the model is loaded and the earlier messages are shown."""
        while not isinstance(screen := self.screen, WorkbenchScreen) or not screen.model_is_loaded:
            await asyncio.sleep(0.05)
        # What is imported behind the first screen is there by then.
        await asyncio.sleep(2.0)
        opened = await self._open(screen)
        if self._stream.lanes:
            await self._side_by_side(screen)
        await asyncio.sleep(1.0)
        screen.exchange.request = 1
        if not self._stream.lanes:
            screen.stats.busy("writing")
        started, cpu = time.perf_counter(), time.process_time()
        # A mark in the terminal's stream, which a terminal would ignore.
        os.write(1, MARK)
        sent, pieces, rate = 0, self._stream.pieces, self._stream.rate
        while sent < len(pieces):
            await asyncio.sleep(1 / self.line.reports_a_second)
            due = min(len(pieces), int((time.perf_counter() - started) * rate))
            if due > sent:
                text = "".join(pieces[sent:due])
                for lane in range(self._stream.lanes or 1):
                    event = _event(text, sent, due, rate, lane)
                    screen.post_message(EngineReported(event))
                sent = due
        await asyncio.sleep(0.3)
        os.write(1, MARK)
        cost = Cost(time.process_time() - cpu, time.perf_counter() - started, opened)
        self._report.write_bytes(msgspec.json.encode(cost))
        self.exit()

    async def _side_by_side(self, screen: WorkbenchScreen) -> None:
        """Go on in lanes that have all been asked."""
        await screen.run_action("lanes")
        while not isinstance(lanes := self.screen, LanesScreen) or not lanes.is_mounted:
            await asyncio.sleep(0.05)
        for _ in range(self._stream.lanes - len(lanes.lanes)):
            await lanes.run_action("add")
        for number, lane in enumerate(lanes.lanes):
            lane.number = number
            lane.exchange.ask("What streams here?")
            lane.begin(screen.engine, 1)

    async def _open(self, screen: WorkbenchScreen) -> float:
        """Show the earlier messages, to the last cell; returns the seconds."""
        conversation = screen.exchange.conversation
        for number in range(self._stream.earlier):
            text = (
                f"Message {number}. " + "Some words of an earlier *answer*.\n\n- one\n- two\n" * 4
            )
            message = conversation.add("assistant", text, model="pocket")
            message.finish = "stop"
        started = time.perf_counter()
        screen.chat.transcript.show_path(conversation)
        drawn = asyncio.Event()
        screen.call_after_refresh(drawn.set)
        await drawn.wait()
        return time.perf_counter() - started


MARK = b"\x1b]7777;\x07"
"""Parts what the terminal got before, during and after the stream."""


def _event(text: str, n_before: int, n_tokens: int, rate: float, lane: int) -> TextArrived:
    return TextArrived(
        request=1,
        lane=lane,
        thoughts="",
        text=text,
        n_tokens=n_tokens,
        decode_ms=n_tokens / rate * 1000,
        ttft_ms=5.0,
        n_context=100 + n_tokens,
        n_used=100 + n_tokens,
        drawn=[Token(1, b" a", 1000 / rate)] * (n_tokens - n_before),
    )


if __name__ == "__main__":
    task = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Stream)
    sys.exit(run_steadily(lambda: StreamingApp(task, Path(sys.argv[2]))))
