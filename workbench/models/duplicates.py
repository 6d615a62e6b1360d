"""The same model in several places: shown once, whatever it is called there."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from workbench.models.model_file import ModelFile

if TYPE_CHECKING:
    from workbench.models.facts import FactsCache

# What a model is called, who made it of what, and how it is built.
_BEGINNING_BYTES: Final = 1 << 20
# Of the rest so many pieces. Another training changes every one of them.
_PIECES: Final = 64
_PIECE_BYTES: Final = 4096


class _Known(NamedTuple):
    """A model, what its files are on the disk, and their SHA-256 if all of them are known."""

    model: ModelFile
    sizes: tuple[int, ...]
    inodes: object
    hashes: tuple[str, ...]


def once(models: Iterable[ModelFile], facts: FactsCache | None = None) -> list[ModelFile]:
    """``models`` without those that are the same bytes as an earlier one, which tells of them.

    They are if they are the same files on the disk or have the same SHA-256. Where ``facts``
    are given, too, if files of the same sizes are alike in all places that are looked at. Reads
    those of which that is not known yet.
    """
    found: list[_Known] = []
    places: dict[object, int] = {}
    for model in models:
        known = _known(model, facts)
        keys = [key for key in (known.inodes, known.hashes) if key]
        at = next((places[key] for key in keys if key in places), len(found))
        _add(found, at, known)
        places.update(dict.fromkeys(keys, at))
    return [known.model for known in (_unlike(found, facts) if facts else found)]


def inodes(model: ModelFile) -> object:
    """What two models have in common if they are the same files; None if one is not there."""
    return _known(model, None).inodes


def sample(files: Sequence[Path]) -> str:
    """A digest of the beginnings of files and of pieces of the rest. Raises OSError."""
    digest = hashlib.blake2b(digest_size=32)
    for file in files:
        with file.open("rb", buffering=0) as opened:
            size = opened.seek(0, 2)
            opened.seek(0)
            digest.update(size.to_bytes(8, "little"))
            digest.update(opened.read(_BEGINNING_BYTES))
            rest = size - _BEGINNING_BYTES - _PIECE_BYTES
            for piece in range(_PIECES if rest > 0 else 0):
                opened.seek(_BEGINNING_BYTES + rest * piece // (_PIECES - 1))
                digest.update(opened.read(_PIECE_BYTES))
    return digest.hexdigest()


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


def _unlike(models: list[_Known], facts: FactsCache) -> list[_Known]:
    """The models without those that are like an earlier one as far as one can see."""
    of_sizes = Counter(known.sizes for known in models)
    # Those that have hashes have been held against one another.
    unhashed = {known.sizes for known in models if known.sizes and not known.hashes}
    found: list[_Known] = []
    places: dict[str, list[int]] = {}
    for known in models:
        doubtful = known.sizes in unhashed and of_sizes[known.sizes] > 1
        alike = places.setdefault(facts.sample(known.model), []) if doubtful else []
        at = next((at for at in alike if not (known.hashes and found[at].hashes)), len(found))
        _add(found, at, known)
        alike.append(at)
    return found


def _add(found: list[_Known], at: int, known: _Known) -> None:
    """Put a model behind the others, or make it a copy of the one that it is the same as."""
    if at == len(found):
        found.append(known)
        return
    first, other = found[at].model, known.model
    also = other.source
    if also == first.source and other.path != first.path:
        also = other.called
    also_in = dict.fromkeys((*first.also, also, *other.also))
    also_in.pop(first.source, None)
    copies = (*first.copies, *(other.files or (other.path,)), *other.copies)
    merged = msgspec.structs.replace(first, also=tuple(also_in), copies=copies)
    found[at] = found[at]._replace(model=merged, hashes=found[at].hashes or known.hashes)
