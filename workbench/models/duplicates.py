"""The same model in several places: shown once, whatever it is called there."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from workbench.models import pocket
from workbench.models.gguf import read_header
from workbench.models.marks import Marks
from workbench.models.model_file import ModelFile

if TYPE_CHECKING:
    from workbench.models.facts import FactsCache

# Another training, merging or quantising leaves no tensor that it touches as it was.
_OF_A_TENSOR_BYTES: Final = 4096


class _Known(NamedTuple):
    """A model, what its files are on the disk, and their SHA-256 if all of them are known."""

    model: ModelFile
    sizes: tuple[int, ...]
    inodes: object
    hashes: tuple[str, ...]


def once(
    models: Iterable[ModelFile], facts: FactsCache | None = None, marks: Marks | None = None
) -> list[ModelFile]:
    """``models`` without those that are the same bytes as another one, which tells of them.

    They are if they are the same files on the disk or have the same SHA-256; by ``facts``, too,
    if their samples are the same. Of several the one stays that ``marks`` know best, else the
    first. Looks at the disk.
    """
    found = _hashed_once(models, facts, marks)
    if facts is None:
        return [known.model for known in found]
    alone: list[_Known] = []
    places: dict[str, list[int]] = {}
    doubtful = {known.model.path for known in _doubtful(found)}
    for known in found:
        is_doubtful = known.model.path in doubtful
        sample = facts.known_sample(known.model) if is_doubtful else ""
        alike = places.setdefault(sample, []) if sample else []
        at = next((at for at in alike if not (known.hashes and alone[at].hashes)), len(alone))
        alike.append(at)
        _add(alone, at, known, marks)
    return [known.model for known in alone]


def doubtful(models: Iterable[ModelFile], facts: FactsCache) -> list[ModelFile]:
    """Those of which only samples can tell whether they are the same as others.

    Not the one that is built in, which is no copy of anything.
    """
    others = [model for model in models if model.path != pocket.MODEL_FILE]
    return [known.model for known in _doubtful(_hashed_once(others, facts, None))]


def inodes(model: ModelFile) -> object:
    """What two models have in common if they are the same files; None if one is not there."""
    return _known(model, None).inodes


def sample(files: Sequence[Path]) -> str:
    """A digest of the headers of files and of the beginnings of their tensors.

    All bytes of two files of 40 GB take minutes. Raises GgufError or OSError.
    """
    digest = hashlib.sha256()
    for file in files:
        header = read_header(file)
        with file.open("rb", buffering=0) as opened:
            digest.update(opened.read(header.data_offset))
            for tensor in header.tensors:
                opened.seek(header.data_offset + tensor.offset)
                digest.update(opened.read(min(_OF_A_TENSOR_BYTES, tensor.size)))
    return digest.hexdigest()


def _hashed_once(
    models: Iterable[ModelFile], facts: FactsCache | None, marks: Marks | None
) -> list[_Known]:
    found: list[_Known] = []
    places: dict[object, int] = {}
    for model in models:
        known = _known(model, facts)
        keys = [key for key in (known.inodes, known.hashes) if key]
        at = next((places[key] for key in keys if key in places), len(found))
        _add(found, at, known, marks)
        places.update(dict.fromkeys(keys, at))
    return found


def _doubtful(models: Sequence[_Known]) -> list[_Known]:
    of_sizes = Counter(known.sizes for known in models)
    # Those that have hashes have been held against one another.
    unhashed = {known.sizes for known in models if known.sizes and not known.hashes}
    return [known for known in models if known.sizes in unhashed and of_sizes[known.sizes] > 1]


def _known(model: ModelFile, facts: FactsCache | None) -> _Known:
    try:
        stats = [(file, file.stat()) for file in model.files or (model.path,)]
    except OSError:
        return _Known(model, (), None, ())
    # Some disks number no files.
    same = tuple((fact.st_dev, fact.st_ino or file.resolve()) for file, fact in stats)
    if model.missing:
        # The parts that are there tell nothing of the others.
        return _Known(model, (), same, ())
    hashes = facts.hashes(model) if facts else model.hashes
    sizes = tuple(fact.st_size for _, fact in stats)
    return _Known(model, sizes, same, hashes if all(hashes) else ())


def _add(found: list[_Known], at: int, known: _Known, marks: Marks | None) -> None:
    """Put a model behind the others, or join it with the one that it is the same as."""
    if at == len(found):
        found.append(known)
        return
    kept, other = found[at].model, known.model
    if marks is not None and _liking(marks, other) > _liking(marks, kept):
        kept, other = other, kept
    also = other.called if other.source == kept.source else other.source
    also_in = dict.fromkeys((*kept.also, also, *other.also))
    also_in.pop(kept.source, None)
    copies = (*kept.copies, *(other.files or (other.path,)), *other.copies)
    joined = msgspec.structs.replace(kept, also=tuple(also_in), copies=copies)
    found[at] = found[at]._replace(model=joined, hashes=found[at].hashes or known.hashes)


def _liking(marks: Marks, model: ModelFile) -> tuple[bool, float]:
    return marks.is_favourite(model), marks.last_used(model)
