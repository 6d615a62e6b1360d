from __future__ import annotations

import io
from pathlib import Path

from workbench.engine.protocol import (
    HEADER,
    ChatMessage,
    Failed,
    Generate,
    LanePrompt,
    ModelSource,
    Request,
    Stop,
    decode_event,
    frame,
    read_request,
)


def test_requests_come_out_as_they_went_in() -> None:
    sent: list[Request] = [
        Generate(
            1,
            ModelSource.of(Path("/x.gguf"), {"n_ctx": 64}),
            [LanePrompt(0, [ChatMessage("user", "é")], {"seed": 1})],
        ),
        Stop(1),
    ]
    pipe = io.BytesIO(b"".join(frame(request) for request in sent))
    assert [read_request(pipe), read_request(pipe)] == sent
    assert read_request(pipe) is None


def test_a_pipe_that_closes_within_a_frame_is_closed() -> None:
    whole = frame(Stop(1))
    for length in range(len(whole)):
        assert read_request(io.BytesIO(whole[:length])) is None


def test_events_come_out_as_they_went_in() -> None:
    event = Failed(3, "no", stopped=True)
    assert decode_event(frame(event)[HEADER.size :]) == event
