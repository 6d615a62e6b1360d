from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.gguf_files import random_model, recurrent_model, sliding_model
from workbench.engine.llama.context import AbortFlag
from workbench.engine.pricing import Pricing
from workbench.engine.protocol import ModelSource, Price
from workbench.models.fit import (
    Place,
    Verdict,
    estimate,
    exact,
    lengths,
    no_better,
    sentence,
    speed,
    verdict,
)
from workbench.models.gguf import read_header
from workbench.models.shape import shape_of
from workbench.parameters.table import completed

GB = 10**9
MODELS: dict[str, Callable[[Path], Path]] = {
    "full": lambda path: random_model(path, layers=4, width=256, heads=4, forward=512),
    "window": sliding_model,
    "recurrent": recurrent_model,
}


def host(free: float, weights: float, cache: float = 0, compute: float = 0) -> Place:
    return Place("host", *(int(size * GB) for size in (free, weights, cache, compute)))


@pytest.mark.parametrize("cache", ["f16", "q8_0", "q4_0"])
@pytest.mark.parametrize("kind", MODELS)
def test_the_estimate_is_near_the_price(tmp_path: Path, kind: str, cache: str) -> None:
    file = MODELS[kind](tmp_path / f"{kind}.gguf")
    parameters: dict[str, Any] = {"n_ctx": 2048, "cache_type_k": cache, "cache_type_v": cache}
    price = Pricing(AbortFlag()).priced(Price(1, ModelSource.of(file, parameters)))
    guess = estimate(shape_of([read_header(file)]), completed(parameters), free=GB)
    [place] = guess.places
    assert place.weights == pytest.approx(price.host.weights, rel=0.01)
    assert place.cache == pytest.approx(price.host.cache, rel=0.01)
    assert place.compute == pytest.approx(price.host.compute, rel=0.8)
    assert not guess.exact


def test_auto_and_the_longest_that_fits(tmp_path: Path) -> None:
    file = random_model(tmp_path / "x.gguf", layers=4, width=128, heads=4, n_ctx=1_048_576)
    shape = shape_of([read_header(file)])
    auto = estimate(shape, completed({}), free=GB)
    assert 0 < auto.n_ctx < auto.most < shape.n_ctx
    at_most = estimate(shape, completed({"n_ctx": auto.most}), free=GB)
    assert GB * 0.95 < at_most.resident <= GB
    assert estimate(shape, completed({}), free=10**6).most == 0
    assert estimate(shape, completed({}), free=1000 * GB).n_ctx == shape.n_ctx


@pytest.mark.parametrize(
    ("place", "plain", "expected"),
    [
        (host(10, 5, 1, 1), 5, "fits"),
        (host(10, 8, 1, 0.5), 8, "tight"),
        (host(10, 11, 1, 1), 11, "slow"),
        # Weights that are in memory of their own cannot be read again.
        (host(10, 11, 1, 1), 0, "cannot"),
        (host(10, 5, 11, 1), 5, "cannot"),
    ],
)
def test_verdicts_on_the_host(place: Place, plain: int, expected: Verdict) -> None:
    assert verdict([place], plain=plain * GB, overhead=0) == expected


def test_a_gpu_does_not_page() -> None:
    gpu = Place("CUDA0", 8 * GB, 9 * GB, 0, 0)
    assert verdict([host(10, 1), gpu], plain=GB, overhead=0) == "cannot"
    small = Place("CUDA0", 8 * GB, 7 * GB, 0, 0)
    assert verdict([host(10, 11), small], plain=11 * GB, overhead=0) == "slow"


def test_what_a_token_reads_bounds_the_speed(tmp_path: Path) -> None:
    shape = shape_of([read_header(random_model(tmp_path / "x.gguf", layers=1, width=64, heads=2))])
    fast = estimate(shape, completed({}), free=GB, bandwidth=1e10)
    assert fast.tps == pytest.approx(1e10 / shape.read)
    # Of the table of tokens one row is read.
    assert shape.read < shape.weights
    found = exact(
        [host(1, 2)], n_ctx=1, most=0, plain=2 * GB, overhead=0, resident=0,
        shape=shape, bandwidth=1e10,
    )  # fmt: skip
    assert (found.verdict, found.tps) == ("slow", None)


def test_a_verdict_says_what_to_do() -> None:
    found = exact(
        [host(1, 0.5, 1)], n_ctx=4096, most=1024, plain=0, overhead=0, resident=0
    )  # fmt: skip
    assert "there is memory for 1,024 tokens" in sentence(found)
    trained = msgspec.structs.replace(found, trained=1024)
    assert "it was trained on 1,024 tokens" in sentence(trained)
    short = msgspec.structs.replace(found, verdict="fits", trained=32_768)
    assert sentence(short) == "It fits with a short context: at most 1,024 of 32,768 tokens."
    beyond = msgspec.structs.replace(short, most=1024, trained=1024)
    assert sentence(beyond) == "It fits, but it was trained on 1,024 tokens only."


def test_what_cannot_run_is_told_why() -> None:
    def said(*places: Place, plain: float) -> str:
        found = exact(places, n_ctx=512, most=0, plain=int(plain * GB), overhead=0, resident=0)
        assert found.verdict == "cannot"
        return sentence(found)

    assert "laid out anew" in said(host(10, 20), plain=2)
    without_gpu = said(host(10, 20, 11), plain=20)
    assert without_gpu == "It cannot run: take a smaller one."
    assert "layers on the GPU" in said(host(10, 1), Place("CUDA0", GB, 2 * GB, 0, 0), plain=1)


def test_a_guess_does_not_contradict_what_is_known_of_smaller_ones() -> None:
    guess = msgspec.structs.replace(
        exact([host(10, 5)], n_ctx=512, most=512, plain=0, overhead=0, resident=0),
        exact=False, tps=5.0,
    )  # fmt: skip
    assert no_better(guess, []) == no_better(guess, ["fits"]) == guess
    worse = no_better(guess, ["fits", "cannot"])
    assert (worse.verdict, worse.tps) == ("cannot", None)


@pytest.mark.parametrize(
    ("tps", "said"), [(0.524, "0.52"), (7.93, "7.9"), (84.2, "84"), (4644.8, "4,600")]
)
def test_a_speed_is_said_as_exactly_as_it_is_known(tps: float, said: str) -> None:
    assert speed(tps) == said


def test_lengths_and_verdict_say_the_same_of_a_context_beyond_the_trained(tmp_path: Path) -> None:
    file = random_model(tmp_path / "x.gguf", layers=1, width=64, heads=2, forward=64, n_ctx=4096)
    shape = shape_of([read_header(file)])
    inside = estimate(shape, completed({"n_ctx": 2048}), free=GB)
    beyond = estimate(shape, completed({"n_ctx": 8192}), free=GB)
    assert lengths(inside) == "n_ctx 2,048; the longest that fits is 4,096"
    assert lengths(beyond) == "n_ctx 8,192; it was trained on 4,096"
    assert sentence(beyond) == "It fits, but it was trained on 4,096 tokens only."
