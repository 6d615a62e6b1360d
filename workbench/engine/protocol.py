"""What the interface and the engine process say to each other.

Requests go down the engine's stdin, events come up a pipe of its own; both are msgpack
frames after a four-byte little-endian length. A request that generates names its model, so
an engine that has just been started needs nothing but that request.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, Final, Literal, Self

import msgspec

from workbench.parameters.kinds import Value

HEADER: Final = struct.Struct("<I")

FinishReason = Literal["stop", "length", "context", "cancelled"]
"""The model ended its answer; max_tokens; the context is full; a person stopped it."""


class ChatMessage(msgspec.Struct, frozen=True):
    """One message of the conversation that the model sees.

    ``thoughts`` is what the model thought before it wrote ``content``.
    """

    role: Literal["system", "user", "assistant"]
    content: str
    thoughts: str = ""


class ModelSource(msgspec.Struct, frozen=True):
    """A model file and the loading parameters that differ from their defaults.

    ``path`` is bytes, as the system has it: file names need not be Unicode.
    """

    path: bytes
    parameters: dict[str, Value] = {}

    @classmethod
    def of(cls, file: Path, parameters: Mapping[str, Value] | None = None) -> Self:
        """The source for ``file``."""
        return cls(os.fsencode(file), dict(parameters or {}))

    @property
    def file(self) -> Path:
        """The model file."""
        return Path(os.fsdecode(self.path))


# ---- requests ----------------------------------------------------------------------------


class Load(msgspec.Struct, frozen=True, tag=True):
    """Load a model, unless it is there already with the same parameters; Loaded follows."""

    request: int
    model: ModelSource


class LanePrompt(msgspec.Struct, frozen=True):
    """What one lane is to answer, and by which parameters: all that differ from their defaults.

    ``lane`` is from 0 to 7 (MOST_LANES); the memory of what it read before goes by that
    number. If the last message is the assistant's, the answer goes on with it.
    """

    lane: int
    messages: list[ChatMessage]
    parameters: dict[str, Value] = {}


class Generate(msgspec.Struct, frozen=True, tag=True):
    """Answer in one lane or several at once; loads the model first if need be.

    What their prompts have in common is evaluated once. A request for other lanes of the
    same model joins those that are being answered. ``state`` names a file of SaveState's, to
    be used if it holds more of the first lane's prompt than its memory does.
    """

    request: int
    model: ModelSource
    lanes: list[LanePrompt]
    state: bytes = b""


class Adjust(msgspec.Struct, frozen=True, tag=True):
    """Go on with a running answer by these parameters: all that differ from their defaults.

    Only what the table marks ``live`` acts, from the next token on.
    """

    request: int
    lane: int
    parameters: dict[str, Value]


class SaveState(msgspec.Struct, frozen=True, tag=True):
    """Write what the context now holds of lane 0 to ``file``."""

    request: int
    file: bytes


class Price(msgspec.Struct, frozen=True, tag=True):
    """Say what a model and its context would take, without loading it.

    Of its file only the header need be there; what is loaded stays so.
    """

    request: int
    model: ModelSource


class Stop(msgspec.Struct, frozen=True, tag=True):
    """End a request, or one of its lanes, within one token; it still reports how it finished."""

    request: int
    lane: int | None = None


Request = Load | Generate | Adjust | SaveState | Price | Stop

# ---- events ------------------------------------------------------------------------------


class Ready(msgspec.Struct, frozen=True, tag=True):
    """The engine process has started."""

    binding: str
    llama_cpp: str
    system_info: str
    gpu_offload: bool


class LoadProgress(msgspec.Struct, frozen=True, tag=True):
    """How much of the model is read, 0 to 1."""

    request: int
    fraction: float


class Device(msgspec.Struct, frozen=True):
    """A GPU with a memory of its own, as llama.cpp names it; bytes."""

    name: str
    free: int
    total: int


class ModelInfo(msgspec.Struct, frozen=True):
    """A loaded model. Sizes in bytes, lengths in tokens.

    ``size`` is that of the weights, ``cache_size`` that of what the context's tokens are kept
    in: keys and values, or a recurrent state. ``defaults`` are the parameters that the file
    itself sets (``general.sampling.*``).
    """

    source: ModelSource
    name: str
    description: str
    size: int
    n_params: int
    n_ctx: int
    n_ctx_train: int
    cache_size: int
    n_threads: int
    defaults: dict[str, Value] = {}


class Loaded(msgspec.Struct, frozen=True, tag=True):
    """A model is ready. ``notes`` are sentences a person should read."""

    request: int
    model: ModelInfo
    load_ms: float
    devices: list[Device] = []
    notes: list[str] = []


class PromptProgress(msgspec.Struct, frozen=True, tag=True):
    """How many of the prompt's tokens are in the context, those reused included.

    ``n_cached`` were there before; the others took ``prompt_ms`` so far. Lanes with the same
    prompt wait for the first of them.
    """

    request: int
    lane: int
    n_done: int
    n_total: int
    n_cached: int
    prompt_ms: float


class Token(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A token that was drawn: its id in the vocabulary, and the bytes that it stands for.

    A character may span several; control tokens have their name. Where a grammar leaves
    nothing to draw, ``id`` is -1. ``gap_ms`` is the time since the token before it; the first
    has none. What an answer did to make room in a full context is not counted.
    """

    id: int
    piece: bytes
    gap_ms: float | None = None


class TextArrived(msgspec.Struct, frozen=True, tag=True):
    """A piece of an answer: what came since the last one, at most twenty times a
    second for each lane; the app asks for ten.

    ``thoughts`` is what the model thought before it wrote ``text``. ``n_tokens`` counts the
    answer's tokens so far, ``decode_ms`` the time since its first one, ``ttft_ms`` the time
    to that one, ``n_context`` the tokens of this lane now in the context, ``n_used`` the
    cells that all lanes take of it: tokens that they share take one. ``drawn`` are the tokens
    since the last piece, the one that ended the answer among them. ``seed`` is the one that is
    drawn by.
    """

    request: int
    lane: int
    thoughts: str
    text: str
    n_tokens: int
    decode_ms: float
    ttft_ms: float
    n_context: int
    n_used: int
    drawn: list[Token] = []
    seed: int | None = None


class Timings(msgspec.Struct, frozen=True):
    """An answer's figures.

    ``prompt_tps`` counts only the tokens that had to be evaluated
    (``prompt_tokens - cached_tokens``). ``tps`` is decoded tokens per second after the
    first, the prompt's evaluation left out, as llama-bench counts. ``ttft_ms`` runs from
    the request to the first token, loading left out. What a lane did not evaluate because
    another lane of the request had is counted as cached.
    """

    prompt_tokens: int
    cached_tokens: int
    prompt_ms: float
    prompt_tps: float
    completion_tokens: int
    decode_ms: float
    tps: float
    ttft_ms: float
    n_context: int
    n_ctx: int


class Finished(msgspec.Struct, frozen=True, tag=True):
    """An answer is complete. ``seed`` is the one used, also where a random one was asked."""

    request: int
    lane: int
    reason: FinishReason
    timings: Timings
    seed: int
    devices: list[Device] = []
    notes: list[str] = []


class Failed(msgspec.Struct, frozen=True, tag=True):
    """A request could not be met; the engine lives on. ``message`` says what to do.

    With several lanes, one that cannot be answered fails them all: none has begun.

    ``stopped`` marks a request that a person stopped before it came to anything.
    """

    request: int
    message: str
    stopped: bool = False


class Noted(msgspec.Struct, frozen=True, tag=True):
    """Something a person should know, said before it acts on the answer of a lane."""

    request: int
    lane: int
    note: str


class StateSaved(msgspec.Struct, frozen=True, tag=True):
    """A state file of ``size`` bytes holds ``n_tokens`` tokens."""

    request: int
    n_tokens: int
    size: int


class Placed(msgspec.Struct, frozen=True):
    """What a model takes in a place, "host" or a GPU by its name; bytes.

    ``free`` is what the place has for it. ``compute`` is for what is computed in between, the
    logits among it.
    """

    place: str
    free: int
    weights: int
    cache: int
    compute: int

    @property
    def total(self) -> int:
        """All of it together."""
        return self.weights + self.cache + self.compute


class Priced(msgspec.Struct, frozen=True, tag=True):
    """What a model would take, by llama.cpp's own allocator.

    ``n_ctx`` is the length that was priced, ``most`` the longest of those it was trained on
    that there is memory for; 0 if there is none. ``places`` begins with the host. Of its
    weights ``plain`` bytes are used as they lie in a mapped file: without room for them they
    are read again and again. ``mapped`` are the file's bytes that are resident with them as
    long as there is room. ``overhead`` is what llama.cpp takes on the host beside its
    buffers, for the vocabulary above all.
    """

    request: int
    source: ModelSource
    description: str
    n_params: int
    n_ctx: int
    n_ctx_train: int
    most: int
    places: list[Placed]
    plain: int
    mapped: int
    overhead: int

    @property
    def host(self) -> Placed:
        """What it takes of the machine's own memory."""
        return self.places[0]

    @property
    def resident(self) -> int:
        """Bytes of the machine's own memory that are taken if there is room for all."""
        unused = max(0, self.mapped - self.plain)
        return self.host.total + unused + self.overhead


Event = (
    Ready
    | LoadProgress
    | Loaded
    | PromptProgress
    | Noted
    | TextArrived
    | Finished
    | StateSaved
    | Priced
    | Failed
)

# ---- frames ------------------------------------------------------------------------------

_ENCODER: Final = msgspec.msgpack.Encoder()
_REQUESTS: Final[msgspec.msgpack.Decoder[Request]] = msgspec.msgpack.Decoder(Request)
_EVENTS: Final[msgspec.msgpack.Decoder[Event]] = msgspec.msgpack.Decoder(Event)


def frame(message: Request | Event) -> bytes:
    """A message as it goes over the pipe."""
    body = _ENCODER.encode(message)
    return HEADER.pack(len(body)) + body


def decode_event(body: bytes) -> Event:
    """An event from a frame's body."""
    return _EVENTS.decode(body)


def read_request(pipe: BinaryIO) -> Request | None:
    """The next request; None when the other side has closed the pipe."""
    header = pipe.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    (length,) = HEADER.unpack(header)
    body = pipe.read(length)
    return _REQUESTS.decode(body) if len(body) == length else None
