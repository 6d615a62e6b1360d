from __future__ import annotations

import pytest

from workbench.models import naming


@pytest.mark.parametrize(
    ("path", "kind", "quantisation", "stem", "n_parts"),
    [
        ("Qwen3-0.6B-Q8_0.gguf", "model", "Q8_0", "Qwen3-0.6B-Q8_0", 1),
        ("model.IQ3_XXS.gguf", "model", "IQ3_XXS", "model.IQ3_XXS", 1),
        ("gpt-oss-20b-mxfp4.gguf", "model", "MXFP4", "gpt-oss-20b-mxfp4", 1),
        ("Q-star.gguf", "model", "", "Q-star", 1),
        ("UD-Q2_K_XL/m-00002-of-00003.gguf", "model", "UD-Q2_K_XL", "UD-Q2_K_XL/m", 3),
        ("mmproj-F16.gguf", "projector", "F16", "mmproj-F16", 1),
        ("imatrix.dat", "imatrix", "", "imatrix.dat", 1),
        ("x-imatrix.gguf", "imatrix", "", "x-imatrix", 1),
        ("x-imatrix-f16.gguf", "imatrix", "F16", "x-imatrix-f16", 1),
        ("Mistral-imatrix-Q4_K_M.gguf", "model", "Q4_K_M", "Mistral-imatrix-Q4_K_M", 1),
        ("config.json", None, "", "config.json", 1),
    ],
)
def test_what_a_name_says(
    path: str, kind: str | None, quantisation: str, stem: str, n_parts: int
) -> None:
    said = (naming.kind(path), naming.quantisation(path), naming.stem(path), naming.n_parts(path))
    assert said == (kind, quantisation, stem, n_parts)


@pytest.mark.parametrize(
    ("n_params", "said"),
    [
        (0, ""),
        (2_100, "2.1k"),
        (2_400_000, "2.4M"),
        (360_000_000, "360M"),
        (999_600_000, "1.0B"),
        (7_615_616_512, "7.6B"),
    ],
)
def test_parameters_are_counted_as_names_do(n_params: int, said: str) -> None:
    assert naming.parameter_count(n_params) == said
