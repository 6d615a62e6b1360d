"""What the names of GGUF files say: the quantisation, the parts of a split model, its helpers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Literal

Kind = Literal["model", "projector", "imatrix"]

# llama.cpp's gguf-split names; the first part loads all of them.
_SPLIT: Final = re.compile(r"-(\d{5})-of-(\d{5})$")
# File types as file names carry them: Q4_K_M, IQ3_XXS, UD-Q2_K_XL, TQ1_0, MXFP4, BF16.
_QUANTISATION: Final = re.compile(
    r"(?:^|[-._])((?:UD-)?(?:I?Q\d\w*|TQ\d\w*|MXFP4\w*|NVFP4\w*|BF16|F16|F32))(?=[-._]|$)",
    re.IGNORECASE,
)


def stem(path: str) -> str:
    """``path`` without ``.gguf`` and without which part of a split model it is."""
    name = path.removesuffix(".gguf")
    return _SPLIT.sub("", name) if _split(path) else name


def n_parts(path: str) -> int:
    """Of how many parts the file is one; 1 for a file that is whole."""
    split = _split(path)
    return split[1] if split else 1


def set_of(path: str) -> tuple[str, int]:
    """What a file has in common with the other parts of its model, and with no other model's.

    A whole model may lie beside its parts, or be split in two ways.
    """
    split = _split(path)
    return stem(path), split[1] if split else 0


def n_missing(paths: Iterable[str]) -> int:
    """How many parts of a model are not among ``paths``, some of one set."""
    splits = [_split(path) or (1, 1) for path in paths]
    return splits[0][1] - len({number for number, _ in splits})


def missing_words(n_missing: int) -> str:
    """How many parts are missing, for people; empty if none is."""
    return f"{n_missing} part{'s' * (n_missing > 1)} missing" if n_missing else ""


def _split(path: str) -> tuple[int, int] | None:
    """Which part of how many the file is; None for one that is whole, whatever its name."""
    found = _SPLIT.search(path.removesuffix(".gguf"))
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        return None
    return int(found[1]), int(found[2])


def quantisation(path: str) -> str:
    """The file type as the name says it, in capitals, or as the folder does; else empty."""
    for part in reversed(stem(path).split("/")):
        if found := _QUANTISATION.search(part):
            return found[1].upper()
    return ""


def kind(path: str) -> Kind | None:
    """What a repository's file is to llama.cpp; None for one that it does not read."""
    name = path.rpartition("/")[2].lower()
    if "imatrix" in name and name.endswith((".dat", ".imatrix", "imatrix")):
        return "imatrix"
    if not name.endswith(".gguf"):
        return None
    # Many name it to say how a model was quantised; its own file is never quantised.
    if "imatrix" in name and quantisation(name) in ("", "BF16", "F16", "F32"):
        return "imatrix"
    return "projector" if "mmproj" in name else "model"


def parameter_count(n_params: int) -> str:
    """A number of parameters as names of models have it: ``7.6B``, ``360M``; empty for none."""
    if n_params >= 999_500_000:
        return f"{n_params / 1e9:.1f}B"
    if n_params >= 9_950_000:
        return f"{n_params / 1e6:.0f}M"
    if n_params >= 50_000:
        return f"{n_params / 1e6:.1f}M"
    return f"{n_params / 1e3:.1f}k" if n_params else ""
