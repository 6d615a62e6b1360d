"""How long a context there is memory for, by llama.cpp's own figures.

Two small contexts are made and what llama.cpp says of their buffers is drawn out to longer
ones. That holds for every architecture: grouped, latent and recurrent attention, quantised
caches, layers that see only a window, and the compute buffers that grow with the context.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final, NamedTuple

from workbench.engine.llama.backend import log
from workbench.engine.llama.buffers import buffers
from workbench.engine.llama.context import AbortFlag, Context
from workbench.engine.llama.devices import gpu_memory
from workbench.engine.llama.handle import LoadError
from workbench.engine.llama.model import Model
from workbench.engine.machine import Machine

# llama.cpp pads a context, and what a window leaves of one, to a multiple of this.
_STEP: Final = 256
LEAST: Final = 512
# "auto" leaves the rest to the person's other programs, and to the next model.
_SHARE: Final = 4
# Beside its keys and values, every cell has a record (llama_kv_cells; 52 bytes measured).
CELL_BYTES: Final = 64

_CACHE: Final = re.compile(r"creating +(.*?) *KV cache")

HOST: Final = "host"

PriceOf = Callable[[str, int], int]
"""Bytes that a context takes in a place, by its length."""


class Fit(NamedTuple):
    """A context's length, and a sentence where it is less than a person would expect."""

    n_ctx: int
    note: str = ""


def fitting(
    model: Model, values: dict[str, Any], *, free: int, machine: Machine, abort: AbortFlag
) -> Fit:
    """The length for ``values``: the one asked for, or as much as is reasonable.

    ``free`` is the memory there was before the weights: those that are mapped seem free
    still. Raises LoadError if what is asked for does not fit.
    """
    asked: int = values["n_ctx"]
    trained = model.n_ctx_train if model.n_ctx_train > 0 else LEAST
    wanted = asked or trained
    n_ubatch = min(values["n_ubatch"], values["n_batch"], wanted)
    small = _padded(n_ubatch)
    if wanted <= 2 * small:
        return Fit(wanted)
    sizes = [_sizes(model, values, n_ctx, abort) for n_ctx in (small, 2 * small)]
    n_window = 0 if values["swa_full"] else model.n_swa
    window = _padded(n_window + n_ubatch) if n_window else wanted
    price = _Price(*sizes, window=window, n_ubatch=n_ubatch)
    if asked:
        _check(asked, price, {HOST: machine.free_memory(), **gpu_memory()})
        return Fit(asked)
    room = {HOST: max(0, free - host_size(model)), **gpu_memory()}
    n_ctx = reasonable(price.growing, room, trained)
    if n_ctx == trained:
        return Fit(n_ctx)
    return Fit(
        n_ctx,
        f"n_ctx is {n_ctx} of the {trained} tokens this model was trained on: more would take "
        "over a quarter of the free memory.",
    )


def reasonable(growing: PriceOf, room: Mapping[str, int], trained: int) -> int:
    """What "auto" comes to, in ``room`` beside the weights, of what the model was trained on."""
    share = {place: size // _SHARE for place, size in room.items()}
    return min(trained, max(LEAST, longest(growing, share, trained)))


def host_size(model: Model) -> int:
    """Bytes of a model's weights that are not on a GPU."""
    return _by_place(model.buffers)[HOST]


def _check(n_ctx: int, price: _Price, room: Mapping[str, int]) -> None:
    """Refuse what the memory now free cannot hold: the system would kill us for it."""
    for place, free in room.items():
        needed = price.whole(place, n_ctx)
        if needed > free:
            # What is free now may be a little less when it is tried.
            most = longest(price.whole, {at: size // 16 * 15 for at, size in room.items()}, n_ctx)
            raise LoadError(
                f"n_ctx {n_ctx} needs {needed / 1e9:.2f} GB and {free / 1e9:.2f} GB are free: "
                f"at most {most} tokens fit. Ask for fewer, or for a smaller cache_type_k and "
                "cache_type_v."
            )


class _Sizes(NamedTuple):
    """Bytes that a context of ``n_ctx`` takes, by place."""

    n_ctx: int
    caches: Counter[str]
    windows: Counter[str]
    rest: Counter[str]


class _Price:
    """What longer contexts take, drawn out from two short ones."""

    def __init__(self, short: _Sizes, long: _Sizes, *, window: int, n_ubatch: int) -> None:
        """``window`` is the most cells that a window's cache has."""
        self._long = long
        self._window = window
        self._cell = {place: size / long.n_ctx for place, size in long.caches.items()}
        n_window = min(window, long.n_ctx)
        self._window_cell = {place: size / n_window for place, size in long.windows.items()}
        step = long.n_ctx - short.n_ctx
        self._rest = {
            place: max(0, size - short.rest[place]) / step for place, size in long.rest.items()
        }
        kinds = [each for each in (long.caches, long.windows) if each]
        if kinds:
            # In a short context other layers may need more, and hide the attention masks (16
            # bits for every cell and token, one mask for each kind of cache) in their buffer.
            masks = 2 * n_ubatch * len(kinds)
            self._rest[HOST] = max(masks, self._rest.get(HOST, 0)) + CELL_BYTES

    def growing(self, place: str, n_ctx: int) -> int:
        """The part of the price that depends on the length."""
        per_token = self._cell.get(place, 0) + self._rest.get(place, 0)
        in_windows = self._window_cell.get(place, 0) * min(n_ctx, self._window)
        return int(per_token * n_ctx + in_windows)

    def whole(self, place: str, n_ctx: int) -> int:
        """Bytes that a context of ``n_ctx`` takes in a place."""
        fixed = self._long.rest[place] - self._rest.get(place, 0) * self._long.n_ctx
        return max(0, int(fixed)) + self.growing(place, n_ctx)


def longest(price: PriceOf, room: Mapping[str, int], most: int) -> int:
    """The most tokens, a multiple of 256, whose price no place is too small for."""
    lengths = range(_STEP, _padded(most) + 1, _STEP)
    # Mostly all of it fits, and a price may take its time.
    if all(price(place, lengths[-1]) <= free for place, free in room.items()):
        return lengths[-1]
    return _STEP * min(
        bisect_right(lengths, free, key=partial(price, place)) for place, free in room.items()
    )


def _sizes(model: Model, values: dict[str, Any], n_ctx: int, abort: AbortFlag) -> _Sizes:
    with Context(model, {**values, "n_ctx": n_ctx}, abort=abort):
        return _Sizes(n_ctx, *_split(log.infos))


def _split(lines: Iterable[str]) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """llama.cpp's lines on a context's buffers: caches, caches of windows, and the others."""
    caches: list[str] = []
    windows: list[str] = []
    rest: list[str] = []
    of_window = False
    for line in lines:
        if cache := _CACHE.search(line):
            of_window = cache[1] == "SWA"
        elif "KV buffer" in line:
            (windows if of_window else caches).append(line)
        else:
            rest.append(line)
    return _by_place(caches), _by_place(windows), _by_place(rest)


def _by_place(lines: Iterable[str]) -> Counter[str]:
    """Bytes of the buffers that ``lines`` tell of, by GPU; all others are the host's."""
    gpus = gpu_memory()
    sizes: Counter[str] = Counter()
    for place, size in buffers(lines):
        sizes[place if place in gpus else HOST] += size
    return sizes


def _padded(n_tokens: int) -> int:
    return -(-n_tokens // _STEP) * _STEP
