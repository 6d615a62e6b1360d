"""Models that other programs have on this machine: Ollama, LM Studio, llama.cpp."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from workbench.models import naming
from workbench.models.model_file import ModelFile, gathered, is_file, is_folder, told_hash
from workbench.untrusted import without_controls

OLLAMA: Final = "Ollama"
LM_STUDIO: Final = "LM Studio"
LLAMA_CPP: Final = "llama.cpp"

_WEIGHTS: Final = "application/vnd.ollama.image.model"
_LARGEST_MANIFEST: Final = 1 << 20
# What Ollama leaves out of a name.
_ITS_OWN: Final = ("registry.ollama.ai/library/", "registry.ollama.ai/")


def places() -> Iterator[list[ModelFile]]:
    """The models of each of them."""
    for folder in ollama_folders():
        yield in_ollama(folder)
    for folder in lm_studio_folders():
        yield _in(folder, LM_STUDIO)
    yield _in(llama_cpp_folder(), LLAMA_CPP)


def ollama_folders() -> list[Path]:
    """Where Ollama keeps its models: as its environment says, a person's own, the service's."""
    if told := os.environ.get("OLLAMA_MODELS"):
        return [Path(told)]
    return [Path.home() / ".ollama" / "models", Path("/usr/share/ollama/.ollama/models")]


def lm_studio_folders() -> list[Path]:
    """Where LM Studio keeps its models, now and in older versions."""
    return [Path.home() / ".lmstudio" / "models", Path.home() / ".cache" / "lm-studio" / "models"]


def llama_cpp_folder() -> Path:
    """llama.cpp's own cache (its common/common.cpp, fs_get_cache_directory)."""
    if told := os.environ.get("LLAMA_CACHE"):
        return Path(told)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "llama.cpp"
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "llama.cpp"


def in_ollama(folder: Path) -> list[ModelFile]:
    """The models whose manifests are in an Ollama folder; blobs have no other names."""
    manifests = folder / "manifests"
    found = []
    for place, _, names in os.walk(manifests):
        for name in sorted(names):
            manifest = Path(place, name)
            if model := _of_manifest(manifest, folder, manifest.relative_to(manifests)):
                found.append(model)
    return sorted(found, key=lambda model: model.name)


def _of_manifest(manifest: Path, folder: Path, named: Path) -> ModelFile | None:
    try:
        if manifest.stat().st_size > _LARGEST_MANIFEST:
            return None
        said: Any = msgspec.json.decode(manifest.read_bytes())
    except (OSError, ValueError):
        return None
    layers = said.get("layers") if isinstance(said, dict) else None
    for layer in layers if isinstance(layers, list) else ():
        if not isinstance(layer, dict) or layer.get("mediaType") != _WEIGHTS:
            continue
        blob = folder / "blobs" / Path(str(layer.get("digest", "")).replace(":", "-")).name
        # Its name must be a hash: a manifest may say anything.
        if (told := told_hash(blob)) and is_file(blob):
            name = _name(named)
            return ModelFile(
                name=name,
                path=blob,
                size=blob.stat().st_size,
                source=OLLAMA,
                quantisation=naming.quantisation(name),
                files=(blob,),
                hashes=(told,),
            )
    return None


def _name(manifest: Path) -> str:
    """A model's name as Ollama writes it: ``llama3.2:1b``."""
    path = manifest.parent.as_posix()
    for its_own in _ITS_OWN:
        path = path.removeprefix(its_own)
    return without_controls(f"{path}:{manifest.name}")


def _in(folder: Path, source: str) -> list[ModelFile]:
    if not is_folder(folder):
        return []
    files = (Path(at, name) for at, _, names in os.walk(folder) for name in names)
    return gathered(files, source=source)
