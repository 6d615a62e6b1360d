"""The same model in two places, where no place tells a hash.

All bytes of two files of 40 GB take minutes to compare. Here those of the same size are held to be
the same if their headers are, and the beginning of every tensor: training, merging or quantising
anew leaves none of the tensors that it touches as it was.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import msgspec

from workbench.models import pocket
from workbench.models.gguf import GgufError, read_header
from workbench.models.model_file import ModelFile

_OF_A_TENSOR: Final = 4096


def sample(model: ModelFile) -> str:
    """A hash of what tells the model's files from others; empty of one that cannot be read."""
    digest = hashlib.sha256()
    try:
        for file in model.files or (model.path,):
            _add(digest.update, file)
    except (GgufError, OSError):
        return ""
    return digest.hexdigest()


def _add(update: Callable[[bytes], object], file: Path) -> None:
    header = read_header(file)
    with file.open("rb", buffering=0) as opened:
        update(opened.read(header.data_offset))
        for tensor in header.tensors:
            opened.seek(header.data_offset + tensor.offset)
            update(opened.read(min(_OF_A_TENSOR, tensor.size)))


def same_sizes(models: Iterable[ModelFile]) -> list[list[ModelFile]]:
    """Those that may be the same as others, together; not the one that comes with Workbench."""
    found: defaultdict[int, list[ModelFile]] = defaultdict(list)
    for model in models:
        if model.path != pocket.MODEL_FILE:
            found[model.size].append(model)
    return [each for each in found.values() if len(each) > 1]


def merged(
    models: Iterable[ModelFile],
    sampled: Callable[[ModelFile], str],
    last_used: Callable[[ModelFile], float],
) -> list[ModelFile]:
    """Each model once, where it was used last, or else in the first of its places.

    Those of which ``sampled`` gives nothing stay as they are.
    """
    models = list(models)
    groups: defaultdict[tuple[int, str], list[ModelFile]] = defaultdict(list)
    for alike in same_sizes(models):
        for model in alike:
            if told := sampled(model):
                groups[model.size, told].append(model)
    kept: dict[Path, ModelFile] = {}
    gone: set[Path] = set()
    for same in groups.values():
        best = max(same, key=last_used)
        others = dict.fromkeys(source for each in same for source in (each.source, *each.also))
        also = tuple(source for source in others if source != best.source)
        gone |= {each.path for each in same}
        hashes = next((each.hashes for each in same if all(each.hashes)), best.hashes)
        kept[best.path] = msgspec.structs.replace(best, also=also, hashes=hashes)
    return [
        kept.get(model.path, model)
        for model in models
        if model.path not in gone or model.path in kept
    ]
