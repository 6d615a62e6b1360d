"""What the names of GGUF files say: the quantisation, the parts of a split model, its helpers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath
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
    return _SPLIT.sub("", path.removesuffix(".gguf"))


def n_parts(path: str) -> int:
    """Of how many parts the file is one; 1 for a file that is whole."""
    split = _SPLIT.search(path.removesuffix(".gguf"))
    return int(split[2]) if split else 1


def part_number(path: str) -> int:
    """Which of the parts the file is, from 1 on; 1 for a file that is whole."""
    split = _SPLIT.search(path.removesuffix(".gguf"))
    return int(split[1]) if split else 1


def n_missing(paths: Iterable[str]) -> int:
    """How many parts of a split model are not among ``paths``, all of which are its parts."""
    paths = list(paths)
    return len(set(range(1, n_parts(paths[0]) + 1)) - set(map(part_number, paths)))


def quantisation(path: str) -> str:
    """The file type as the name says it, in capitals, or as the folder does; else empty."""
    for part in reversed(PurePosixPath(stem(path)).parts):
        if found := _QUANTISATION.search(part):
            return found[1].upper()
    return ""


def kind(path: str) -> Kind | None:
    """What a repository's file is to llama.cpp; None for one that it does not read."""
    name = PurePosixPath(path).name.lower()
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
