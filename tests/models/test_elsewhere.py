from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from workbench.models import elsewhere, library

CONTENT = b"GGUF" + bytes(96)
HASH = hashlib.sha256(CONTENT).hexdigest()


def ollama(folder: Path, name: str, digest: str, content: bytes | None = CONTENT) -> None:
    """Have a model of this name in an Ollama folder."""
    manifest = folder / "manifests" / name
    manifest.parent.mkdir(parents=True, exist_ok=True)
    layers = [
        {"mediaType": "application/vnd.ollama.image.template", "digest": "sha256:" + "1" * 64},
        {"mediaType": "application/vnd.ollama.image.model", "digest": digest},
    ]
    manifest.write_text(json.dumps({"layers": layers}))
    if content is not None:
        blobs = folder / "blobs"
        blobs.mkdir(exist_ok=True)
        (blobs / digest.replace(":", "-")).write_bytes(content)


def test_ollamas_blobs_have_the_names_of_their_manifests(home: Path) -> None:
    folder = home / ".ollama" / "models"
    ollama(folder, "registry.ollama.ai/library/llama3.2/1b-q4_K_M", f"sha256:{HASH}")
    ollama(folder, "hf.co/someone/Tiny-GGUF/latest", f"sha256:{HASH}")
    first, second = elsewhere.in_ollama(folder)
    assert (first.name, second.name) == ("hf.co/someone/Tiny-GGUF:latest", "llama3.2:1b-q4_K_M")
    assert (second.size, second.quantisation, second.hashes) == (100, "Q4_K_M", (HASH,))
    # One blob is one model.
    [model] = [each for each in library.everything() if each.source == elsewhere.OLLAMA]
    assert model.path.read_bytes() == CONTENT


@pytest.mark.parametrize("digest", ["sha256:../../../etc/passwd", "x", f"sha256:{'0' * 64}"])
def test_a_manifest_may_say_anything(tmp_path: Path, digest: str) -> None:
    ollama(tmp_path, "registry.ollama.ai/library/evil/latest", digest, content=None)
    (tmp_path / "manifests" / "broken").write_text("{")
    (tmp_path / "manifests" / "list").write_text("[1]")
    assert elsewhere.in_ollama(tmp_path) == []


def test_the_other_programs_folders_are_found(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in (
        home / ".lmstudio" / "models" / "someone" / "A-GGUF" / "A-Q8_0.gguf",
        home / ".cache" / "lm-studio" / "models" / "someone" / "B-GGUF" / "B.gguf",
        home / "llama" / "ggml-org_C_C.gguf",
    ):
        place.parent.mkdir(parents=True)
        place.write_bytes(CONTENT)
    monkeypatch.setenv("LLAMA_CACHE", str(home / "llama"))
    found = {(model.source, model.name) for model in library.everything()}
    assert found == {
        ("built in", "pocket"),
        (elsewhere.LM_STUDIO, "A-Q8_0"),
        (elsewhere.LM_STUDIO, "B"),
        (elsewhere.LLAMA_CPP, "ggml-org_C_C"),
    }
