"""The library: ``python -m tests.benchmarks.library``.

Prints how soon 500 models are listed, in a folder and in the Hub's cache: the first time, when
all headers are read and copies looked for, and with what is known by then.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final

from huggingface_hub import constants

from workbench.models import library
from workbench.models.facts import FactsCache
from workbench.models.gguf import read_header
from workbench.models.pocket import MODEL_FILE

_N_FILES: Final = 500
_TIMES: Final = 9


def _in_folder(folder: Path, number: int) -> Path:
    """Where a model lies in a person's own folder."""
    return folder / "models" / f"maker-{number % 40}" / f"model-{number}-Q4_K_M.gguf"


def _in_hub_cache(folder: Path, number: int) -> Path:
    """The blob of a model in a repository of its own, which has a name there."""
    repository = folder / "cache" / f"models--maker-{number % 40}--model-{number}-GGUF"
    blob = repository / "blobs" / hashlib.sha256(str(number).encode()).hexdigest()
    snapshot = repository / "snapshots" / f"{number:040x}"
    snapshot.mkdir(parents=True)
    (snapshot / f"model-{number}-Q4_K_M.gguf").symlink_to(f"../../blobs/{blob.name}")
    return blob


def _fill(folder: Path, place: Callable[[Path, int], Path]) -> None:
    """Put models of one size there, none of them like another."""
    header = MODEL_FILE.read_bytes()[: read_header(MODEL_FILE).data_offset]
    size = MODEL_FILE.stat().st_size
    for number in range(_N_FILES):
        file = place(folder, number)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(header)
        os.truncate(file, size)
        with file.open("r+b") as opened:
            opened.seek(len(header))
            opened.write(number.to_bytes(2, "little"))


def _list(folder: Path) -> float:
    """Seconds until everything is known that the browser shows."""
    started = perf_counter()
    cache = FactsCache(folder / "facts.json")
    found = library.everything([folder / "models"], cache)
    cache.fill(found, lambda _model, _facts: None)
    facts = [cache.known(model) for model in found]
    library.disk_use(found)
    took = perf_counter() - started
    if len(facts) != _N_FILES + 1 or not all(facts):
        raise RuntimeError("not all files are listed")
    return took


def _main() -> None:
    print(f"{_N_FILES} files in{'first s':>20}{'known s':>10}   (at most 0.3)")
    for name, place in (("a folder", _in_folder), ("the Hub's cache", _in_hub_cache)):
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            constants.HF_HUB_CACHE = str(folder / "cache")
            _fill(folder, place)
            first = _list(folder)
            known = median(_list(folder) for _ in range(_TIMES))
        print(f"{name:20}{first:12.3f}{known:10.3f}")


if __name__ == "__main__":
    _main()
