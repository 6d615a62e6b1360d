"""Real vocabularies without weights, from llama.cpp (MIT): one BPE, one SPM."""

from __future__ import annotations

import lzma
from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).parent


def unpacked(name: str, folder: Path) -> Path:
    """The GGUF of ``qwen2`` or ``llama-spm``, unpacked into ``folder``."""
    file = folder / f"ggml-vocab-{name}.gguf"
    file.write_bytes(lzma.decompress((_FOLDER / f"{file.name}.xz").read_bytes()))
    return file
