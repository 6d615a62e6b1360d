"""Whether a model fits, before it is loaded or even fetched.

An estimate from the metadata is there at once; an engine's price (engine/pricing.py) replaces
it. Both come to the same figures here: what it takes of every place, a verdict, and how fast
it can write.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, Protocol, get_args

import msgspec

from workbench.models.shape import Shape

Verdict = Literal["fits", "tight", "slow", "cannot"]
"""``slow``: weights are read from the disk again for every token. ``cannot``: the system would
end it, or a GPU refuse."""

HOST: Final = "host"

# What other programs may want within the hour; below it, "it fits" would be a promise.
_TIGHT: Final = 0.9
# Bytes of a value in a cache: ggml's blocks of 32 with their scales.
_CACHE_BYTES: Final[Mapping[str, float]] = {
    "f32": 4,
    "f16": 2,
    "bf16": 2,
    "q8_0": 34 / 32,
    "q5_1": 24 / 32,
    "q5_0": 22 / 32,
    "q4_1": 20 / 32,
    "q4_0": 18 / 32,
    "iq4_nl": 18 / 32,
}
_PADDED: Final = 256
# Per token of the vocabulary on the heap, measured with 50,000 and 150,000 of them.
_VOCABULARY_BYTES: Final = 160
_MAPPED: Final = ("auto", "mmap")
# Where there is room for less of what a model was trained on, that is worth a word.
_SHORT: Final = 4096
# From the least to the worst.
_VERDICTS: Final[tuple[Verdict, ...]] = get_args(Verdict)


class Place(msgspec.Struct, frozen=True):
    """What a model takes in a place, "host" or a GPU by its name, and what is free; bytes."""

    name: str
    free: int
    weights: int
    cache: int
    compute: int

    @property
    def total(self) -> int:
        """All of it together."""
        return self.weights + self.cache + self.compute


class Fit(msgspec.Struct, frozen=True):
    """How a model fits. ``places`` begins with the host; sizes in bytes, lengths in tokens.

    ``most`` is the longest context that fits, 0 if none does. ``exact`` says that llama.cpp's
    allocator gave the figures. ``tps`` are the tokens a second that the memory's bandwidth
    allows with an empty context; None where it is not known. ``plain`` bytes of the weights can
    be read from the disk again and again; ``trained`` is the context that it was trained on.
    """

    verdict: Verdict
    exact: bool
    n_ctx: int
    most: int
    places: tuple[Place, ...]
    resident: int
    tps: float | None = None
    plain: int = 0
    trained: int = 0

    @property
    def total(self) -> int:
        """What it takes of all places."""
        return sum(place.total for place in self.places)


def verdict(places: Sequence[Place], *, plain: int, overhead: int) -> Verdict:
    """By what is free in every place; ``plain`` bytes of the weights may be read again."""
    worst: Verdict = "fits"
    for place in places:
        needed = place.total + (overhead if place.name == HOST else 0)
        if needed <= place.free * _TIGHT:
            continue
        if needed <= place.free:
            worst = "tight" if worst == "fits" else worst
        elif place.name == HOST and needed - plain <= place.free:
            worst = "slow"
        else:
            return "cannot"
    return worst


def lengths(fit: Fit) -> str:
    """The context that was asked for, beside the longest that is of use; empty if none is."""
    if not fit.most:
        return ""
    if fit.n_ctx > fit.most >= fit.trained > 0:
        return f"n_ctx {fit.n_ctx:,}; it was trained on {fit.trained:,}"
    return f"n_ctx {fit.n_ctx:,}; the longest that fits is {fit.most:,}"


def sentence(fit: Fit) -> str:
    """The verdict in words, and what to do about it."""
    if fit.verdict == "fits" and fit.most < min(fit.trained, _SHORT):
        return f"It fits with a short context: at most {fit.most:,} of {fit.trained:,} tokens."
    if fit.verdict == "fits" and 0 < fit.trained < fit.n_ctx:
        return f"It fits, but it was trained on {fit.trained:,} tokens only."
    if fit.verdict == "fits":
        return "It fits."
    if fit.verdict == "tight":
        return "It fits, but only just: little is left for other programs."
    if fit.verdict == "slow":
        return (
            "It is slow: the weights have no room in memory, and what does not fit is read from "
            "the disk for every token."
        )
    if 0 < fit.most < fit.n_ctx:
        why = "it was trained on" if fit.most >= fit.trained > 0 else "there is memory for"
        return f"It cannot run with this n_ctx: {why} {fit.most:,} tokens."
    if any(place.total > place.free for place in fit.places if place.name != HOST):
        return "It cannot run: take a smaller one, or put fewer layers on the GPU."
    if fit.exact and fit.plain < fit.places[0].weights * _TIGHT:
        return (
            "It cannot run: take a smaller one. Its weights are laid out anew in memory, and "
            "cannot be read from the disk again and again."
        )
    return "It cannot run: take a smaller one."


def no_better(guess: Fit, known: Iterable[Verdict]) -> Fit:
    """A guess that is as bad as what is ``known`` of smaller files of the same model.

    Of what this machine lays out anew nothing is known until llama.cpp is asked.
    """
    judged = max([guess.verdict, *known], key=_VERDICTS.index)
    if judged == guess.verdict:
        return guess
    tps = guess.tps if judged in ("fits", "tight") else None
    return msgspec.structs.replace(guess, verdict=judged, tps=tps)


def speed(tps: float) -> str:
    """Tokens a second that are expected, as exactly as such a figure can be known."""
    return f"{float(f'{tps:.2g}'):,.6g}"


def exact(
    places: Sequence[Place],
    *,
    n_ctx: int,
    most: int,
    plain: int,
    overhead: int,
    resident: int,
    shape: Shape | None = None,
    bandwidth: float | None = None,
) -> Fit:
    """The fit by an engine's price."""
    judged = verdict(places, plain=plain, overhead=overhead)
    return Fit(
        judged,
        exact=True,
        n_ctx=n_ctx,
        most=most,
        places=tuple(places),
        resident=resident,
        tps=_tps(shape, places, judged, bandwidth) if shape else None,
        plain=plain,
        trained=shape.n_ctx if shape else 0,
    )


class PlacePrice(Protocol):
    """What an engine says of a place; see engine/protocol.py."""

    @property
    def place(self) -> str: ...
    @property
    def free(self) -> int: ...
    @property
    def weights(self) -> int: ...
    @property
    def cache(self) -> int: ...
    @property
    def compute(self) -> int: ...


class Price(Protocol):
    """An engine's price."""

    @property
    def places(self) -> Sequence[PlacePrice]: ...
    @property
    def n_ctx(self) -> int: ...
    @property
    def most(self) -> int: ...
    @property
    def plain(self) -> int: ...
    @property
    def overhead(self) -> int: ...
    @property
    def resident(self) -> int: ...


def of_price(price: Price, *, shape: Shape, bandwidth: float | None) -> Fit:
    """The fit by an engine's price of the model that ``shape`` describes."""
    return exact(
        [
            Place(each.place, each.free, each.weights, each.cache, each.compute)
            for each in price.places
        ],
        n_ctx=price.n_ctx,
        most=price.most,
        plain=price.plain,
        overhead=price.overhead,
        resident=price.resident,
        shape=shape,
        bandwidth=bandwidth,
    )


def estimate(
    shape: Shape, values: Mapping[str, Any], *, free: int, bandwidth: float | None = None
) -> Fit:
    """The fit by the metadata alone, all of it on the host; off by some percent.

    ``values`` holds every loading parameter.
    """
    trained = shape.n_ctx or 4096

    def place(n_ctx: int) -> Place:
        return Place(
            HOST,
            free,
            shape.weights,
            _cache(shape, values, n_ctx),
            _compute(shape, values, n_ctx),
        )

    def longest(share: float, beside: int) -> int:
        lengths = range(_PADDED, trained + 1, _PADDED)
        room = (free - beside) * share
        low, high = 0, len(lengths)
        while low < high:
            middle = (low + high) // 2
            at = place(lengths[middle])
            if at.cache + at.compute <= room:
                low = middle + 1
            else:
                high = middle
        return lengths[low - 1] if low else 0

    # As the engine does: a quarter of what the weights leave, where nothing is asked for.
    n_ctx = values["n_ctx"] or min(trained, max(2 * _PADDED, longest(0.25, shape.weights)))
    overhead = shape.n_vocab * _VOCABULARY_BYTES
    places = (place(n_ctx),)
    plain = shape.weights if values["load_mode"] in _MAPPED else 0
    judged = verdict(places, plain=plain, overhead=overhead)
    return Fit(
        judged,
        exact=False,
        n_ctx=n_ctx,
        most=longest(1.0, shape.weights + overhead),
        places=places,
        resident=places[0].total + overhead,
        tps=_tps(shape, places, judged, bandwidth),
        plain=plain,
        trained=shape.n_ctx,
    )


def _cache(shape: Shape, values: Mapping[str, Any], n_ctx: int) -> int:
    key, value = (_CACHE_BYTES[values[f"cache_type_{each}"]] for each in "kv")
    cells = _padded(n_ctx)
    seen = cells if values["swa_full"] else min(cells, _padded(shape.window + values["n_ubatch"]))
    whole = sum(n_key * key + n_value * value for n_key, n_value in shape.cells)
    in_window = sum(n_key * key + n_value * value for n_key, n_value in shape.windowed)
    return int(whole * cells + in_window * seen) + shape.state


def _compute(shape: Shape, values: Mapping[str, Any], n_ctx: int) -> int:
    """Roughly: the widest of what is computed at once, and a mask for every kind of cache."""
    n_tokens: int = min(values["n_ubatch"], n_ctx)
    masks = (bool(shape.cells) + bool(shape.windowed)) * 2 * n_tokens * _padded(n_ctx)
    return 4 * n_tokens * 10 * shape.width + masks + 8 * 4 * shape.n_vocab + 64 * n_ctx


def _tps(
    shape: Shape, places: Sequence[Place], judged: Verdict, bandwidth: float | None
) -> float | None:
    on_gpu = any(place.total for place in places if place.name != HOST)
    if not bandwidth or not shape.read or on_gpu or judged in ("slow", "cannot"):
        return None
    return bandwidth / shape.read


def _padded(n_tokens: int) -> int:
    return -(-n_tokens // _PADDED) * _PADDED
