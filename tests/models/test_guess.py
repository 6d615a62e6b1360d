from __future__ import annotations

import pytest

from workbench.models.guess import guessed


@pytest.mark.parametrize(
    # Llama 3.2 1B and 3.1 8B, Qwen 2.5 14B, Llama 3.1 70B: layers, width, key's values a layer.
    ("n_params", "layers", "width", "key"),
    [
        (1_235_814_432, 16, 2048, 512),
        (8_030_261_312, 32, 4096, 1024),
        (14_770_033_664, 48, 5120, 1024),
        (70_553_706_560, 80, 8192, 1024),
    ],
)
def test_a_build_is_guessed_near_the_real_one(
    n_params: int, layers: int, width: int, key: int
) -> None:
    shape = guessed(architecture="llama", n_params=n_params, n_ctx=8192, size=n_params // 2)
    assert shape.n_layers == pytest.approx(layers, rel=0.15)
    assert shape.width == pytest.approx(width, rel=0.25)
    assert sum(cell for cell, _ in shape.cells) == pytest.approx(layers * key, rel=0.15)
    assert shape.read == n_params // 2


def test_nobody_guesses_how_much_of_a_mixture_is_read() -> None:
    shape = guessed(architecture="qwen3moe", n_params=30_000_000_000, n_ctx=8192, size=17 << 30)
    assert shape.read == 0
